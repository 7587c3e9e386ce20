#!/bin/sh
# usage: exports.sh LIBDNN HEADER... - every function that a public header declares is exported by the library.
set -eu
lib=$1
shift
exported=$(mktemp)
trap 'rm -f "$exported"' EXIT
nm -D --defined-only "$lib" | awk '{print $3}' | sed 's/@.*//' | sort -u >"$exported"
lost=$(cat "$@" | grep -o 'DNN_API [^;]*' | grep -o 'dnn_[a-z0-9_]*(' | tr -d '(' | sort -u | comm -23 - "$exported")
if [ -n "$lost" ]; then
    printf 'declared and not there: %s\n0 passed, 1 failed\n' "$(echo "$lost" | tr '\n' ' ')"
    exit 1
fi
echo '1 passed, 0 failed'
