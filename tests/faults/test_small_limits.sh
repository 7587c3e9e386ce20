#!/bin/sh
# usage: test_small_limits.sh DNN - runs the dnn command in little address space (ulimit -v) and with few threads (ulimit -u): each run
# ends by itself, and works or says what does not fit.
set -u
dnn=$1
failed=0
works=0
output=$(mktemp)
trap 'rm -f "$output"' EXIT

# judge NAME CODE - the result of a run whose output is in the file
judge() {
    if [ "$2" -eq 0 ]; then
        works=$((works + 1))
    elif [ "$2" -gt 4 ] || ! grep -q "cannot run here\|temporarily unavailable\|out of memory\|failed to map\|cannot be opened" "$output"; then
        failed=$((failed + 1))
        echo "FAILED: $1: exit code $2: $(head -c 300 "$output")"
    fi
}

for kb in 40000 60000 80000 100000 120000 140000 160000 200000 300000 400000 600000 640000 680000 690000 700000 710000 720000 760000 \
    800000 820000 840000 900000 1000000 unlimited; do
    (ulimit -v $kb && exec timeout 60 "$dnn" explain add 4 4) >"$output" 2>&1
    judge "ulimit -v $kb" $?
done
[ $works -gt 0 ] || { echo "FAILED: no run works"; failed=$((failed + 1)); }

# Root has no limit of threads, so another user runs it.
if [ "$(id -u)" -eq 0 ] && setpriv --reuid=65531 --clear-groups prlimit --nproc=8 test -x "$dnn" 2>/dev/null; then
    for n in 1 2 3 4 8; do
        setpriv --reuid=65531 --clear-groups prlimit --nproc=$n "$dnn" explain add 4 4 >"$output" 2>&1
        judge "ulimit -u $n" $?
    done
fi
echo "$works runs work, $failed fail"
[ $failed -eq 0 ]
