#!/usr/bin/env bash
# What is built is installed into an empty folder; there, projects of somebody else's find it, build
# with it and run. run.sh BUILD_FOLDER
set -euo pipefail
build=$(realpath "$1")
source=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cmake --install "$build" --prefix "$folder/installed" > /dev/null
doppel=$folder/installed/bin/doppel

# The installed program finds what it loads.
env -i "$doppel" synth new --identities 2 --images 2 --seed 9 > /dev/null
env -i "$doppel" embed "$source/tests/earlier/0.1/batches.onnx" new/s1/1.pgm > /dev/null

project() {  # name, source
  cmake -G Ninja -S "$2" -B "$1" -DCMAKE_PREFIX_PATH="$folder/installed" > "$1.log" || { cat "$1.log"; exit 1; }
  cmake --build "$1" >> "$1.log" || { cat "$1.log"; exit 1; }
}

project consumer "$source/tests/consumer"
head -c 2000 "$source/tests/earlier/0.1/batches.onnx" > damaged.onnx
cp "$source/tests/earlier/0.1/batches.onnx.json" damaged.onnx.json
for model in batches.onnx batches.safetensors; do
  what=("$source/tests/earlier/0.1/$model" new/s1/1.pgm new/s2/1.pgm damaged.onnx)
  env -i consumer/program "${what[@]}"
  env -i consumer/host consumer/librecogniser.so "${what[@]}"
done

project examples "$source/examples"
"$source/tests/consumer/examples.sh" "$source/examples" examples "$doppel"
