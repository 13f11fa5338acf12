#!/bin/bash
# Makes image/guestbook.tar.zst: a Debian 12 file system with nginx, PostgreSQL, Redis and Python in it.
#
#   sudo ./build-image.sh          needs debootstrap, zstd and the network (or a mirror: MIRROR=http://…)
#   stack image import guestbook image/guestbook.tar.zst
#
# An image is a tar file of a file system: start with a base system, install, configure, tar.
set -euo pipefail
cd "$(dirname "$0")"

suite=bookworm
mirror=${MIRROR:-http://deb.debian.org/debian}
packages=(nginx-light postgresql redis-server python3-flask gunicorn python3-psycopg2 python3-redis)
archive=$PWD/image/guestbook.tar.zst

say() { printf '==> %s\n' "$*"; }
fail() { printf 'build-image: %s\n' "$*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || fail "needs root, because it makes a file system owned by root: sudo $0"
for program in debootstrap zstd; do
  command -v "$program" >/dev/null || fail "$program is missing: apt-get install $program"
done

# Everything below happens in a mount namespace of its own: what it mounts goes away with it, however it ends.
if [ "${IN_NAMESPACE:-}" != 1 ]; then
  IN_NAMESPACE=1 exec unshare --mount --propagation private "$PWD/${0##*/}" "$@"
fi

mkdir -p image
# Not below /tmp, which may be mounted nodev: debootstrap makes device nodes.
work=$(mktemp -d "$PWD/image/build.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
root=$work/root

say "base system: Debian $suite"
debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$work/debootstrap.log" 2>&1 ||
  { tail -n 20 "$work/debootstrap.log" >&2; fail "debootstrap failed"; }

say "packages: ${packages[*]}"
# Nothing is started while it is installed, and documentation does not get in at all.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
printf 'path-exclude=/usr/share/%s/*\n' doc man info locale lintian >"$root/etc/dpkg/dpkg.cfg.d/small"
# The database is made by the service on its volume, not by the package in the image.
mkdir -p "$root/etc/postgresql-common"
printf 'create_main_cluster = false\n' >"$root/etc/postgresql-common/createcluster.conf"
mount -t proc proc "$root/proc"
inside() {
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    ${http_proxy:+http_proxy="$http_proxy"} \
    chroot "$root" "$@" >>"$work/install.log" 2>&1 || { tail -n 20 "$work/install.log" >&2; fail "'$*' failed in the new system"; }
}
inside apt-get update
inside apt-get install --yes --no-install-recommends "${packages[@]}"
# A named volume that is new starts as a copy of what the image has in its place: its owner too.
inside install -d -o postgres -g postgres -m 700 /var/lib/postgresql/data
inside useradd --system --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin guestbook

say "configuration"
umount "$root/proc"
# What is in these directories is made anew by every start; the image ships them empty.
rm -rf "${root:?}"/{dev,proc,run,sys,tmp}/* "$root"/var/{log,cache,tmp}/*
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/lib/dpkg/*-old "$root/usr/sbin/policy-rc.d"
# What the base system brought before the exclusion above was in place.
rm -rf "$root"/usr/share/{doc,man,info,locale,lintian}/* "$root/usr/share/i18n"
# A key pair that installing ssl-cert made: nothing uses it, and an image is no place for a private key.
rm -f "$root"/etc/ssl/private/ssl-cert-snakeoil.key "$root"/etc/ssl/certs/ssl-cert-snakeoil.pem
find "$root/etc/ssl/certs" -xtype l -delete
# PostgreSQL's just-in-time compiler: LLVM is a third of the image, and the server runs without it.
rm -rf "$root"/usr/lib/x86_64-linux-gnu/{libLLVM-*,libz3.*} "$root"/usr/lib/postgresql/*/lib/{bitcode,llvmjit*}
# What the stack file mounts is mounted here; the root is read-only by then.
install -d -m 755 "$root/srv/guestbook"
touch "$root/srv/nginx.conf" "$root/srv/database.sh"
: >"$root/etc/machine-id"
: >"$root/etc/resolv.conf"
printf '127.0.0.1 localhost\n' >"$root/etc/hosts"

say "archive"
tar --create --directory "$root" --numeric-owner --sort=name --one-file-system . |
  zstd --quiet -10 --threads=0 --force -o "$archive.new"
mv "$archive.new" "$archive"
say "$(du -h "$archive" | cut -f1) in ${archive#"$PWD"/} ($(du -sh "$root" | cut -f1) unpacked)"
