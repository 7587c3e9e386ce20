#!/bin/sh
# What dnn conform says of a plugin: test_conform.sh DNN CODE SENTENCE FILE [ARGUMENT...]. The code is compared, and the output
# must have a line that contains the sentence.
set -u
dnn=$1 code=$2 sentence=$3
shift 3
out=$("$dnn" conform "$@" 2>&1)
got=$?
printf '%s\n' "$out" | tail -n 60
if [ "$got" -ne "$code" ]; then
    echo "FAILED: exit $got, expected $code"
    exit 1
fi
if ! printf '%s\n' "$out" | grep -qF -e "$sentence"; then
    echo "FAILED: no line has: $sentence"
    exit 1
fi
echo "1 passed, 0 failed"
