#!/bin/sh
# usage: kill9.sh [-n N] PROGRAM FOLDER - starts a run that saves a checkpoint after each step (test_resume train), kills it with
# SIGKILL at a random time, and takes it up; N times. Every resumed run must load what is there and end with the SHA-256 of the
# unbroken run. The times come from the number of the round, so that a failure can be had again.
set -u
n=50
while getopts n: option; do
    case $option in
        n) n=$OPTARG ;;
        *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ $# -eq 2 ] || { sed -n 2p "$0"; exit 2; }
program=$1
folder=$2/kill9
steps=40
last=ckpt-$(printf %08d $steps).safetensors
rm -rf "$folder"
mkdir -p "$folder"

digest() { sha256sum <"$1" 2>/dev/null | cut -c1-64; }

begin=$(date +%s%N)
"$program" "$folder/unbroken" train $steps >"$folder/out" || { cat "$folder/out"; exit 1; }
milliseconds=$((($(date +%s%N) - begin) / 1000000))
want=$(digest "$folder/unbroken/$last")
killed=0 resumed=0 unloadable=0 other=0 passed_over=0
i=0
while [ $killed -lt "$n" ] && [ $i -lt $((4 * n)) ]; do # a run that has ended before its time is no kill
    i=$((i + 1))
    rm -rf "$folder/run"
    "$program" "$folder/run" train $steps >"$folder/out" 2>&1 &
    pid=$!
    sleep "$(awk -v seed=$i -v most=$milliseconds 'BEGIN { srand(seed); printf "%.4f", rand() * most / 1000 }')"
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    [ $? -eq 137 ] && killed=$((killed + 1))
    if ! "$program" "$folder/run" train $steps >"$folder/out" 2>&1; then
        unloadable=$((unloadable + 1))
        echo "round $i:"
        cat "$folder/out"
    fi
    grep -q '^resumed ' "$folder/out" && resumed=$((resumed + 1))
    grep -q '^passed over' "$folder/out" && passed_over=$((passed_over + 1))
    if [ "$(digest "$folder/run/$last")" != "$want" ]; then
        other=$((other + 1))
        echo "round $i: $last is not the unbroken run's"
    fi
    left=$(find "$folder/run" -name '.*.tmp-*' | wc -l)
    [ "$left" -eq 0 ] || { other=$((other + 1)); echo "round $i: $left temporaries are left"; }
done
rm -rf "$folder"
echo "rounds=$i killed=$killed resumed=$resumed passed_over=$passed_over unloadable=$unloadable other_digest=$other"
failed=$((unloadable + other + n - killed))
echo "$((i - unloadable - other)) passed, $failed failed"
[ $failed -eq 0 ]
