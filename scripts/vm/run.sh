#!/bin/bash
# Runs a script as root in a virtual machine that has cgroup v2 alone, and ends with its exit code.
#
#   sudo scripts/vm/run.sh SCRIPT [SECONDS]
#
# The machine's root is this one's, read-only, under a layer in memory: nothing that happens in it reaches the host but what
# it prints. It has no network but its own loopback. It is emulated, and five to ten times slower; VM_ACCELERATOR=kvm
# makes it fast where the processor may be used.
set -euo pipefail

here=$(dirname "$(realpath "$0")")
repository=$(realpath "$here/../..")
directory=$(realpath -m "${STACK_VM_DIR:-$repository/.build-vm}")
job=$(realpath "$1")
seconds=${2:-540}
memory=3072M
[ "$(id -u)" = 0 ] || { echo "vm: needs root, because it shares root's files with the machine: sudo $0" >&2; exit 1; }

work=$(mktemp -d /tmp/stack-vm.XXXXXX)
server=''
# Called by the trap.
# shellcheck disable=SC2317
clean_up() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

unshare --mount --propagation private "$here/share.sh" "$work/root" "$work/socket" \
  "$repository" "$directory" "${job%/*}" >"$work/server.log" 2>&1 &
server=$!
for _ in $(seq 200); do [ -S "$work/socket" ] && break; sleep 0.02; done
[ -S "$work/socket" ] || { cat "$work/server.log" >&2; exit 1; }

truncate --size=4G "$work/disk"
mkfs.ext4 -q -O ^has_journal "$work/disk"
parameters=(
  console=ttyS0 quiet loglevel=1 panic=-1 cgroup_no_v1=all mitigations=off
  "stack.first=$here/first.sh" "stack.job=$job" "stack.modules=$directory/kernel/lib/modules"
  "stack.repository=$repository"
)
timeout "$seconds" qemu-system-x86_64 \
  -machine q35 -accel "${VM_ACCELERATOR:-tcg,thread=multi}" -cpu max -smp 2 -m "$memory" \
  -object "memory-backend-memfd,id=memory,size=$memory,share=on" -numa node,memdev=memory \
  -chardev "socket,id=root,path=$work/socket" -device vhost-user-fs-pci,chardev=root,tag=root \
  -drive "file=$work/disk,if=virtio,format=raw,cache=unsafe,discard=unmap" \
  -display none -serial stdio -monitor none -no-reboot -nic none \
  -kernel "$(echo "$directory"/kernel/boot/vmlinuz-*)" -initrd "$directory/initramfs" -append "${parameters[*]}" </dev/null |
  sed -u 's/\r$//' | tee "$work/output" | grep --line-buffered --invert-match --extended-regexp '^vm: exit [0-9]+$|Power Off$|Power down$' || true
code=$(sed -n 's/^vm: exit \([0-9]*\)$/\1/p' "$work/output" | tail -n 1)
[ -n "$code" ] || { echo "vm: the machine did not end in $seconds s, or ended by itself" >&2; code=1; }
exit "$code"
