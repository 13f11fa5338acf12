#!/bin/bash
# Brings the samples up, uses them, and takes them down again, showing each command.
#
#   sudo scripts/demo.sh [STACK]
#
# Nothing is downloaded. State, images and volumes are in directories of the demonstration's own, and gone at its end.
set -euo pipefail
cd "$(dirname "$0")/.."
repository=$PWD

binary=$(realpath "${1:-dist/stack}")
[ "$(id -u)" = 0 ] || { echo "demo: needs root: sudo make demo" >&2; exit 1; }
[ -x "$binary" ] || { echo "demo: $binary is missing: make release" >&2; exit 1; }

STACK_RUN_DIR=$(mktemp -d /run/stack-demo.XXXXXX)
STACK_DATA_DIR=$(mktemp -d /var/tmp/stack-demo.XXXXXX)
export STACK_RUN_DIR STACK_DATA_DIR
stack() { "$binary" "$@"; }

had_root=$([ -d samples/hello/rootfs ] && echo yes || echo no)
clean_up() {
  for sample in hello guestbook; do
    stack -f "$repository/samples/$sample/stack.yaml" down -v >/dev/null 2>&1 || true
  done
  rm -rf --one-file-system "$STACK_RUN_DIR" "$STACK_DATA_DIR"
  # Made by root in a directory of the user's.
  [ "$had_root" = yes ] || rm -rf "$repository/samples/hello/rootfs"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

if [ -t 1 ]; then bold=$(tput bold 2>/dev/null || true) plain=$(tput sgr0 2>/dev/null || true); else bold='' plain=''; fi
title() { printf '\n%s# %s%s\n' "$bold" "$*" "$plain"; }
show() {
  local word line=''
  for word in "$@"; do
    # As a person types it: quotes only where a shell needs them.
    case $word in *[!A-Za-z0-9_./:=%,+-]*) word="'$word'" ;; esac
    line+=" $word"
  done
  printf '\n%s$%s%s\n' "$bold" "$line" "$plain"
  "$@"
}
# A command that must fail, because something keeps the service from doing it.
show_refused() {
  if show "$@" 2>&1; then
    echo "demo: that should have been refused" >&2
    return 1
  fi
}

# The first of 20 ports that nothing listens on.
free_port() {
  local port
  for port in $(seq "$1" $(($1 + 19))); do
    ss -Hltn "sport = :$port" | grep -q . || { echo "$port"; return; }
  done
  echo "demo: ports $1 to $port are all in use" >&2
  return 1
}

# Until it answers: a server that has started does not listen yet.
wait_for() {
  local attempt
  for attempt in $(seq 300); do
    if curl -fsS -o /dev/null "$1" 2>/dev/null; then return; fi
    sleep 0.1
  done
  echo "demo: no answer from $1 after 30 s (attempt $attempt)" >&2
  return 1
}

title "hello: one web server in a root file system made of busybox"
HELLO_PORT=$(free_port 8080)
export HELLO_PORT
show samples/hello/prepare.sh
cd samples/hello
show stack up -d
wait_for "http://localhost:$HELLO_PORT/"
show curl -sS "http://localhost:$HELLO_PORT/"
show stack ps
show stack exec web ps
show stack logs
show stack down
cd "$repository"

image=samples/guestbook/image/guestbook.tar.zst
if [ -f "$image" ]; then
  title "guestbook: nginx, a Python application, PostgreSQL and Redis"
  GUESTBOOK_PORT=$(free_port 8080)
  export GUESTBOOK_PORT
  url=http://localhost:$GUESTBOOK_PORT
  cd samples/guestbook
  show stack image import guestbook image/guestbook.tar.zst
  show stack image ls
  show stack up -d
  wait_for "$url/health"
  show stack ps
  show curl -sS -o /dev/null -w '%{http_code}\n' -d name=Ada -d message=Hello "$url/"
  show curl -sS "$url/entries.json"
  show stack logs --tail 3
  title "limits: memory and processes, of the container's cgroup"
  show stack exec web sh -c 'cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max 2>/dev/null ||
    cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max'
  title "no capabilities, no way to gain any, and a seccomp filter"
  show stack exec web grep -E 'Cap(Eff|Bnd)|NoNewPrivs|Seccomp:' /proc/1/status
  title "a read-only root"
  show_refused stack exec web touch /new
  title "a seccomp profile of its own: the application opens TCP connections, but no netlink socket"
  show_refused stack exec app python3 -c 'import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)'
  title "an internal network: PostgreSQL has no way out, its only route is its own network"
  show stack exec database cut -f 1-3,8 /proc/net/route
  title "down keeps the volume: the entry is there again after the next up"
  show stack down
  show stack up -d
  wait_for "$url/health"
  show curl -sS "$url/entries.json"
  show stack down -v
  cd "$repository"
else
  title "guestbook (nginx, Python, PostgreSQL, Redis) needs its image once: sudo samples/guestbook/build-image.sh"
fi

title "what is left"
left=$(find "$STACK_RUN_DIR" -mindepth 2 -maxdepth 2 2>/dev/null; ip -brief link 2>/dev/null | grep -E '^(stk-|stv)' || true)
if [ -n "$left" ]; then
  echo "$left"
  exit 1
fi
echo "nothing"
