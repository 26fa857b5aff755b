#!/usr/bin/env bash
# What a newcomer adds: an embedder, a layer, a loss, a database, a route. Each patch is a header, a source, and the
# lines that make them known; it must apply to the tree as it is and compile.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for patch in tests/extending/*.patch; do
  echo "== $(basename "$patch" .patch)"
  rm -rf "$scratch/src"
  cp -r src "$scratch/src"
  patch --quiet --directory "$scratch" --strip 1 --fuzz 0 < "$patch"
  mapfile -t sources < <(sed -n 's|^+++ b/\(.*\.cc\)$|\1|p' "$patch")
  for source in "${sources[@]}"; do
    "${CXX:-c++}" -std=c++20 -fsyntax-only -Wall -Wextra -Wconversion -Werror -Iinclude -I"$scratch/src" \
        "$scratch/$source"
  done
done
