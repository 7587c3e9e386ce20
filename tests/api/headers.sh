#!/bin/sh
# headers.sh - compiles every public header alone, in every C and C++ that the compiler knows, with all warnings as errors.
#
# usage: tests/api/headers.sh INCLUDE CC CXX
set -eu
include=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 2' HUP INT TERM

# all SUFFIX COMPILER STANDARD...: one source per header, and each standard that the compiler knows.
all()
{
    suffix=$1 compiler=$2
    shift 2
    command -v "$compiler" >/dev/null || { echo "skipped: $compiler is not here"; return 0; }
    echo 'int main(void) { return 0; }' >"$work/main.$suffix"
    for standard in "$@"; do
        if ! "$compiler" "-std=$standard" -fsyntax-only "$work/main.$suffix" 2>/dev/null; then
            echo "skipped: $compiler has no $standard"
            continue
        fi
        "$compiler" "-std=$standard" -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -fsyntax-only -I"$include" \
            "$work"/alone_*."$suffix"
        tried="$tried $compiler:$standard"
    done
}

for header in "$include"/*.h "$include"/dnn/*.h; do
    name=${header#"$include"/}
    file=$work/alone_$(echo "$name" | tr '/.' '__')
    # Twice: its guard holds.
    printf '#include <%s>\n#include <%s>\nextern int alone;\nint alone = 1;\n' "$name" "$name" >"$file.c"
    cp "$file.c" "$file.cc"
done
tried=
all c "$2" c11 c17 c2x c23
all cc "$3" c++11 c++14 c++17 c++20
[ -n "$tried" ] || exit 77
echo "clean:$tried"
