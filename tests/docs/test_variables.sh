#!/bin/sh
# usage: test_variables.sh TREE - core/runtime/variables.def, what the code reads, and the table of docs/backends.md name the same
# environment variables.
set -u
cd "$1" || exit 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed -n 's/^LIBRARY(\(.*\))$/\1/p' core/runtime/variables.def | sort -u >"$work/table"
sed -n 's/^[A-Z]*(\(DNN_.*\))$/\1/p' core/runtime/variables.def | sort -u >"$work/known"
sed -n 's/^| `\(DNN_[A-Z_]*\).*/\1/p' docs/backends.md | sort -u >"$work/page"
# The library: secure_getenv, and the readers of a word. Everything: getenv too.
grep -rhoE '(secure_getenv|read_word)\("DNN_[A-Z_]*"' core plugins datasets --include='*.[ch]' | grep -o 'DNN_[A-Z_]*' | sort -u >"$work/read"
grep -rhoE '(getenv|read_word)\("DNN_[A-Z_]*"' core plugins datasets tools model_zoo tests bench --include='*.[ch]' |
    grep -o 'DNN_[A-Z_]*' | sort -u >"$work/all"
diff "$work/table" "$work/page" && diff "$work/table" "$work/read" && diff "$work/known" "$work/all" && echo '3 passed, 0 failed'
