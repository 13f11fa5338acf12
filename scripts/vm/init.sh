#!/bin/busybox sh
# shellcheck shell=dash
# First process of the virtual machine: makes the host's root, which is shared read-only, the root here, under a layer in memory
# that takes all writes. The kernel's command line has the rest: stack.first is the program that becomes PID 1 then.
busybox=/bin/busybox
$busybox mount -t proc proc /proc
$busybox mount -t devtmpfs dev /dev
for module in /modules/*; do $busybox insmod "$module"; done

$busybox mount -t virtiofs -o ro root /shared
$busybox mount -t tmpfs -o size=60% top /top
$busybox mkdir /top/upper /top/work
if ! $busybox mount -t overlay -o lowerdir=/shared,upperdir=/top/upper,workdir=/top/work overlay /new; then
  echo "the shared root cannot be mounted"
  $busybox poweroff -f
fi

for word in $($busybox cat /proc/cmdline); do
  case $word in stack.first=*) first=${word#*=} ;; esac
done
$busybox umount /proc
$busybox mount --move /dev /new/dev
exec $busybox switch_root /new /bin/bash "$first"
