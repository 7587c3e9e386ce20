#!/bin/sh
# usage: test_pages.sh CMAKE BUILD SOURCE LIBDIR - every block of code of the pages works when it is pasted: commands run in a copy of the
# tree, C compiles against an installation of this build, and runs if it is a whole program. A comment in the line before a block says what
# else it is:
#
#   <!-- not run: REASON -->   commands or code that the test leaves out; it prints them
#   <!-- text -->              no code: what a program prints, or a file
#   <!-- c: FRAME -->          a fragment of C; frames/FRAME.txt says what stands around it
#   <!-- c run: FRAME -->      the same, and the program runs. Before a table: the code of the second column of each row stands between
#                              ROW and END, which the frame defines
#   <!-- sh: FOLDER -->        commands to run in that folder of the tree
#
# A block without a comment: ```c is a whole program, ```cmake the end of a CMakeLists.txt; any other block is commands.
set -u
cmake=$1 build=$2 source=$3 libdir=$4
here=$source/tests/docs
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 2' HUP INT TERM
blocks=$work/blocks tree=$work/tree prefix=$work/home/.local
mkdir -p "$blocks" "$tree" "$prefix"
unset DNN_BACKEND DNN_PLUGINS DNN_PLUGIN_PATH CMAKE_PREFIX_PATH

# Writes each block to N.block, and a line "N PAGE:LINE KIND LANGUAGE REST" to the list.
cd "$source" || exit 1
: >"$work/list"
for page in README.md CONTRIBUTING.md core/README.md docs/*.md; do
    awk -v page="$page" -v folder="$blocks" -v first="$(wc -l <"$work/list")" '
    function open_block(language) {
        n++
        file = folder "/" (first + n) ".block"
        printf "" > file
        print first + n, page ":" FNR, (mark != "" ? mark : "none"), (language != "" ? language : "-")
        mark = ""
        pending = ""
    }
    /^ *```/ {
        if (fenced) { fenced = 0; close(file) }
        else { fenced = 1; inside = 0; language = $0; gsub(/[ `]/, "", language); open_block(language) }
        next
    }
    fenced { print > file; next }
    /^\|/ && (mark ~ /^c_run:/ || table) {
        if (!table) { open_block("table"); table = 1; inside = 0 }
        split($0, cell, "|")
        if (cell[3] ~ /`/) {
            n_code = split(cell[3], code, "`")
            printf "#line %d \"%s\"\nROW\n", FNR - 1, page > file
            for (i = 2; i <= n_code; i += 2) print code[i] > file
            print "END" > file
        }
        next
    }
    table { table = 0; close(file) }
    /^ *<!-- (not run|text|c|c run|sh)(:.*)? *-->$/ {
        mark = $0
        gsub(/^ *<!-- | *-->$/, "", mark)
        gsub(/ /, "_", mark)
        inside = 0
        blank = 1
        next
    }
    /^    +[^ ]/ && (blank || inside) {
        if (!inside) { open_block(""); inside = 1 }
        printf "%s", pending > file
        pending = ""
        print > file
        next
    }
    /^ *$/ { blank = 1; if (inside) pending = pending "\n"; next }
    { blank = 0; mark = ""; if (inside) close(file); inside = 0; pending = "" }
    ' "$page" >>"$work/list"
done

# The copy of the tree: links, but for what the commands write into.
for entry in "$source"/* "$build"; do
    ln -sfn "$entry" "$tree/$(basename "$entry")"
done
rm "$tree/docs"
cp -r "$source/docs" "$tree/docs"
ln -sfn "$build" "$tree/build"
for file in line.c acme/acme.c; do
    ln -s "docs/examples/$file" "$tree/"
done
sed 's/"acme"/"mine"/' "$source/docs/examples/acme/acme.c" >"$tree/mine.c" # as the recipe says: give it an id
[ ! -f "$build/install_manifest.txt" ] || cp "$build/install_manifest.txt" "$work/manifest"
"$cmake" --install "$build" --prefix "$prefix" >"$work/log" 2>&1 || { cat "$work/log"; echo 'FAILED: cmake --install'; exit 1; }
export HOME="$work/home" PATH="$prefix/bin:$prefix/libexec/dnn/zoo:$PATH" PKG_CONFIG_PATH="$prefix/$libdir/pkgconfig" LD_LIBRARY_PATH="$prefix/$libdir"
umask 022

compile() { # FILE OUTPUT: a program, or with -fsyntax-only a fragment
    # shellcheck disable=SC2046 # words on purpose
    cc -std=c11 -Wall -Wextra -Werror -Wno-unused "$@" $(pkg-config --cflags --libs dnn) -lm
}
# What a block needs to work: exit status 0.
try() { # NUMBER KIND LANGUAGE
    file=$blocks/$1.block
    cd "$tree" || return 1
    case $2$3 in
    c:_*)
        frame=$here/frames/${2#c:_}.txt
        [ -f "$frame" ] || { echo "there is no frame ${2#c:_}"; return 1; }
        { sed '/^@@/,$d' "$frame"; cat "$file"; sed '1,/^@@/d' "$frame"; } >"$work/fragment.c"
        compile -fsyntax-only "$work/fragment.c"
        ;;
    c_run:_*)
        frame=$here/frames/${2#c_run:_}.txt
        [ -f "$frame" ] || { echo "there is no frame ${2#c_run:_}"; return 1; }
        { sed '/^@@/,$d' "$frame"; cat "$file"; sed '1,/^@@/d' "$frame"; } >"$work/program.c"
        compile "$work/program.c" -o "$work/program" && cd "$work" && ./program
        ;;
    nonec)
        cp "$file" "$work/program.c"
        compile "$work/program.c" -o "$work/program" && cd "$work" && ./program
        ;;
    nonecmake)
        rm -rf "$work/project"
        mkdir "$work/project"
        { echo 'cmake_minimum_required(VERSION 3.16)'; echo 'project(pasted LANGUAGES C)'; cat "$file"; } >"$work/project/CMakeLists.txt"
        cp "$tree/line.c" "$tree/mine.c" "$work/project"
        cp "$source/tests/package/odd.c" "$work/project/parquet.c"
        "$cmake" -S "$work/project" -B "$work/project/build" -DCMAKE_PREFIX_PATH="$prefix" && "$cmake" --build "$work/project/build"
        ;;
    sh:_*) cd "${2#sh:_}" && timeout 30 sh -ec "$(cat "$file")" ;;
    none*) timeout 30 sh -ec "$(cat "$file")" ;;
    esac
}

passed=0
failed=0
left=0
while read -r number where kind language; do
    case $kind in
    text*) ;;
    not_run:*)
        left=$((left + 1))
        echo "not run: $where: $(echo "${kind#not_run:_}" | tr _ ' ')"
        ;;
    *)
        if (try "$number" "$kind" "$language") >"$work/log" 2>&1 </dev/null; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
            echo "FAILED $where ($kind $language):"
            sed 's/^/    /' "$blocks/$number.block"
            tail -15 "$work/log"
        fi
        ;;
    esac
done <"$work/list"
rm -f "$build/install_manifest.txt"
[ ! -f "$work/manifest" ] || mv "$work/manifest" "$build/install_manifest.txt"
echo "$passed passed, $failed failed, $left not run"
[ "$failed" -eq 0 ] && [ "$passed" -gt 10 ]
