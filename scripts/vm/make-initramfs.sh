#!/bin/bash
# Makes the initial file system of the virtual machine: busybox, init.sh, and the modules that reach the shared root.
#
#   make-initramfs.sh KERNEL OUTPUT        KERNEL: an unpacked package of a kernel
set -euo pipefail

here=$(dirname "$(realpath "$0")")
kernel=$(realpath "$1")
output=$(realpath -m "$2")
release=$(basename "$kernel"/lib/modules/*)
depmod --basedir "$kernel" "$release"

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,dev,modules,proc,shared,top,new}
cp "$(command -v busybox)" "$root/bin/busybox"
install -m 755 "$here/init.sh" "$root/init"

# In the order in which they are loaded: what a module needs comes before it.
number=100
seen=" "
for module in virtio_pci virtiofs overlay; do
  while read -r verb file _; do
    [ "$verb" = insmod ] || continue
    case $seen in *" $file "*) continue ;; esac
    seen="$seen$file "
    number=$((number + 1))
    name=$root/modules/$number-$(basename "$file")
    case $file in
      *.xz) xz --decompress --stdout "$file" >"${name%.xz}" ;;
      *.zst) zstd --quiet --decompress --stdout "$file" >"${name%.zst}" ;;
      *) cp "$file" "$name" ;;
    esac
  done < <(modprobe --dirname "$kernel" --set-version "$release" --show-depends "$module")
done

(cd "$root" && find . -print0 | sort -z | cpio --null --create --format=newc --quiet) | gzip -1 >"$output"
