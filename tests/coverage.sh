#!/bin/sh
# coverage.sh - branches taken, by folder, of a build of the preset `coverage` whose tests have run:
#
#     cmake --preset coverage && cmake --build --preset coverage && ctest --preset coverage -LE full
#     sh tests/coverage.sh build-coverage
#
# Branches that only a failing assert would take do not count, for there are none in a release build. A file that several programs
# have built counts once, by the build that took most of its branches.
set -eu
[ $# -eq 1 ] && [ -d "$1" ] || { echo "usage: coverage.sh BUILD" >&2; exit 2; }
root=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

find "$build/core" "$build/plugins" "$build/datasets" "$build/tools" "$build/model_zoo" -name '*.gcda' 2>/dev/null |
    while read -r data; do
        gcov -b -c -s "$root" -r -n "$data" 2>/dev/null || true
    done > report

# "File 'core/x.c'", then "Lines executed:12.34% of 56", "Branches ...", "Taken at least once:12.34% of 56".
awk -F"[':% ]+" '
/^File / { file = $2; next }
/^Lines executed/ { if (file != "") { lines = $NF; hit = $3 * lines / 100; if (hit >= line_hit[file]) { line_hit[file] = hit; line_all[file] = lines } } }
/^Taken at least once/ { if (file != "") { n = $NF; hit = $5 * n / 100; if (hit >= branch_hit[file]) { branch_hit[file] = hit; branch_all[file] = n } }; file = "" }
END {
    for (file in line_all) {
        if (file !~ /\.(c|h|def)$/) continue
        folder = file; sub(/\/[^\/]*$/, "", folder)
        L[folder] += line_all[file]; l[folder] += line_hit[file]; B[folder] += branch_all[file]; b[folder] += branch_hit[file]
    }
    printf "%-28s %8s %8s %9s %9s\n", "folder", "lines", "%", "branches", "%"
    for (folder in L) printf "%-28s %8d %8.1f %9d %9.1f\n", folder, L[folder], 100 * l[folder] / L[folder], B[folder], B[folder] ? 100 * b[folder] / B[folder] : 100 | "sort"
}' report
