#!/usr/bin/env bash
# Tests scripts/get_att_faces with archives made on the fly from DOPPEL_DATA/att_faces (default
# ../shared/data). Exit code 77: that data is not there, nothing was tested.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

faces=${DOPPEL_DATA:-../shared/data}/att_faces
if [[ ! -f $faces/s1/1.pgm ]]; then
  echo "skipped: the AT&T faces are not in $faces"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
faces=$(cd "$faces" && pwd)

failed() {
  echo "FAILED: $*" >&2
  exit 1
}

# make_archive FILE TOP [DAMAGE]: all images under TOP/ in a zip file. DAMAGE is Python that may
# change `name` and `data` of an image before it goes in.
make_archive() {
  python3 - "$faces" "$1" "$2" "${3-pass}" << 'PYTHON'
import os, sys, zipfile
faces, path, top, damage = sys.argv[1:]
with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
    archive.writestr(top + "README", "not an image")
    for person in range(1, 41):
        for index in range(1, 11):
            name = f"s{person}/{index}.pgm"
            data = open(os.path.join(faces, name), "rb").read()
            exec(damage)
            if name:
                archive.writestr(top + name, data)
PYTHON
}

# expect CODE WORDS ARGUMENTS...: runs the script, which must end with CODE and say WORDS in one line.
expect() {
  local code=0 said
  said=$(scripts/get_att_faces "${@:3}" 2>&1) || code=$?
  [[ $code == "$1" ]] || failed "exit code $code instead of $1 with ${*:3}: $said"
  [[ $said == *"$2"* ]] || failed "'$2' was expected with ${*:3}, not: $said"
  [[ $said != *$'\n'* ]] || failed "one line was expected with ${*:3}, not: $said"
}

# Nothing of a refused archive may stay behind, in the target's folder or where temporaries live.
mkdir "$work/tmp" "$work/out"
export TMPDIR=$work/tmp
expect_nothing_left() {
  local left
  left=$(find "$work/tmp" "$work/out" -mindepth 1)
  [[ -z $left ]] || failed "left behind: $left"
}

make_archive "$work/good.zip" ""
expect 0 "400 images" --archive "$work/good.zip" "$work/new/faces"
[[ $(find "$work/new" -type f | wc -l) == 400 ]] || failed "not 400 files"
cmp "$faces/s40/10.pgm" "$work/new/faces/s40/10.pgm"
expect 0 "there already" --archive "$work/good.zip" "$work/new/faces"
[[ $(ls -A "$work/new") == faces ]] || failed "something beside the faces"

make_archive "$work/nested.zip" "orl_faces/"
mkdir "$work/empty"
expect 0 "400 images" --archive "$work/nested.zip" "$work/empty"
cmp "$faces/s1/1.pgm" "$work/empty/s1/1.pgm"

# One byte of two images differs; an image is missing; the first one is missing.
make_archive "$work/changed.zip" "" \
  'if name in ("s7/3.pgm", "s30/1.pgm"): data = data[:-1] + bytes([data[-1] ^ 1])'
expect 1 "s7/3.pgm is missing or not the original" --archive "$work/changed.zip" "$work/out/faces"
make_archive "$work/missing.zip" "" 'if name == "s40/10.pgm": name = ""'
expect 1 "s40/10.pgm is missing" --archive "$work/missing.zip" "$work/out/faces"
make_archive "$work/first.zip" "" 'if name == "s1/1.pgm": name = ""'
expect 1 "s1/1.pgm is missing" --archive "$work/first.zip" "$work/out/faces"

# Bytes overwritten in the middle of the file, cut off, no zip file at all, no file at all.
cp "$work/good.zip" "$work/overwritten.zip"
size=$(stat -c %s "$work/good.zip")
printf 'damage!!' | dd of="$work/overwritten.zip" bs=1 seek=$((size / 2)) conv=notrunc status=none
expect 1 ".pgm is missing or not the original" --archive "$work/overwritten.zip" "$work/out/faces"
head -c $((size / 2)) "$work/good.zip" > "$work/cut.zip"
expect 1 "$work/cut.zip" --archive "$work/cut.zip" "$work/out/faces"
echo "<html>moved</html>" > "$work/page.zip"
expect 1 "no zip archive of the AT&T faces" --archive "$work/page.zip" "$work/out/faces"
expect 1 "no readable file" --archive "$work/none.zip" "$work/out/faces"
expect_nothing_left

# A folder with something else in it is not touched.
mkdir "$work/mine"
echo keep > "$work/mine/notes"
expect 1 "s1/1.pgm is missing or not the original" --archive "$work/good.zip" "$work/mine"
[[ $(cat "$work/mine/notes") == keep && $(ls -A "$work/mine") == notes ]] || failed "touched"
expect 1 "is a file" --archive "$work/good.zip" "$work/mine/notes"

# No network: port 9 of this machine answers nobody.
export https_proxy=http://127.0.0.1:9 http_proxy=http://127.0.0.1:9
expect 1 "could not be downloaded" "$work/out/faces"
expect_nothing_left

# Where unzip is missing, python3 unpacks.
mkdir "$work/bin"
for tool in bash cat chmod cp dirname find head ls mkdir mktemp mv rm rmdir sed seq sha256sum; do
  ln -s "$(command -v "$tool")" "$work/bin/$tool"
done
ln -s "$(python3 -c 'import sys; print(sys.executable)')" "$work/bin/python3"
(
  export PATH=$work/bin
  expect 0 "400 images" --archive "$work/nested.zip" "$work/python"
  expect 1 ".pgm is missing or not the original" --archive "$work/overwritten.zip" "$work/out/faces"
)
expect_nothing_left

code=0
scripts/get_att_faces --nonsense 2> /dev/null || code=$?
[[ $code == 2 ]] || failed "exit code $code instead of 2 for an unknown option"
echo "get_att_faces: all as expected"
