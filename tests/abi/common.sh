#!/bin/sh
# usage: common.sh HEADER... - the block between "#ifndef DNN_ABI_COMMON" and its #endif is the same, word for word, in all headers.
set -eu
first=
for header in "$@"; do
    block=$(sed -n '/^#ifndef DNN_ABI_COMMON$/,/^#endif$/p' "$header")
    [ -n "$block" ] || { echo "$header has no common block"; echo '0 passed, 1 failed'; exit 1; }
    if [ -z "$first" ]; then
        first=$block
    elif [ "$block" != "$first" ]; then
        echo "$header differs from $1"
        echo '0 passed, 1 failed'
        exit 1
    fi
done
echo '1 passed, 0 failed'
