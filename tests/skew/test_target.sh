#!/bin/sh
# usage: test_target.sh CC NEXT_HEADERS PLUGIN_SOURCE - a member of 1.1 cannot be named below DNN_PLUGIN_TARGET 1.
set -u
compile() { "$1" -std=c11 -fsyntax-only -I"$2" -DSKEW_ID='"x"' -DSKEW_NEEDS=0 -DSKEW_KNOWS_ALL=0 -DSKEW_USES $4 "$3" 2>&1; }
if ! compile "$1" "$2" "$3" -DDNN_PLUGIN_TARGET=1; then
    echo 'FAILED: with target 1 the member is there'
elif said=$(compile "$1" "$2" "$3" -DDNN_PLUGIN_TARGET=0); then
    echo 'FAILED: without a target the member is an error'
else
    case $said in
    *next*) echo '1 passed, 0 failed' && exit 0 ;;
    *) printf 'FAILED: the error does not name the member:\n%s\n' "$said" ;;
    esac
fi
echo '0 passed, 1 failed'
exit 1
