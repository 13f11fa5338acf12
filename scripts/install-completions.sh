#!/bin/bash
# Puts the completions that a binary prints where bash, zsh and fish look for them, or removes them.
#
#   install-completions.sh STACK PREFIX
#   install-completions.sh --remove PREFIX
set -euo pipefail

binary=$1
share=$2/share
declare -A targets=(
  [bash]=$share/bash-completion/completions/stack
  [zsh]=$share/zsh/site-functions/_stack
  [fish]=$share/fish/vendor_completions.d/stack.fish
)
for shell in bash zsh fish; do
  target=${targets[$shell]}
  if [ "$binary" = --remove ]; then
    rm -f "$target"
  else
    install -d "${target%/*}"
    "$binary" completion "$shell" >"$target"
    chmod 644 "$target"
    echo "$target"
  fi
done
