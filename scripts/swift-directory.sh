#!/bin/bash
# Prints the directory of the `swift` command, or nothing that helps when there is none.
#
# sudo(8) replaces PATH, so that root does not find a toolchain which the user who called it has in theirs.
set -uo pipefail

of_user() {
  # swiftly's own `swift` works for its user alone; the toolchain that it stands for works for everybody.
  # The variables are the user's.
  # shellcheck disable=SC2016
  runuser --login "$1" --command '
    toolchain=$(swiftly use --print-location 2>/dev/null | head -n 1)
    if [ -x "$toolchain/usr/bin/swift" ]; then echo "$toolchain/usr/bin"; else dirname "$(command -v swift)"; fi' 2>/dev/null | tail -n 1
}

found=$(command -v swift)
if [ -n "$found" ]; then
  dirname "$found"
  exit
fi
if [ "$(id -u)" = 0 ] && [ "${SUDO_USER:-root}" != root ]; then
  directory=$(of_user "$SUDO_USER")
  if [ -x "$directory/swift" ]; then
    echo "$directory"
    exit
  fi
fi
for directory in /opt/swift/usr/bin /opt/swift*/usr/bin /usr/local/swift/usr/bin /usr/libexec/swift/*/bin; do
  if [ -x "$directory/swift" ]; then
    echo "$directory"
    exit
  fi
done
echo /nonexistent
