#!/bin/sh
# usage: test_compare.sh GOLDEN - compare.sh finds what it is there for: a member that moved, changed its size, went, or came in the middle.
set -u
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
judge() { # what, code, sed's words
    sed "$3" "$4" >"$work/now"
    printf '#!/bin/sh\ncat "%s"\n' "$work/now" >"$work/program"
    chmod +x "$work/program"
    sh "$here/compare.sh" "$work/program" "$4" >"$work/said" 2>&1
    code=$?
    if [ $code -eq "$2" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED $1: exit $code, not $2: $(cat "$work/said")"
    fi
}
judge 'nothing changed' 0 '' "$1"
judge 'a member moved' 1 's/^dnn_view.data offset 40 /dnn_view.data offset 48 /' "$1"
judge 'a member changed its size' 1 's/^dnn_kernel.priority offset \([0-9]*\) size 4/dnn_kernel.priority offset \1 size 8/' "$1"
judge 'a member went' 1 '/^dnn_host.layout /d' "$1"
judge 'a member came in the middle' 1 '/^dnn_call.stash /a dnn_call.early offset 52 size 4' "$1"
judge 'an attribute moved' 1 's/^dnn_attr_conv2d.groups offset 36/dnn_attr_conv2d.groups offset 40/' "$1"
judge 'a member came at the end' 0 '/^dnn_call.host /a dnn_call.late offset 104 size 8' "$1"
judge 'a struct came' 0 '$a dnn_new.size offset 0 size 4' "$1"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
