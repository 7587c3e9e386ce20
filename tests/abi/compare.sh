#!/bin/sh
# usage: compare.sh PROGRAM GOLDEN - every member of the golden file must be printed, where it was; what is new is shown, and may stand at a struct's end only.
set -eu
found=$(mktemp)
trap 'rm -f "$found"' EXIT
"$1" >"$found"
lost=$(grep ' offset ' "$2" | grep -vxF -f "$found" || true)
if [ -n "$lost" ]; then
    printf 'members moved, changed or gone:\n%s\n0 passed, 1 failed\n' "$lost"
    exit 1
fi
# A new member lies behind all golden members of its struct.
grep -vxF -f "$2" "$found" | grep ' offset ' | while read -r name _ offset _; do
    struct=${name%%.*}
    last=$(grep "^$struct\\." "$2" | awk '{print $3}' | sort -n | tail -1)
    if [ -n "$last" ] && [ "$offset" -le "$last" ]; then
        printf '%s at %s is not at the end of %s\n' "$name" "$offset" "$struct"
        exit 1
    fi
done || { echo '0 passed, 1 failed'; exit 1; }
echo '1 passed, 0 failed'
