#!/usr/bin/env bash
# The Debian packages of FOLDER are installed, run and purged. As root, on a bare Debian that may be thrown away:
#   scripts/package && DOPPEL_DATA=$PWD/build/packages scripts/on_debian 12 bash -c 'tests/packages/run.sh "$DOPPEL_DATA"'
set -euo pipefail
folder=$(realpath "$1")
source=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
cd "$(mktemp -d)"

fail() { echo "packages: $*" >&2; exit 1; }

apt-get -qq update
apt-get -qq install --no-install-recommends "$folder"/doppel_*.deb > install.log 2>&1 || { tail -n 20 install.log; exit 1; }
doppel --version
[[ -s /usr/share/man/man1/doppel.1.gz ]] || fail "no manual page"
[[ $(stat -c %a:%U /var/lib/doppel) == 700:doppel ]] || fail "/var/lib/doppel is not the user's own"
grep -q 'ExecStart=/usr/bin/doppel' /usr/lib/systemd/system/doppel.service || fail "the unit runs another program"

# The main job, by the service's user; then with the libraries that are loaded when they are needed.
chmod 755 .
doppel synth people --identities 20 --images 3 --seed 1 > /dev/null
doppel train people --set training.steps=20 --out model.safetensors > /dev/null 2>&1
install -o doppel -g doppel -m 600 model.safetensors /var/lib/doppel/model.safetensors
as_user() { runuser -u doppel -- "$@"; }
as_user doppel enroll /var/lib/doppel/team.gallery --model /var/lib/doppel/model.safetensors --folder people
[[ $(as_user doppel identify /var/lib/doppel/team.gallery people/s3/1.pgm 2> /dev/null) == *,s3,* ]] ||
  fail "s3 is not found"
doppel embed "$source/tests/earlier/0.1/batches.onnx" people/s1/1.pgm > /dev/null
as_user doppel serve /var/lib/doppel/team.gallery --port 8099 2> serve.log &
served=$!
for _ in {1..50}; do
  (exec 3<> /dev/tcp/127.0.0.1/8099) 2> /dev/null && break
  sleep 0.2
done
(exec 3<> /dev/tcp/127.0.0.1/8099) || fail "the service does not listen: $(cat serve.log)"
kill "$served"

# The examples, with what the package asks for and a compiler.
apt-get -qq install --no-install-recommends "$folder"/libdoppel-dev_*.deb g++ cmake make \
  > install.log 2>&1 || { tail -n 20 install.log; exit 1; }
cmake -S /usr/share/doc/libdoppel-dev/examples -B examples > examples.log
cmake --build examples >> examples.log
mkdir run
(cd run && "$source/tests/consumer/examples.sh" /usr/share/doc/libdoppel-dev/examples ../examples doppel)

# What people gave stays.
apt-get -qq purge doppel libdoppel-dev > install.log 2>&1 || { tail -n 20 install.log; exit 1; }
[[ ! -e /usr/bin/doppel ]] || fail "the program is still there"
[[ ! -e /etc/doppel/doppel.env ]] || fail "/etc/doppel/doppel.env is still there"
[[ -s /var/lib/doppel/team.gallery ]] || fail "the gallery is gone"
echo "packages: installed, run and purged"
