#!/bin/sh
# wrong_calls.sh - compiles each wrong call of wrong_calls.txt with default flags, and prints a table of what compilers say: error or
# warning at the call; with a star if the first line names a header, and a note below it the call. Exit status 1 for silence, for a
# message that does not name the call, for a star at a forgotten argument, and if PAGE differs. A page that other compilers made
# must have every call, and no silence.
#
# usage: tests/api/wrong_calls.sh INCLUDE [PAGE]        to renew the page: tests/api/wrong_calls.sh core/include >docs/wrong-calls.md
set -eu
here=$(cd "$(dirname "$0")" && pwd)
include=$1 page=${2:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 2' HUP INT TERM
export LC_ALL=C

compilers='' head='| call |' rule='|---|'
for compiler in gcc clang clang-16 clang-19; do
    if command -v "$compiler" >/dev/null; then
        version=$("$compiler" -dumpversion)
        compilers="$compilers $compiler"
        head="$head ${compiler%-*} ${version%%.*} |"
        rule="$rule---|"
    else
        echo "skipped: $compiler is not here" >&2
    fi
done
[ -n "$compilers" ] || { echo 'skipped: no compiler is here'; exit 77; }

arguments='dnn_tensor *x, dnn_tensor *y, dnn_tensor *w, dnn_tensor *t, dnn_tensor *loss, dnn_tensor *i, dnn_tensor_list p,
           dnn_optimizer *o, dnn_run *run, dnn_dataset *set, dnn_module *net, struct own own, dnn_batch batch, float *v, char *text,
           const char *name, const double *weight'

# One file per part: gcc tells a dropped status only in a file without errors. The call number N is line 1 of "callN.c".
awk -v work="$work" -v arguments="$arguments" '
/^$/ || /^#/ { next }
/^== / {
    file = work "/part" ++parts ".c"
    print "#include <dnn/dnn.h>\n#include <dnn/print.h>\nstruct own { int number; };" >file
    next
}
{
    n++
    printf "dnn_status call%d(%s);\ndnn_status call%d(%s)\n{\n    dnn_status status = DNN_OK;\n", n, arguments, n, arguments >file
    printf "#line 1 \"call%d.c\"\n%s\n    return status;\n}\n", n, $0 >file
}' "$here/wrong_calls.txt"

for compiler in $compilers; do
    # clang stops at 20 errors.
    limit=
    [ "$compiler" = gcc ] || limit=-ferror-limit=0
    for file in "$work"/part*.c; do
        "$compiler" $limit -I"$include" -c "$file" -o "$work/part.o" 2>&1 || true
    done >"$work/said.$compiler"
done

# verdict NUMBER COMPILER: the first message that names the call, at its head or in a note, says where; any error says error.
verdict()
{
    awk -v call="call$1.c:1:" '
    / (fatal )?(error|warning): / { told = index($0, call) == 1 ? "" : "*"; word = / error: / ? "error" : "warning" }
    index($0, call) == 1 {
        if (!n++) star = told
        if (said != "error") said = word
    }
    END { print n ? said star : "silence" }' "$work/said.$2"
}

table()
{
    echo '# Wrong calls'
    echo
    echo 'What compilers say, with their default flags, about calls that do not mean what they seem to say. The message points at the'
    # shellcheck disable=SC2016
    echo 'call; with a star, its first line names a header of libdnn and a note below it the call. `tests/api/wrong_calls.sh` writes'
    echo 'this page, and a test compares it.'
    number=0
    while read -r line; do
        case $line in
        '' | '#'*) ;;
        '== '*) printf '\n## %s\n\n%s\n%s\n' "${line#== }" "$head" "$rule" ;;
        *)
            number=$((number + 1))
            row="| \`$line\` |"
            for compiler in $compilers; do
                row="$row $(verdict $number "$compiler") |"
            done
            echo "$row"
            ;;
        esac
    done <"$here/wrong_calls.txt"
}

table >"$work/page"
cat "$work/page"
calls=$(grep -c '^| `' "$work/page")
if grep '| silence |' "$work/page" >&2; then
    echo 'these are told nowhere, or no message names the call' >&2
    exit 1
fi
if sed -n '/^## Forgotten/,/^## Lists/p' "$work/page" | grep '\* |' >&2; then
    echo 'these are told in a header' >&2
    exit 1
fi
[ "$calls" -ge 40 ] || { echo "$calls calls, fewer than 40" >&2; exit 1; }
[ -n "$page" ] || exit 0
if grep -qxF "$head" "$page"; then
    diff "$page" "$work/page" >&2 || { echo "$page differs" >&2; exit 1; }
elif grep '| silence |' "$page" >&2; then
    echo "$page has these" >&2
    exit 1
else
    cut -d'|' -f2 "$page" | sort >"$work/old"
    cut -d'|' -f2 "$work/page" | sort | diff "$work/old" - >&2 || { echo "$page has other calls" >&2; exit 1; }
fi
echo "$calls calls: passed"
