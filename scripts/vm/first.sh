#!/bin/bash
# PID 1 of the virtual machine once it has its root: file systems of the kernel, the job, and off.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb

mount -t proc proc /proc
parameter() { sed -n "s/.*\bstack\.$1=\([^ ]*\).*/\1/p" /proc/cmdline; }
# Read now: it may lie in a directory that is hidden below.
job=$(<"$(parameter job)")
mount -t sysfs sysfs /sys
mount -t cgroup2 -o nsdelegate cgroup2 /sys/fs/cgroup
mkdir -p /dev/pts /dev/shm /dev/mqueue
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t mqueue mqueue /dev/mqueue
for directory in /dev/shm /run; do mount -t tmpfs -o mode=1777 tmpfs "$directory"; done
for link in fd: stdin:/0 stdout:/1 stderr:/2; do ln -sfn "/proc/self/fd${link#*:}" "/dev/${link%%:*}"; done
mount --make-rshared /

# A disk, for what needs a real file system: owners that are mapped, upper layers of an overlay. The repository stays where it
# is, also below these directories.
modules=$(parameter modules)
repository=$(parameter repository)
mkdir -p /kept "/lib/modules/$(uname -r)"
mount --bind "$repository" /kept
# Modules are loaded when the kernel asks for them, as on an installed machine.
mount --bind "$modules/$(uname -r)" "/lib/modules/$(uname -r)"
modprobe -a virtio_blk loop
for directory in /tmp /var/tmp; do mount -o discard /dev/vda "$directory"; chmod 1777 "$directory"; done
if [ ! -e "$repository/Package.swift" ]; then
  mkdir -p "$repository"
  mount --bind /kept "$repository"
fi
umount /kept
hostname vm
ip link set lo up

setsid --wait /bin/bash -c "$job" </dev/null
echo "vm: exit $?"
sync
# The kernel's last words are not a result.
echo 0 >/proc/sys/kernel/printk
echo o >/proc/sysrq-trigger
sleep 60
