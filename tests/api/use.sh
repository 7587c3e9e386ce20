#!/bin/sh
# use.sh - compiles use.c or use.cc in each standard with all warnings as errors, links libdnn and runs it.
#
# usage: tests/api/use.sh INCLUDE BUILD COMPILER SOURCE STANDARD...
set -eu
include=$1 build=$2 compiler=$3 source=$4
shift 4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 2' HUP INT TERM

command -v "$compiler" >/dev/null || { echo "skipped: $compiler is not here"; exit 77; }
echo 'int main(void) { return 0; }' >"$work/main.${source##*.}"
"$compiler" "$work/main.${source##*.}" -o "$work/main" 2>/dev/null || { echo "skipped: $compiler does not link"; exit 77; }
for standard in "$@"; do
    warnings='-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror'
    # Of C++, -Wextra tells every option that is not named.
    [ "${source##*.}" = c ] || warnings="$warnings -Wno-missing-field-initializers"
    # shellcheck disable=SC2086
    "$compiler" "-std=$standard" $warnings -I"$include" "$source" \
        -o "$work/use" -L"$build" -ldnn -lm
    LD_LIBRARY_PATH="$build" "$work/use" || { echo "$compiler -std=$standard: the program fails"; exit 1; }
    echo "$compiler $standard: passed"
done
case $source in *.cc) ;; *) exit 0 ;; esac
# NULL is a number in C++: no compiler may take it in silence.
for call in 'dnn_add(x, NULL)' 'dnn_eq(x, NULL)' 'dnn_mul_(x, NULL)' 'dnn_clamp(x, NULL, NULL)'; do
    printf '#include <dnn/dnn.h>\nvoid call(dnn_tensor *x);\nvoid call(dnn_tensor *x)\n{\n    %s;\n}\n' "$call" >"$work/null.cc"
    "$compiler" -I"$include" -c "$work/null.cc" -o "$work/null.o" 2>"$work/log" || true
    grep -qE '^[^ ]*null.cc:5:.*(error|warning)' "$work/log" || { echo "$compiler: $call is taken in silence"; exit 1; }
done
