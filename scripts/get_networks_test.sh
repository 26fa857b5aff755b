#!/usr/bin/env bash
# Tests scripts/get_networks without a network: what it refuses, and that it then leaves nothing behind.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# expect CODE WORDS ARGUMENTS...: runs the script, which must end with CODE and say WORDS.
expect() {
  local code=0 said
  said=$(scripts/get_networks "${@:3}" 2>&1) || code=$?
  if [[ $code != "$1" || $said != *"$2"* ]]; then
    echo "FAILED: get_networks ${*:3}: $1 and \"$2\" were expected, not $code and: $said" >&2
    exit 1
  fi
}

mkdir "$work/from"
expect 2 usage --no-such-option
expect 2 usage --from
expect 2 usage "$work/a" "$work/b"
expect 1 "a folder was expected" --from "$work/nowhere" "$work/out"
expect 1 "has no dlib_face_recognition_resnet_model_v1.dat" --from "$work/from" "$work/out"
for file in dlib_face_recognition_resnet_model_v1.dat shape_predictor_5_face_landmarks.dat; do
  echo "another file" > "$work/from/$file"
done
expect 1 "is not the file that was published" --from "$work/from" "$work/out"
[[ ! -e $work/out ]] || { echo "FAILED: something was left behind" >&2; exit 1; }
mkdir "$work/out"
touch "$work/out/face_recognition.safetensors"
expect 0 "there already" --from "$work/from" "$work/out"
XDG_DATA_HOME='' HOME='' expect 1 "neither HOME nor XDG_DATA_HOME" --from "$work/from"
echo passed
