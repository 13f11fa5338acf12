#!/bin/bash
# Installs the Debian packages that building and testing need, and checks that Swift is there.
#
#   sudo scripts/install-build-dependencies.sh             for the build, the samples, and nearly all tests
#   sudo scripts/install-build-dependencies.sh --tests     also other engines that the tests run with
#
# Does nothing, and uses no network, when all of them are installed.
set -euo pipefail
cd "$(dirname "$0")/.."

# Libraries of system modules (Package.swift), all with their static forms.
libraries=(
  libarchive-dev libcap-dev libnl-3-dev libnl-route-3-dev libseccomp-dev libyaml-dev libzstd-dev
  nettle-dev zlib1g-dev
)
# What swiftc and the build call, and what this repository's scripts are written in.
tools=(gcc git libc6-dev make pkg-config python3)
# Tests, samples and the benchmark: they look at the kernel from outside, with programs that `stack` itself never runs.
tests=(
  busybox-static curl debootstrap iproute2 jq netcat-openbsd nftables procps python3-jsonschema python3-yaml util-linux zstd
)
if [ "${1:-}" = --tests ]; then tests+=(conmon podman); fi
swift_needed=6.2

missing=()
for package in "${libraries[@]}" "${tools[@]}" "${tests[@]}"; do
  state=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing+=("$package")
done

if [ ${#missing[@]} -gt 0 ]; then
  echo "installing ${missing[*]}"
  if [ "$(id -u)" != 0 ]; then
    echo "install-build-dependencies: needs root: sudo $0" >&2
    exit 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  # A machine that has never updated its lists, or not for a while, does not find the packages: update, then once more.
  apt-get install --yes --no-install-recommends "${missing[@]}" </dev/null >/dev/null 2>&1 || {
    apt-get update </dev/null
    apt-get install --yes --no-install-recommends "${missing[@]}" </dev/null
  }
fi

PATH=$(scripts/swift-directory.sh):$PATH
if ! command -v swift >/dev/null; then
  cat >&2 <<TEXT
install-build-dependencies: Swift $swift_needed or newer is missing; Debian has no package of it.
  Install it from https://www.swift.org/install/linux/ (the toolchain for Debian 12), for example with swiftly,
  and have its directory in PATH. Then run this again.
TEXT
  exit 1
fi
swift_found=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
if [ "$(printf '%s\n' "$swift_needed" "$swift_found" | sort -V | head -n 1)" != "$swift_needed" ]; then
  echo "install-build-dependencies: Swift $swift_needed or newer is needed, and this is ${swift_found:-an unknown version}:" \
    "$(command -v swift). Install one from https://www.swift.org/install/linux/" >&2
  exit 1
fi
