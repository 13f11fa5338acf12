#!/bin/bash
# Records a terminal session with the sample hello, for the picture in the README.
#
#   sudo scripts/record-demo.sh STACK TRANSCRIPT
#
# The transcript has the commands as `$ command` and what they printed, colours included.
set -euo pipefail

binary=$(realpath "$1")
transcript=$(realpath "$2")
cd "$(dirname "$0")/../samples/hello"

STACK_RUN_DIR=$(mktemp -d /run/stack-demo.XXXXXX)
STACK_DATA_DIR=$(mktemp -d /var/tmp/stack-demo.XXXXXX)
directory=$(mktemp -d)
# Lines that are painted over and over are no picture.
export STACK_RUN_DIR STACK_DATA_DIR STACK_PROGRESS=plain
ln -s "$binary" "$directory/stack"
PATH=$directory:$PATH
clean_up() {
  stack down -v >/dev/null 2>&1 || true
  rm -rf --one-file-system "$STACK_RUN_DIR" "$STACK_DATA_DIR" "$directory"
}
trap clean_up EXIT

# A keyboard that nobody types on: at the end of its input script(1) would type an end of file.
mkfifo "$directory/keyboard"
exec 3<>"$directory/keyboard"
record() {
  printf '$ %s\n' "$1"
  # On a terminal of its own, as for a person: script(1) makes one, and adds the carriage returns of a terminal.
  script --quiet --return --command "stty cols 96; $1" /dev/null <&3 | tr -d '\r'
}

./prepare.sh
{
  record "grep '^ *[^ #]' stack.yaml"
  record "stack up -d"
  record "curl -s localhost:8080 | grep h1"
  record "stack ps"
  record "stack exec web ps"
  record "stack logs"
  record "stack down"
  # It fails, as it should.
  record "sed 's/ports:/prots:/; s/32m/32x/' stack.yaml | stack -f - config" || true
} >"$transcript"
