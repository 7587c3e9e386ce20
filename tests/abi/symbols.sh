#!/bin/sh
# usage: symbols.sh LIBDNN PLUGIN... - libdnn exports dnn_* only, plugins their entry symbols only, and nobody imports what ends the
# process or prints.
set -eu
failed=0
check() { # text, lines that should not be
    if [ -n "$2" ]; then
        printf '%s: %s\n' "$1" "$(echo "$2" | tr '\n' ' ')"
        failed=$((failed + 1))
    fi
}
defined() { nm -D --defined-only "$1" | awk '$2 != "A" {print $3}' | sed 's/@.*//'; }
imported() { nm -Du "$1" | awk '{print $NF}' | sed 's/@.*//'; }
forbidden='^(abort|exit|_exit|_Exit|quick_exit|__assert_fail|assert|printf|fprintf|vprintf|vfprintf|puts|fputs|putchar|putc|fputc|fwrite|perror|stdout|stderr|__printf_chk|__fprintf_chk|__vfprintf_chk)$'
lib=$1
check "$lib exports" "$(defined "$lib" | grep -v '^dnn_[^_]' || true)"
for file in "$@"; do
    check "$file imports" "$(imported "$file" | grep -E "$forbidden" || true)"
    [ "$file" = "$lib" ] || check "$file exports" "$(defined "$file" | grep -vxE 'dnn_plugin_v1|dnn_reader_v1' || true)"
    [ "$file" = "$lib" ] || check "$file imports of libdnn" "$(imported "$file" | grep '^dnn_' || true)"
done
echo "$(($# - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]
