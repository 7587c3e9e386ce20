#!/bin/sh
# usage: test_exit.sh PROGRAM - the program returns from main while a thread starts the library or computes, after 0 to 80 ms: each run
# ends by itself with code 0.
set -u
passed=0
failed=0
for ms in 0 2 4 6 8 10 12 14 16 18 20 22 24 26 28 30 32 36 40 44 48 56 64 72 80 80 80 80 80 80 20 20 20 20 20 20 20 20 20 20; do
    timeout 60 "$1" $ms
    code=$?
    if [ $code -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: exit code $code after $ms ms"
    fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
