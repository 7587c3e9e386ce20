#!/bin/sh
# usage: test_package.sh STEP CMAKE BUILD SOURCE LIBDIR GENERATOR - libdnn as those meet it who install it. "install" puts it into a
# folder outside the source tree and moves that; the steps after it use what was moved, as strangers would; "clean" removes it.
# 77 (skip) where what a step needs is not here.
set -eu
step=$1 cmake=$2 build=$3 source=$4 libdir=$5
export CMAKE_GENERATOR="$6"
place=$build/tests/package/place
unset DNN_BACKEND DNN_PLUGINS DNN_PLUGIN_PATH LD_LIBRARY_PATH CMAKE_PREFIX_PATH PKG_CONFIG_PATH

fail() {
    echo "FAILED: $*"
    [ ! -s log ] || cat log
    exit 1
}

# expect TEXT COMMAND...: it works and says so.
expect() {
    text=$1
    shift
    "$@" >log 2>&1 || fail "$*: exit $?"
    grep -qF -- "$text" log || fail "$*: does not say \"$text\""
}

# refused TEXT COMMAND...: it does not work and says why. CMake breaks lines.
refused() {
    text=$1
    shift
    ! "$@" >log 2>&1 || fail "$*: went through"
    tr -s ' \n' ' ' <log | grep -qF -- "$text" || fail "$*: does not say \"$text\""
}

# install_to FOLDER: under the umask that many systems have. The list of what was installed goes to FOLDER.files; that of the
# build folder stays what it was, for whoever wants to uninstall.
install_to() {
    [ ! -f "$build/install_manifest.txt" ] || cp "$build/install_manifest.txt" kept
    (umask 002 && "$cmake" --install "$build" --prefix "$1") >log 2>&1 || fail "cmake --install"
    mv "$build/install_manifest.txt" "$1.files"
    [ ! -f kept ] || mv kept "$build/install_manifest.txt"
}

# headers_alone ENDING COMPILER FLAG...: each public header is enough for itself.
headers_alone() {
    ending=$1
    shift
    for header in "$root"/include/*.h "$root"/include/dnn/*.h; do
        printf '#include "%s"\nint main(void) { return 0; }\n' "${header#"$root"/include/}" >"header.$ending"
        # shellcheck disable=SC2046 # words on purpose
        "$@" -Wall -Wextra -Wpedantic -Werror -fsyntax-only $(pkg-config --cflags dnn) "header.$ending" >log 2>&1 ||
            fail "$*: $header alone"
    done
}

if [ "$step" = install ]; then
    # What a run that was cut off left behind.
    [ ! -s "$place" ] || rm -rf "$(cat "$place")"
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/dnn_package.XXXXXX")
    printf '%s\n' "$scratch" >"$place"
else
    scratch=$(cat "$place")
fi
cd "$scratch"
root=$scratch/moved
export PKG_CONFIG_PATH="$root/$libdir/pkgconfig"

case $step in
install)
    install_to "$scratch/first"
    mv first moved
    for path in "$build/" "$source/" "$scratch/first"; do
        ! grep -rlF -- "$path" moved >log || fail "these name $path:"
    done
    find moved ! -type l -perm /022 >log
    [ ! -s log ] || fail 'others may write to these, so no plugin there is loaded:'
    # shellcheck disable=SC2016 # $ORIGIN is a word of the loader
    find moved -type f | while read -r file; do
        readelf -d "$file" 2>/dev/null | grep -E 'R(UN)?PATH' | grep -vF '[$ORIGIN/' || true
    done >log
    [ ! -s log ] || fail 'a library path that is not relative to the file:'
    find moved -type l -lname '/*' >log
    [ ! -s log ] || fail 'links that name a place:'
    [ "$(readelf -d "moved/$libdir/libdnn.so" | sed -n 's/.*soname: \[\(.*\)\]/\1/p')" = libdnn.so.1 ] || fail 'soname'
    ;;
cmake)
    cp -r "$root/share/dnn/examples" .
    expect 'Generating done' "$cmake" -S examples -B cm -DCMAKE_PREFIX_PATH="$root"
    expect 'dnn_acme' "$cmake" --build cm
    expect 'y = 2.000 x + 1.000' cm/line
    # Each program of the examples is built and ends with its own check.
    for program in examples/*.c; do
        program=$(basename "$program" .c)
        timeout 60 env DNN_CHECK_HANDLES=1 "cm/$program" >log 2>&1 || fail "$program: exit $?"
    done
    expect 'acme_relu' env DNN_PLUGINS="$scratch/cm/dnn_acme.so" DNN_BACKEND=acme "$root/bin/dnn" explain relu 64x128
    # ask LINE: a project that consists of that line.
    ask() {
        mkdir -p ask
        printf 'cmake_minimum_required(VERSION 3.16)\nproject(ask LANGUAGES C)\n%s\n' "$1" >ask/CMakeLists.txt
        "$cmake" -S ask -B ask/build -DCMAKE_PREFIX_PATH="$root"
    }
    # shellcheck disable=SC2016 # CMake's variables
    expect 'mnist TRUE, cuda FALSE' ask 'find_package(dnn 0.1 REQUIRED COMPONENTS mnist OPTIONAL_COMPONENTS cuda)
        message(STATUS "mnist ${dnn_mnist_FOUND}, cuda ${dnn_cuda_FOUND}")'
    refused 'lacks dnn_cuda.so, dnn_tpu.so; installed are: dnn_cpu_blas.so' ask \
        'find_package(dnn REQUIRED COMPONENTS cpu_blas cuda tpu)'
    refused 'compatible with requested version "99"' ask 'find_package(dnn 99 REQUIRED)'
    refused '"My-Plugin" is no id of a plugin' ask 'find_package(dnn REQUIRED)
        dnn_add_plugin(My-Plugin SOURCES CMakeLists.txt)'
    refused 'expected SOURCES and files; not understood: "a.c"' ask 'find_package(dnn REQUIRED)
        dnn_add_plugin(mine a.c)'
    # A result that is dropped is a warning, although the header is one of an imported target and the call a macro's. CMAKE_VERSION is set
    # to what older ones have.
    if command -v gcc >/dev/null; then
        mkdir dropped
        # shellcheck disable=SC2016
        printf '%s\n' 'cmake_minimum_required(VERSION 3.16)' 'project(dropped LANGUAGES C)' 'if(DEFINED OLD)' 'set(CMAKE_VERSION ${OLD})' \
            'endif()' 'find_package(dnn REQUIRED)' 'add_executable(dropped dropped.c)' 'target_link_libraries(dropped PRIVATE dnn::dnn)' \
            >dropped/CMakeLists.txt
        printf '#include <dnn/dnn.h>\nint main(void)\n{\n    dnn_backward(dnn_zeros(DNN_SHAPE(1)));\n}\n' >dropped/dropped.c
        for old in '' -DOLD=3.22.1 -DOLD=3.24.0; do
            rm -rf dropped/build
            # shellcheck disable=SC2086
            expect 'Generating done' "$cmake" -S dropped -B dropped/build -DCMAKE_C_COMPILER=gcc -DCMAKE_PREFIX_PATH="$root" $old
            expect 'unused-result' "$cmake" --build dropped/build
        done
    fi
    # A reader, from its sources to being found beside the others.
    mkdir reader
    cp "$source/tests/package/odd.c" reader
    # shellcheck disable=SC2016
    printf '%s\n' 'cmake_minimum_required(VERSION 3.16)' 'project(reader LANGUAGES C)' 'find_package(dnn REQUIRED)' \
        'dnn_add_plugin(odd READER SOURCES odd.c DESTINATION ${dnn_PLUGIN_DIR})' >reader/CMakeLists.txt
    expect 'Generating done' "$cmake" -S reader -B reader/build -DCMAKE_PREFIX_PATH="$root"
    expect 'dnn_odd' "$cmake" --build reader/build
    expect 'readers/dnn_odd.so' "$cmake" --install reader/build
    expect 'reader odd 1.0' "$root/bin/dnn" backends
    rm "$root/$libdir/dnn/plugins/readers/dnn_odd.so"
    ;;
pkgconfig)
    command -v pkg-config >/dev/null || { echo 'skipped: pkg-config is not here'; exit 77; }
    examples=$root/share/dnn/examples
    headers_alone c cc -std=c11
    # shellcheck disable=SC2046 # words on purpose
    {
        cc -std=c11 -Wall -Wextra -Wpedantic -Werror "$examples/line.c" $(pkg-config --cflags --libs dnn) -lm -o line &&
            cc -std=c11 -O3 -shared -Wl,-z,defs -Wall -Wextra -Wpedantic -Werror $(pkg-config --cflags dnn-plugin) \
                -o dnn_acme.so "$examples/acme/acme.c"
    } >log 2>&1 || fail 'the one-line builds'
    expect 'y = 2.000 x + 1.000' env LD_LIBRARY_PATH="$root/$libdir" ./line
    chmod go-w dnn_acme.so
    expect 'acme_relu' env DNN_PLUGINS="$scratch/dnn_acme.so" DNN_BACKEND=acme "$root/bin/dnn" explain relu 64x128
    [ "$(cd "$(pkg-config --variable=plugindir dnn-plugin)" && pwd)" = "$root/$libdir/dnn/plugins" ] || fail 'plugindir'
    # Installed there, it is found without being named.
    cp dnn_acme.so "$root/$libdir/dnn/plugins"
    expect 'in use: acme 1.0.0' "$root/bin/dnn" backends
    expect 'acme_relu' env DNN_BACKEND=acme "$root/bin/dnn" explain relu 64x128
    rm "$root/$libdir/dnn/plugins/dnn_acme.so"
    expect 'PASSED' "$root/bin/dnn" conform ./dnn_acme.so
    ;;
pages)
    # Each path that an installed page names is there, or is said to be one of the source tree.
    pages=$root/share/doc/dnn
    [ -s "$pages/CONTRIBUTING.md" ] && [ -s "$pages/plugins.md" ] || fail 'CONTRIBUTING.md or plugins.md is not there'
    grep -noE '(^|[^A-Za-z0-9_/.~<>-])(core|plugins|tests|tools|datasets|model_zoo|bench|cmake|build|docs)/[A-Za-z0-9_.]' "$pages"/*.md >log &&
        fail 'paths of the source tree:'
    grep -ohE '(include|share)/[A-Za-z0-9_./-]*[A-Za-z0-9_]' "$pages"/*.md | grep -E '^(include|share/(dnn|doc))' | sort -u >named
    [ "$(wc -l <named)" -gt 10 ] || fail 'the pages name no paths'
    while read -r path; do
        [ -e "$root/$path" ] || echo "$path"
    done <named >log
    [ ! -s log ] || fail 'the pages name what is not there:'
    # The examples build, but for phantom, whose kernels are sources of cpu_blas.
    examples=$root/share/dnn/examples
    [ -s "$examples/phantom/phantom.c" ] || fail 'phantom is not there'
    cc -std=c11 -Wall -Wextra -Werror -fsyntax-only -D_GNU_SOURCE -I"$root/include" "$examples/blocked/blocked.c" >log 2>&1 || fail blocked
    for file in mnist source; do
        # shellcheck disable=SC2046
        cc -std=c11 -Wall -Wextra -Werror -fsyntax-only -D_GNU_SOURCE -I"$root/include" $(pkg-config --cflags nettle zlib) \
            "$examples/reader/$file.c" >log 2>&1 || fail "reader/$file.c"
    done
    ;;
cxx)
    tried=
    for compiler in g++ clang++; do
        command -v "$compiler" >/dev/null || continue
        echo 'int main() {}' >empty.cc
        "$compiler" empty.cc -o empty 2>/dev/null || continue
        headers_alone cc "$compiler" -std=c++17
        # Of C++, -Wextra tells every option that is not named.
        # shellcheck disable=SC2046
        "$compiler" -std=c++17 -Wall -Wextra -Wno-missing-field-initializers -Wpedantic -Werror "$root/share/dnn/examples/line.cc" \
            $(pkg-config --cflags --libs dnn) -o linecc >log 2>&1 || fail "$compiler: line.cc"
        expect 'y = 2.000 x + 1.000' env LD_LIBRARY_PATH="$root/$libdir" ./linecc
        tried="$tried $compiler"
    done
    [ -n "$tried" ] || { echo 'skipped: no C++ compiler that links is here'; exit 77; }
    echo "with:$tried"
    ;;
zoo)
    [ -d /usr/share/datasets/fashion-mnist ] || { echo 'skipped: apt install dataset-fashion-mnist'; exit 77; }
    expect 'test accuracy' "$root/libexec/dnn/zoo/mnist_lenet" --data /usr/share/datasets/fashion-mnist --epochs 1 \
        --limit-batches 20
    ;;
uninstall)
    mkdir -p "second/$libdir/dnn/plugins"
    echo foreign >"second/$libdir/foreign"
    install_to "$scratch/second"
    expect "removed $scratch/second/bin/dnn" "$cmake" -DMANIFEST="$scratch/second.files" -P "$build/cmake/uninstall.cmake"
    find second ! -type d >log
    [ "$(cat log)" = "second/$libdir/foreign" ] || fail 'these stayed, or what is not ours went:'
    find second -name dnn >log
    [ ! -s log ] || fail 'folders of ours stayed:'
    refused 'is not there' "$cmake" -DMANIFEST="$scratch/nothing" -P "$build/cmake/uninstall.cmake"
    ;;
clean)
    cd /
    rm -rf "$scratch" "$place"
    ;;
*) fail "no step is called $step" ;;
esac
echo "$step: passed"
