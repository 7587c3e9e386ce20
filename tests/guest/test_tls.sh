#!/bin/sh
# usage: test_tls.sh LIBDNN - its static thread-local storage is small enough for dlopen, and dlclose does not unmap it.
set -u
failed=0
bytes=$(LC_ALL=C readelf -lW "$1" | awk '$1 == "TLS" {print $6}')
bytes=$((${bytes:-0}))
echo "PT_TLS: $bytes bytes"
if [ $bytes -gt 128 ]; then
    echo "FAILED: more than 128 bytes of thread-local storage"
    failed=1
fi
if ! LC_ALL=C readelf -dW "$1" | grep -q 'FLAGS_1.*NODELETE'; then
    echo "FAILED: DF_1_NODELETE is not set"
    failed=1
fi
exit $failed
