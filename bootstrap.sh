#!/bin/sh
# The front door: installs what is missing through the system's package manager, builds the release preset into build/, and
# trains a network (run) or runs the tests (test). A second call does nothing twice.
set -eu
cd "$(dirname "$0")"

usage() {
    cat <<'TEXT'
usage: ./bootstrap.sh [--no-install] COMMAND [ARGUMENT...]

  run  [ARGUMENT...]  build, then train LeNet on MNIST or Fashion-MNIST; arguments go to mnist_lenet
  test [ARGUMENT...]  build, then run the tests; arguments go to ctest
  build               build only

  --no-install        only print the line that would install what is missing

examples
  ./bootstrap.sh run
  ./bootstrap.sh run --epochs 1 --threads 2
  ./bootstrap.sh test -R conformance
TEXT
}

install=yes
command=
while [ $# -gt 0 ]; do
    case $1 in
    --no-install) install=no ;;
    -h | --help) usage; exit 0 ;;
    run | test | build) command=$1; shift; break ;;
    *) echo "bootstrap.sh: unknown word '$1'" >&2; usage >&2; exit 2 ;;
    esac
    shift
done
[ -n "$command" ] || { usage >&2; exit 2; }

# What each command needs, as Debian and Ubuntu name it.
packages='gcc libc6-dev cmake ninja-build pkg-config libopenblas-dev libarchive-dev zlib1g-dev nettle-dev libjansson-dev librandom123-dev libxxhash-dev'
case $command in
run) packages="$packages dataset-fashion-mnist" ;;
test) packages="$packages dataset-fashion-mnist libcriterion-dev g++" ;; # g++: headers in a C++ program
esac

missing() {
    for package in $packages; do
        case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
        installed) ;;
        *) printf '%s ' "$package" ;;
        esac
    done
}

if command -v apt-get >/dev/null 2>&1 && command -v dpkg-query >/dev/null 2>&1; then
    need=$(missing)
    if [ -n "$need" ]; then
        sudo=
        [ "$(id -u)" -eq 0 ] || sudo=sudo
        echo "bootstrap.sh: missing: $need" >&2
        if [ "$install" = no ]; then
            echo "$sudo apt-get install -y --no-install-recommends $need"
            exit 1
        fi
        $sudo apt-get update -qq
        # shellcheck disable=SC2086 # a list of words on purpose
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $need
    fi
else
    echo "bootstrap.sh: no apt-get here; these must be present by their names on this system: $packages" >&2
fi

# The tests are built once somebody asks for them, and from then on: they need Criterion.
cached=$(sed -n 's/^DNN_TESTS:BOOL=//p' build/CMakeCache.txt 2>/dev/null || true)
tests=${cached:-OFF}
[ "$command" != test ] || tests=ON
if [ ! -f build/build.ninja ] || [ "$tests" != "$cached" ]; then
    cmake --preset release -DDNN_TESTS="$tests"
fi
cmake --build build

case $command in
run) exec build/bin/mnist_lenet "$@" ;;
test) exec ctest --test-dir build --output-on-failure -j "$(nproc)" -LE full "$@" ;;
esac
