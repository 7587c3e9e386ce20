#!/bin/sh
# usage: test_ends.sh PROGRAM - an error that nobody took is on standard error, once, and the exit code is that of the program. A
# thread that ends inside scopes frees their objects.
set -u
passed=0
failed=0
ends() { # way, text of standard error; "": it is empty
    said=$("$program" "$1" 2>&1 >/dev/null)
    code=$?
    if [ $code -ne 3 ]; then
        echo "FAILED: $1: exit code $code: $said"
        failed=$((failed + 1))
    elif [ -z "$2" ] && [ -n "$said" ]; then
        echo "FAILED: $1: standard error is not empty: $said"
        failed=$((failed + 1))
    elif [ -n "$2" ] && [ "$(printf '%s\n' "$said" | grep -c "nobody took this error.*$2")" -ne 1 ]; then
        echo "FAILED: $1: standard error does not say \"$2\" once: $said"
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
}
program=$1
ends main "DNN_E_INVALID.*add: "
ends thread "DNN_E_INVALID.*add: "
ends shutdown "DNN_E_INVALID.*add: "
ends loader "DNN_E_IO.*no/such/file"
ends pthread_exit ""
ends longjmp ""
ends return ""
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
