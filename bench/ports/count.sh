#!/bin/sh
# count.sh - lines of code of docs/examples/NAME.c and of bench/ports/NAME.py, which does the same in PyTorch, as a table.
#
# A line counts unless it is blank or holds a comment only (in Python also a docstring); in C also unless it holds one brace only.
#
# usage: bench/ports/count.sh             the table
#        bench/ports/count.sh FILE...     the count of each file, .c or .py
set -eu
here=$(cd "$(dirname "$0")" && pwd)
examples=$here/../../docs/examples

lines()
{
    awk '
    FILENAME ~ /\.py$/ {
        if (text) { if (/"""/) text = 0; next }
        if (/^[ \t]*"""/) { text = !/""".*"""/; next }
        if (!/^[ \t]*(#|$)/) n++
        next
    }
    {
        if (comment) { if (!sub(/^.*\*\//, "")) next; comment = 0 }
        gsub(/\/\*([^*]|\*[^\/])*\*\//, "")
        if (sub(/\/\*.*/, "")) comment = 1
        if (!/^[ \t]*$/ && !/^[ \t]*[{}];?[ \t]*$/) n++
    }
    END { print n + 0 }' "$1"
}

if [ $# -gt 0 ]; then
    for file; do echo "$file $(lines "$file")"; done
    exit
fi
printf '%-26s %8s %8s\n' program C Python
for port in "$here"/*.py; do
    name=$(basename "$port" .py)
    printf '%-26s %8d %8d\n' "$name" "$(lines "$examples/$name.c")" "$(lines "$port")"
done
