#!/bin/sh
# usage: test_exit.sh PROGRAM - the program returns from main while a thread computes, 40 times: each ends by itself with code 0.
set -u
passed=0
failed=0
while [ $((passed + failed)) -lt 40 ]; do
    timeout 60 "$1"
    code=$?
    if [ $code -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: exit code $code"
    fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
