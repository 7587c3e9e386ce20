#!/bin/sh
# usage: test_columns.sh PRINT_OPERATORS PAGE CPU_BLAS ACME - the columns of docs/operators.md: a plugin fills its own, a plugin that is
# not built keeps it, a new one gets one, and a new row has an empty cell there.
set -eu
print=$1 page=$2 cpu_blas=$3 acme=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
same() { # what, file, file
    if cmp -s "$2" "$3"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED $1:"
        diff "$2" "$3" | head -5 || true
    fi
}
"$print" "$page" "$cpu_blas" "$acme" >"$work/both"
grep -q '^| operator .* | cpu_blas |.* acme |$' "$work/both" && passed=$((passed + 1)) || { failed=$((failed + 1)); echo 'FAILED: no column for acme'; }
grep -q '^| relu |.* | f |$' "$work/both" && passed=$((passed + 1)) || { failed=$((failed + 1)); echo 'FAILED: relu of acme is not f'; }
"$print" "$work/both" "$cpu_blas" >"$work/kept"
same 'a plugin that is not given keeps its column' "$work/both" "$work/kept"
"$print" "$work/both" >"$work/kept"
same 'no plugin at all keeps all columns' "$work/both" "$work/kept"
"$print" "$work/both" "$work/dnn_none.so" >"$work/kept" 2>/dev/null
same 'a file that does not open keeps the columns' "$work/both" "$work/kept"
if "$print" --all "$work/both" "$work/dnn_none.so" >/dev/null 2>&1; then
    failed=$((failed + 1))
    echo 'FAILED: --all accepts a file that does not open'
else
    passed=$((passed + 1))
fi
grep -v '^| relu ' "$work/both" >"$work/without"
sed '/^| relu /s/ f |$/  |/' "$work/both" >"$work/empty"
"$print" "$work/without" "$cpu_blas" >"$work/new"
same 'a new row has an empty cell where nobody fills it' "$work/empty" "$work/new"
cp "$page" "$work/page"
"$print" --write "$work/page" "$cpu_blas" "$acme"
same '--write writes the page' "$work/both" "$work/page"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
