#!/bin/sh
# usage: test_pid_namespace.sh DNN PLUGINS - plugins load in a PID namespace that sees the /proc of the outer one.
set -u
if ! unshare -Urpf true 2>/dev/null; then
    echo 'skipped: this machine gives no PID namespace'
    exit 77
fi
said=$(DNN_PLUGIN_PATH=$2 unshare -Urpf "$1" explain relu 3 2>&1)
code=$?
echo "$said"
[ $code -eq 0 ]
