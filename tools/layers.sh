#!/bin/sh
# layers.sh - the structure of core/ in figures: files, arrows by layer, upward arrows, circles.
#
# usage: tools/layers.sh [--report] [BUILD_FOLDER]                 (build/ by default; the library must be built)
#
# A file is a .c or a private .h of core/ (core/include is left out). An arrow leads from one file to another that it includes
# ("name.h") or a symbol of which its object file uses (nm); it counts once, however many symbols it stands for. A layer is a
# folder of core/; the order of layers is that of the dnn_layer lines in core/CMakeLists.txt. A tree without such lines has no
# order, and so no upward arrows. A circle is a strongly connected component of more than one file.
#
# Circles are counted twice: on the arrows as they are, and with a header and the source of the same name taken for one file.
# The second count also finds files that share the header of a file that calls them.
#
# One upward arrow is allowed: op/table.c names the rules in ops/. The operator table is data that the top layer fills in.
#
# Exit status: 0; 1 if there is another upward arrow or a circle, unless --report is given; 2 if a file is not built.
set -eu
mode=check
case ${1-} in --report)
    mode=${1#--}
    shift
    ;;
esac
root=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$root/build}
core=$root/core
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 2' HUP INT TERM

layers=$(sed -n 's/^dnn_layer(\([a-z_]*\).*/\1/p' "$core/CMakeLists.txt" | tr '\n' ' ')
(cd "$core" && find . -name '*.[ch]' ! -path './include/*' | sed 's|^\./||' | sort) >"$work/files"

# file FILE; include FILE NAME; object FILE; defines FILE SYMBOL; uses FILE SYMBOL
sed 's/^/file /' "$work/files" >"$work/facts"
(cd "$core" && xargs awk 'sub(/^[ \t]*#[ \t]*include[ \t]*"/, "") { sub(/".*/, ""); print "include", FILENAME, $0 }') \
    <"$work/files" >>"$work/facts"
find "$build/core" -name '*.c.o' -exec nm -A {} + 2>/dev/null | awk '
{
    split($0, half, /\.c\.o:/)
    file = half[1]
    sub(/.*\.dir\//, "", file)
    n = split(half[2], word, " ")
    kind = word[n - 1]
    if (!((file) in seen)) { seen[file] = 1; print "object", file ".c" }
    if (kind == "U") print "uses", file ".c", word[n]
    else if (kind ~ /^[ABCDGRSTVW]$/) print "defines", file ".c", word[n]
}' >>"$work/facts"

awk -v layers="$layers" -v mode="$mode" '
function layer(file) { return file ~ /\// ? substr(file, 1, index(file, "/") - 1) : "core" }
function allowed(from, to) { return from == "op/table.c" && layer(to) == "ops" }
function least(a, b) { return a < b ? a : b }

# The file of core/ that an #include names: beside the file, from the top of core/, or the one file of that name. A public header
# ("dnn/ops.h") is none.
function header(file, name, near)
{
    near = file
    sub(/[^\/]*$/, "", near)
    if ((near name) in exists) return near name
    if (name in exists) return name
    return name in by_name ? by_name[name] : ""
}

function pair(file) { sub(/\.[ch]$/, "", file); sub(/^internal\//, "", file); return file }

function arrow(from, to, why)
{
    if (from == to || to == "") return
    if (!((from, to) in reason)) {
        reason[from, to] = why
        from_of[++arrows] = from
        to_of[arrows] = to
    }
}

function edge(from, to)
{
    if (from != to && !((from, to) in edges)) {
        edges[from, to] = 1
        out[from] = out[from] " " to
    }
}

# Tarjan: strongly connected components of the graph in out[].
function visit(v, n, next_of, i, w, size, members)
{
    number[v] = low[v] = ++clock
    stack[++depth] = v
    on_stack[v] = 1
    n = split(out[v], next_of, " ")
    for (i = 1; i <= n; i++) {
        w = next_of[i]
        if (!(w in number)) {
            visit(w)
            low[v] = least(low[v], low[w])
        } else if (w in on_stack) {
            low[v] = least(low[v], number[w])
        }
    }
    if (low[v] != number[v]) return
    do {
        w = stack[depth--]
        delete on_stack[w]
        size++
        members = members " " w
    } while (w != v)
    if (size > 1) {
        circles++
        in_circles += size
        found = found sprintf("  circle of %d:%s\n", size, members)
    }
}

# pairs: NAME.c and NAME.h of one folder are one file (in old trees NAME.h lies in internal/). Sets circles, in_circles, found.
function find_circles(pairs, i, from, to)
{
    split("", out); split("", edges); split("", number); split("", low); split("", on_stack)
    clock = depth = circles = in_circles = 0
    found = ""
    for (i = 1; i <= arrows; i++) {
        from = from_of[i]
        to = to_of[i]
        if (allowed(from, to)) continue
        if (pairs) edge(pair(from), pair(to))
        else edge(from, to)
    }
    for (i = 1; i <= arrows; i++) {
        from = pairs ? pair(from_of[i]) : from_of[i]
        if (!(from in number)) visit(from)
    }
}

BEGIN {
    n_layers = split(layers, name, " ")
    for (i = 1; i <= n_layers; i++) rank[name[i]] = i
}
$1 == "file" {
    exists[$2] = 1
    base = $2
    sub(/.*\//, "", base)
    by_name[base] = $2
    if ($2 ~ /\.c$/) { sources++; source[sources] = $2 } else headers++
    count[layer($2)]++
}
$1 == "include" { included[++n_included] = $2; including[n_included] = $3 }
$1 == "object" { built[$2] = 1 }
$1 == "defines" && ($2 in exists) { home[$3] = $2 }
$1 == "uses" && ($2 in exists) { user[++n_uses] = $2; used[n_uses] = $3 }
END {
    for (i = 1; i <= sources; i++) {
        if (!(source[i] in built)) { printf "layers.sh: core/%s is not built\n", source[i]; missing = 1 }
    }
    if (missing) exit 2

    for (i = 1; i <= n_included; i++) arrow(included[i], header(included[i], including[i]), "#include")
    by_include = arrows
    for (i = 1; i <= n_uses; i++) if (used[i] in home) arrow(user[i], home[used[i]], used[i])

    printf "files: %d (%d .c, %d .h)\n", sources + headers, sources, headers
    printf "arrows: %d (%d by #include, %d by symbol)\n", arrows, by_include, arrows - by_include

    print "arrows by layer (files; arrows inside; arrows to other layers):"
    for (i = 1; i <= arrows; i++) {
        from = layer(from_of[i])
        to = layer(to_of[i])
        between[from, to]++
        if (!(from in rank)) { name[++n_layers] = from; rank[from] = n_layers; unordered = 1 }
        if (!(to in rank)) { name[++n_layers] = to; rank[to] = n_layers; unordered = 1 }
    }
    for (i = 1; i <= n_layers; i++) {
        line = sprintf("  %-10s %3d files %4d inside ", name[i], count[name[i]], between[name[i], name[i]])
        for (j = 1; j <= n_layers; j++) {
            if (j != i && (name[i], name[j]) in between) line = line sprintf(" %s %d", name[j], between[name[i], name[j]])
        }
        print line
    }

    for (i = 1; i <= arrows; i++) {
        if (unordered || rank[layer(to_of[i])] <= rank[layer(from_of[i])]) continue
        if (allowed(from_of[i], to_of[i])) { permitted++; continue }
        ups++
        upward = upward sprintf("  %s -> %s: %s\n", from_of[i], to_of[i], reason[from_of[i], to_of[i]])
    }
    if (unordered) print "upward arrows: no order of layers in core/CMakeLists.txt"
    else printf "upward arrows: %d (and %d allowed, op/table.c to ops/)\n%s", ups, permitted, upward

    find_circles(0)
    printf "circles: %d, %d files\n%s", circles, in_circles, found
    bad = ups > 0 || circles > 0
    find_circles(1)
    printf "circles with header and source of one name as one file: %d, %d files\n%s", circles, in_circles, found
    exit mode != "report" && (bad || circles > 0)
}' "$work/facts"
