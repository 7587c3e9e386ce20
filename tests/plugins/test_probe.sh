#!/bin/sh
# usage: test_probe.sh DNN TEST_PLUGINS PLUGINS - the dnn command outlives a file that ends the process, and says which and where.
set -u
dnn=$1
bad=$2/bad
export DNN_PLUGIN_PATH="$3"
passed=0
failed=0
judge() { # code, text, words of the command
    code=$1 text=$2
    shift 2
    said=$("$dnn" "$@" 2>&1)
    got=$?
    case $said in *"$text"*) found=0 ;; *) found=1 ;; esac
    if [ $got -eq "$code" ] && [ $found -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED dnn %s: exit %d, not %d, or does not say "%s":\n%s\n' "$*" $got "$code" "$text" "$said"
    fi
}
for word in 'backends' 'ops relu' 'info' 'explain relu 3'; do
    # shellcheck disable=SC2086
    DNN_PLUGINS=$bad/dnn_dies_in_init.so judge 4 'dnn_dies_in_init.so: ends by signal 11 (Segmentation fault) in init' $word
    # shellcheck disable=SC2086
    DNN_PLUGINS=$2/acme/dnn_acme.so judge 0 acme $word
done
DNN_PLUGINS=$bad/dnn_dies_in_load.so judge 4 'dnn_dies_in_load.so: ends by signal 11 (Segmentation fault) in dlopen' backends
DNN_PLUGINS=$bad/dnn_dies_in_run.so judge 4 'ends by signal 8 (Floating point exception) in run of kernel bad_relu of dies_in_run' explain relu 3
DNN_PLUGINS=$bad/dnn_dies_in_plan.so judge 4 "ends by signal 7 (Bus error) in a kernel's plan or run" explain relu 3
DNN_PLUGINS=$bad/dnn_init_fails.so judge 4 'the card does not answer' backends
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
