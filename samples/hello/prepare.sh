#!/bin/bash
# Makes rootfs/: a root file system with nothing in it but busybox (from Debian's package busybox-static).
#
# That is all an image is: a directory that a program takes for the whole file system.
set -euo pipefail
cd "$(dirname "$0")"

busybox=$(command -v busybox) || { echo "prepare: busybox is missing: apt-get install busybox-static" >&2; exit 1; }
# One without libraries: there are none in the new root.
if ldd "$busybox" >/dev/null 2>&1; then
  echo "prepare: $busybox is not static: apt-get install busybox-static" >&2
  exit 1
fi

rm -rf rootfs.new
install -d rootfs.new/bin rootfs.new/etc rootfs.new/www
install -m 755 "$busybox" rootfs.new/bin/busybox
for applet in $(rootfs.new/bin/busybox --list); do
  [ "$applet" = busybox ] || ln -s busybox "rootfs.new/bin/$applet"
done
printf 'root:x:0:0:root:/:/bin/sh\nwww:x:1000:1000:web server:/www:/bin/false\n' >rootfs.new/etc/passwd
printf 'root:x:0:\nwww:x:1000:\n' >rootfs.new/etc/group
rm -rf rootfs
mv rootfs.new rootfs
