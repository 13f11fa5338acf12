#!/bin/bash
# What `make test-vm` needs: Debian packages of an emulator, and Debian's kernel for clouds, unpacked and not installed.
#
#   sudo scripts/install-vm-dependencies.sh        STACK_VM_DIR: where the kernel is put (.build-vm)
#
# Does nothing, and uses no network, when all of it is there.
set -euo pipefail
cd "$(dirname "$0")/.."
directory=$(realpath -m "${STACK_VM_DIR:-.build-vm}")

fail() { printf 'install-vm-dependencies: %s\n' "$*" >&2; exit 1; }
[ "$(uname -m)" = x86_64 ] || fail "the virtual machine is an x86-64 one, this machine is not"

missing=()
for package in busybox-static cpio e2fsprogs kmod qemu-system-x86 xz-utils zstd; do
  state=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing+=("$package")
done
# Debian 12 has it in a package that qemu-system-x86 brings; later releases have a package of that name.
if [ -z "$(scripts/vm/virtiofsd.sh)" ] && apt-cache show virtiofsd >/dev/null 2>&1; then missing+=(virtiofsd); fi

install_missing() {
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}" </dev/null
}
if [ ${#missing[@]} -gt 0 ]; then
  [ "$(id -u)" = 0 ] || fail "${missing[*]} must be installed: sudo $0"
  echo "installing ${missing[*]}"
  install_missing >/dev/null 2>&1 || { apt-get update </dev/null && install_missing; }
fi
[ -n "$(scripts/vm/virtiofsd.sh)" ] || fail "there is no virtiofsd"

if [ ! -e "$directory/initramfs" ]; then
  newest() { apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1; }
  package=$(newest)
  [ -n "$package" ] || { apt-get update </dev/null >/dev/null; package=$(newest); }
  [ -n "$package" ] || fail "apt knows no linux-image-cloud-amd64"
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  # apt downloads as a user of its own.
  if id _apt >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then chown _apt "$work"; fi
  (cd "$work" && { apt-get download -q "$package" >/dev/null || { apt-get update >/dev/null && apt-get download -q "$package" >/dev/null; }; })
  rm -rf "$directory"
  mkdir -p "$directory"
  dpkg-deb --extract "$work"/"$package"_*.deb "$directory/kernel"
  scripts/vm/make-initramfs.sh "$directory/kernel" "$directory/initramfs"
fi
