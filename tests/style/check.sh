#!/bin/sh
# check.sh - what docs/style.md marks as checked: line lengths, opening comments, no switch on an operator, no second list of
# operators, words that are gone, no path of one machine. Prints FILE:LINE: and a sentence for each; exit status 1 if there is one.
#
# usage: tests/style/check.sh [TREE]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$here/../..}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 2' HUP INT TERM

# The files of the repository; of an unpacked archive, all but build folders. Names with blanks do not exist here.
{ git ls-files -co --exclude-standard 2>/dev/null || find . -name 'build*' -prune -o -type f -print; } | sed 's|^\./||' |
    grep -E '\.(c|h|cc|cu|def|md|sh|py|cmake|txt|in|json)$|^\.ci/' | sort -u |
    while read -r file; do [ ! -f "$file" ] || echo "$file"; done >"$work/all"
grep -E '\.[ch]$' "$work/all" >"$work/code"
grep -E '\.md$' "$work/all" >"$work/pages"
[ -s "$work/code" ] || { echo "check.sh: no C file in $(pwd)"; exit 2; }

# Length of lines: 100 columns in code; 160 in .md, where tables and blocks of code may be wider.
cat "$work/code" "$work/pages" | xargs awk '
FNR == 1 { most = FILENAME ~ /\.[ch]$/ ? 100 : 160 }
length($0) > most && !(FILENAME ~ /\.md$/ && /^(\||    )/) { printf "%s:%d: %d columns, more than %d\n", FILENAME, FNR, length($0), most }
' >"$work/faults"

# A .c or .h file opens with a comment that names it: /* name.c - what it owns
xargs awk '
FNR == 1 {
    name = FILENAME
    sub(/.*\//, "", name)
    if (index($0, "/* " name " - ") != 1) printf "%s:1: the opening comment is not \"/* %s - ...\"\n", FILENAME, name
}' <"$work/code" >>"$work/faults"

# What an operator does stands in its row: no switch on its id, and no array or line of ids outside core/op.
xargs awk '
/(^|[^A-Za-z0-9_])case[ \t]+DNN_OP_/ { printf "%s:%d: a switch on an operator: its row says what it does\n", FILENAME, FNR }
FILENAME !~ /^core\/op\// {
    rest = $0
    if (/\[DNN_OP_[a-z0-9_]+\][ \t]*=[^=]/ || gsub(/DNN_OP_[a-z0-9_]+/, "", rest) > 2)
        printf "%s:%d: a second list of operators: expand core/op/op_table.def\n", FILENAME, FNR
}' <"$work/code" >>"$work/faults"

# A public operator of composite.c has a line of cases.
if [ -f core/ops/composite.c ]; then
    sed -n 's/^dnn_tensor \*dnn_\([a-z0-9_]*\)(.*/\1/p; s/^DEFINE_COMPOSITE(\([a-z0-9_]*\),.*/\1/p' core/ops/composite.c | while read -r name; do
        grep -qE "^(COMPOSITE|TESTED_IN)\($name," tools/conform/cases/composites.def ||
            echo "core/ops/composite.c:1: dnn_$name has no line in tools/conform/cases/composites.def"
    done >>"$work/faults"
fi

# The library writes and reads numbers without the locale of the process: %g and its kin only where dnn__put or the host's table
# formats them, no strtod, no <ctype.h>. A program of ours leaves LC_NUMERIC alone.
grep -E '^(core|plugins|datasets)/' "$work/code" | xargs awk '
FNR == 1 { put = -9 }
/(dnn__put|dnn__decline|host->fail|host->log|H->fail)\(/ { put = FNR }
/"[^"]*%[-+ #0]*[0-9.*]*[gfeaGFEA][^"]*"/ {
    text = $0
    gsub(/%%/, "", text)
    if (text ~ /"[^"]*%[-+ #0]*[0-9.*]*[gfeaGFEA]/ && FNR - put > 3)
        printf "%s:%d: a number in the locale of the process: dnn__float_text, dnn__put\n", FILENAME, FNR
}
/(^|[^a-z_])(strto(d|f|ld)|ato[f]|is(alpha|alnum|digit|space|upper|lower|punct|xdigit)|to(upper|lower)|strcoll)\(/ {
    printf "%s:%d: a function of the locale of the process: dnn__strtod, comparisons with characters\n", FILENAME, FNR
}' >>"$work/faults"
grep -E '^(tools|model_zoo)/' "$work/code" | xargs grep -nE 'setlocale\(LC_(ALL|NUMERIC), *"' |
    sed 's/$/ [numbers of the locale: files and JSON would change]/' >>"$work/faults" || true

# Words that are gone.
grep -vE '^(tests/style/gone_words\.txt|CHANGELOG\.md|docs/style\.md|docs/decisions/.*|tests/golden/.*)$' "$work/all" >"$work/living"
sed '/^#/d; /^$/d' "$here/gone_words.txt" | while read -r line; do
    xargs grep -nHiE -e "${line% | *}" <"$work/living" | sed "s#\$# [gone: ${line##* | }]#" || true
done >>"$work/faults"

# A path that exists on one machine only.
xargs grep -nHE '(^|[^A-Za-z0-9_.*])/(work|home|root)(/|$)' <"$work/all" | sed 's/$/ [a path of one machine]/' >>"$work/faults" || true

cat "$work/faults"
faults=$(wc -l <"$work/faults")
echo "style: $(wc -l <"$work/all") files, $((faults)) faults"
[ "$faults" -eq 0 ]
