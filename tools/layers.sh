#!/bin/sh
# layers.sh - the structure of core/ in figures: files, arrows between files, upward arrows, circles.
#
# An arrow is a symbol of another file that an object file uses (nm). A file's layer is its folder; the order of layers is that of
# the dnn_layer lines of core/CMakeLists.txt. The operator table (core/op/table.c) is left out as a source of arrows: it is data
# that names the rules of core/ops. Exit status 1: an arrow runs upwards, or files stand in a circle.
#
# usage: tools/layers.sh [BUILD_FOLDER]        (build/ by default; the tree must be built)
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$root/build}
layers=$(sed -n 's/^dnn_layer(\([a-z]*\).*/\1/p' "$root/core/CMakeLists.txt" | tr '\n' ' ')

find "$build/core" -name '*.c.o' | sort | while read -r object; do
    folder=$(basename "$(dirname "$object")")
    file=$(basename "$object" .o)
    case $folder in *.dir) folder=. ;; esac
    [ -f "$root/core/$folder/$file" ] || continue # an object that an older build has left
    nm "$object" | awk -v file="$folder/$file" 'NF >= 2 { print file, $(NF - 1), $NF }'
done | awk -v layers="$layers" '
BEGIN { n = split(layers, name, " "); for (i = 1; i <= n; i++) rank[name[i]] = i }
{ files[$1] = 1 }
$2 == "U" { use[$1 SUBSEP $3] = 1; next }
$2 ~ /^[TDBRVC]$/ { home[$3] = $1 }
function layer(file) { return substr(file, 1, index(file, "/") - 1) }
END {
    for (key in use) {
        split(key, part, SUBSEP)
        from = part[1]; to = home[part[2]]
        if (to == "" || to == from || from == "op/table.c") continue
        if (!((from, to) in arrow)) { arrow[from, to] = part[2]; arrows++; out[from] = out[from] " " to }
    }
    for (key in arrow) {
        split(key, part, SUBSEP)
        if (rank[layer(part[2])] > rank[layer(part[1])]) {
            printf "upward: %s -> %s (%s)\n", part[1], part[2], arrow[key]
            up++
        }
    }
    # A file without arrows into what is left stands in no circle, nor does one that nothing left points at: take both away.
    do {
        changed = 0
        for (file in files) {
            if (file in gone) continue
            leads = 0; led = 0
            m = split(out[file], next_file, " ")
            for (i = 1; i <= m; i++) if (!(next_file[i] in gone)) leads = 1
            if (leads) for (other in files) if (!(other in gone) && ((other, file) in arrow)) { led = 1; break }
            if (!leads || !led) { gone[file] = 1; changed = 1 }
        }
    } while (changed)
    for (file in files) { count++; if (!(file in gone)) { circle++; printf "in or between circles: %s\n", file } }
    printf "%d files, %d arrows, %d upward, %d files in or between circles\n", count, arrows, up, circle
    exit up > 0 || circle > 0
}'
