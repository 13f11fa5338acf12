#!/bin/bash
# Serves the machine's root, read-only, to the virtual machine: share.sh DIRECTORY SOCKET PATH…
#
# Runs in a mount namespace that goes with the server. The virtual machine sees the file system of the root alone, and those that
# the paths and the toolchain are on.
set -euo pipefail

root=$1
socket=$2
mkdir "$root"
for path in / "${@:3}" "$(dirname "$(realpath "$(command -v swift || echo /usr/bin/env)")")"; do
  # The root's own file system is there already.
  if [ "$path" != / ] && [ "$(stat -c %d "$path")" = "$(stat -c %d /)" ]; then continue; fi
  mount --bind "$path" "$root$path"
  mount -o remount,bind,ro "$root$path"
done
exec "$("$(dirname "$(realpath "$0")")/virtiofsd.sh")" --socket-path="$socket" -o source="$root" -o cache=always
