#!/bin/bash
# Runs tests in a virtual machine that has cgroup v2 alone; the last line is `N passed, N failed`.
#
#   sudo scripts/test-vm.sh [--short] [arguments of `swift test`]
#
# Without arguments, those of the engine and the main end-to-end ones; with --short, fewer of them.
# What was built for this machine (`swift build --build-tests`) runs there as it is, emulated, with longer limits of time.
set -euo pipefail
cd "$(dirname "$0")/.."

short=(--filter LinuxCgroupTests --filter IsolationTests --filter LifeTests --filter OCITests)
long=(
  --filter LinuxCgroupTests --filter LinuxSeccompTests --filter LinuxCapabilitiesTests --filter IsolationEngineTests
  --filter IsolationTests --filter LifeTests --filter OCITests --filter SampleTests --filter aShimThatIsKilled --filter upAfterACrash
)
if [ "${1:-}" = --short ]; then
  selection=("${short[@]}" "${@:2}")
elif [ $# -gt 0 ]; then
  selection=("$@")
else
  selection=("${long[@]}")
fi

# The machine's root there is an overlay, which cannot be a layer with mapped owners.
selection+=(--skip aServiceOnTheMachinesRoot)

job=$(mktemp /tmp/stack-vm-job.XXXXXX)
trap 'rm -f "$job"' EXIT
{
  printf 'cd %q\n' "$PWD"
  printf 'export STACK_TEST_PATIENCE=8 STACK_BINARY=%q\n' "$(realpath "${STACK_BINARY:-.build/debug/stack}")"
  printf 'exec scripts/run-tests.py --program .build/debug/stackPackageTests.xctest'
  printf ' %q' "${selection[@]}"
} >"$job"
scripts/vm/run.sh "$job" "${VM_SECONDS:-900}"
