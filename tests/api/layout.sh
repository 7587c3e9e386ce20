#!/bin/sh
# layout.sh - compares the size and the offsets of every struct with options, compiled as C and as C++: DNN_BY_NAME is a member of
# no element in C, and nothing in C++.
#
# usage: tests/api/layout.sh INCLUDE CC CXX
set -eu
include=$1 cc=$2 cxx=$3
for compiler in "$cc" "$cxx"; do
    command -v "$compiler" >/dev/null || { echo "skipped: $compiler is not here"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 2' HUP INT TERM

# One SIZE(struct) per struct that holds DNN_BY_NAME, one OFFSET(struct, member) per member.
awk '
{
    gsub(/\/\*([^*]|\*[^\/])*\*\//, "")
    if (comment && !sub(/.*\*\//, "")) next
    comment = sub(/\/\*.*/, "")
}
/^typedef struct [a-z0-9_]+ \{/ { name = $3; body = ""; inside = 1; next }
inside && /^\}/ {
    inside = 0
    if (body !~ /DNN_BY_NAME/) next
    print "SIZE(" name ")"
    n = split(body, parts, /[;,]/)
    for (i = 1; i <= n; i++) {
        part = parts[i]
        sub(/\[.*/, "", part)
        gsub(/[ \t]+$/, "", part)
        if (part == "" || part ~ /DNN_BY_NAME/) continue
        sub(/.*[ *]/, "", part)
        print "OFFSET(" name ", " part ")"
    }
}
inside { body = body $0 " " }' "$include"/dnn/*.h >"$work/rows.inc"
structs=$(grep -c SIZE "$work/rows.inc") members=$(grep -c OFFSET "$work/rows.inc")
[ "$structs" -ge 30 ] || { echo "layout.sh: $structs structs were found, at least 30 are there"; exit 1; }

cat >"$work/layout.c" <<EOF
#include <stdio.h>
#include <dnn/dnn.h>
#define SIZE(s) printf("%s %zu\\n", #s, sizeof(s));
#define OFFSET(s, m) printf("%s.%s %zu\\n", #s, #m, offsetof(s, m));
int main(void)
{
#include "rows.inc"
    return 0;
}
EOF
cp "$work/layout.c" "$work/layout.cc"
# print.h has inline functions that call the library: the linker drops them.
"$cc" -I"$include" -O2 "$work/layout.c" -o "$work/c"
"$cxx" -I"$include" -O2 "$work/layout.cc" -o "$work/cxx"
"$work/c" >"$work/c.txt"
"$work/cxx" >"$work/cxx.txt"
diff "$work/c.txt" "$work/cxx.txt" || { echo "$cc and $cxx lay them out differently"; exit 1; }
echo "$cc and $cxx agree: $structs structs, $members members"
