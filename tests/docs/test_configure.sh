#!/bin/sh
# usage: test_configure.sh CMAKE SOURCE - the first command of a newcomer, where Criterion is not installed: it configures without the tests,
# and says how to install it.
set -eu
cmake=$1 source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
real=$(command -v pkg-config)
cat >"$work/pkg-config" <<TEXT
#!/bin/sh
case "\$*" in *criterion*) exit 1 ;; esac
exec "$real" "\$@"
TEXT
chmod +x "$work/pkg-config"
(cd "$source" && "$cmake" --preset release -B "$work/build" -DPKG_CONFIG_EXECUTABLE="$work/pkg-config") >"$work/log" 2>&1 || {
    cat "$work/log"
    echo 'FAILED: it does not configure without Criterion'
    exit 1
}
tr -s ' \n' ' ' <"$work/log" | grep -q 'apt install libcriterion-dev' || { cat "$work/log"; echo 'FAILED: no word about Criterion'; exit 1; }
[ ! -e "$work/build/tests" ] || { echo 'FAILED: the tests are there'; exit 1; }
echo '1 passed, 0 failed'
