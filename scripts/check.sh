#!/bin/bash
# Checks what a compiler does not: format, the length of files, scripts, and JSON files. Prints all that is wrong.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

status=0
wrong() {
  printf 'check: %s\n' "$*" >&2
  status=1
}

swift format lint --strict --recursive --parallel Package.swift Sources Tests || wrong "swift format: run 'make format'"

# A file has one idea. Beyond 500 lines it needs a reason, and that is written down here: `path  reason`, one a line.
longest=500
while IFS= read -r file; do
  lines=$(wc -l <"$file")
  if [ "$lines" -gt "$longest" ] && ! grep -q "^$file  " scripts/long-files.txt; then
    wrong "$file has $lines lines, more than $longest, and no reason in scripts/long-files.txt"
  fi
done < <(find Sources -name '*.swift' -o -name '*.c' -o -name '*.h')
while read -r file _; do
  case $file in '#'* | '') continue ;; esac
  if [ ! -f "$file" ] || [ "$(wc -l <"$file")" -le "$longest" ]; then
    wrong "scripts/long-files.txt: $file needs no reason any more"
  fi
done <scripts/long-files.txt

# Files of ours: not what samples and the benchmark make.
ours() {
  find .ci .swift-format bench docs samples schemas scripts Tests \( -name image -o -name rootfs -o -name build \) -prune -o \
    -type f \( "$@" \) -print
}
mapfile -t shell_scripts < <(ours -name '*.sh' -o -path .ci/run)
for file in "${shell_scripts[@]}"; do
  bash -n "$file" || wrong "$file does not parse"
  [ -x "$file" ] || wrong "$file is not executable"
done
if command -v shellcheck >/dev/null; then
  shellcheck "${shell_scripts[@]}" || wrong "shellcheck"
fi
while IFS= read -r file; do
  python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])' "$file" || wrong "$file does not parse"
done < <(ours -name '*.py')
# Fixtures that are to be refused need not parse.
while IFS= read -r file; do
  [[ $file == */bad/* ]] && continue
  python3 -m json.tool "$file" >/dev/null || wrong "$file is not JSON"
done < <(ours -name '*.json' -o -name .swift-format)

scripts/check-imports.py || wrong "an import does not point down (docs/architecture.md)"

exit $status
