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

# The call is line 1 of call.c: #line, so that a message says whether it points there.
write()
{
    arguments='dnn_tensor *x, dnn_tensor *y, dnn_tensor *w, dnn_tensor *t, dnn_tensor *loss, dnn_tensor *i,
               dnn_tensor_list p, dnn_optimizer *o, dnn_dataset *set, dnn_module *net, struct own own,
               dnn_batch batch, float *v, char *text, const char *name'
    cat <<EOF
#include <dnn/dnn.h>
#include <dnn/print.h>
struct own { int number; };
dnn_status call($arguments);
dnn_status call($arguments)
{
    dnn_status status = DNN_OK;
#line 1 "call.c"
$1
    return status;
}
EOF
}

verdict()
{
    if "$1" -I"$include" -c "$work/call.c" -o "$work/call.o" 2>"$work/log"; then
        said=warning
    else
        said=error
    fi
    first=$(grep -m1 -E ': (fatal )?(error|warning):' "$work/log") || { echo silence; return; }
    case $first in
    call.c:1:*) echo "$said" ;;
    *)
        if grep -q '^call.c:1:' "$work/log" && [ "$part" != 'Forgotten arguments' ]; then
            echo "$said*"
        else
            echo header
            cat "$work/log" >>"$work/headers"
        fi
        ;;
    esac
}

table()
{
    echo '# Wrong calls'
    echo
    echo 'What compilers say, with their default flags, about calls that do not mean what they seem to say. The message points at the'
    echo 'call; with a star, its first line names a header of libdnn and a note below it the call. `tests/api/wrong_calls.sh` writes'
    echo 'this page, and a test compares it.'
    while read -r line; do
        case $line in
        '' | '#'*) ;;
        '== '*)
            part=${line#== }
            printf '\n## %s\n\n%s\n%s\n' "$part" "$head" "$rule"
            ;;
        *)
            write "$line" >"$work/call.c"
            row="| \`$line\` |"
            for compiler in $compilers; do
                row="$row $(verdict "$compiler") |"
            done
            echo "$row"
            ;;
        esac
    done <"$here/wrong_calls.txt"
}

table >"$work/page"
cat "$work/page"
calls=$(grep -c '^| `' "$work/page")
if grep -E '\| (silence|header) \|' "$work/page" >"$work/faults"; then
    echo "told nowhere, or not at the call:" >&2
    cat "$work/faults" "$work/headers" >&2 2>/dev/null
    exit 1
fi
[ "$calls" -ge 40 ] || { echo "$calls calls, fewer than 40" >&2; exit 1; }
[ -n "$page" ] || exit 0
if grep -qxF "$head" "$page"; then
    diff "$page" "$work/page" >&2 || { echo "$page differs" >&2; exit 1; }
elif grep -E '\| (silence|header) \|' "$page" >&2; then
    echo "$page has these" >&2
    exit 1
else
    cut -d'|' -f2 "$page" | sort >"$work/old"
    cut -d'|' -f2 "$work/page" | sort | diff "$work/old" - >&2 || { echo "$page has other calls" >&2; exit 1; }
fi
echo "$calls calls: passed"
