#!/bin/sh
# run.sh - the long run of a fuzz target under libFuzzer, or without it where the build is not of the preset `fuzz`:
#
#     cmake --preset fuzz && cmake --build --preset fuzz
#     sh tests/fuzz/run.sh build-fuzz op_args -max_total_time=3600
#     sh tests/fuzz/run.sh build op_args -runs=20000000 -seed=7
#
# New inputs are kept in BUILD/tests/fuzz/found/TARGET; what ends in a signal is written to BUILD/tests/fuzz.
set -eu
[ $# -ge 2 ] || { echo "usage: run.sh BUILD TARGET [OPTION...]" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
target=$2
shift 2
cd "$build/tests/fuzz"
if grep -q '^DNN_SANITIZE:[A-Z]*=fuzz$' "$build/CMakeCache.txt"; then
    mkdir -p "found/$target"
    exec "$build/bin/fuzz_$target" -max_len=512 "$@" "found/$target" "$here/corpus/$target"
fi
exec "$build/bin/fuzz_$target" "$@"
