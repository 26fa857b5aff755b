#!/usr/bin/env bash
# Each example prints what stands in its header. examples.sh SOURCES BUILT DOPPEL, in a folder of its own.
set -euo pipefail
sources=$1 built=$2 doppel=$3

"$doppel" synth faces --identities 40 --images 4 --seed 1 > /dev/null
"$doppel" train faces --set training.steps=100 --out faces.safetensors > /dev/null 2>&1
for example in "$sources"/*.cc; do
  name=$(basename "$example" .cc)
  command=$(sed -n 's|^//  *\$ build/||p' "$example")
  sed -n '/^\/\/ *\$ build/,/^[^/]/{/^\/\/ *\$/d;s|^//   ||p}' "$example" > expected
  # shellcheck disable=SC2086  # its words
  "$built"/$command > printed
  diff expected printed || { echo "$name: it printed otherwise"; exit 1; }
done
