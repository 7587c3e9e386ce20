#!/bin/sh
# usage: test_mangle.sh CONFORMANCE CUT PADDED SKEW_PLUGINS PLUGINS - the cut and the padded host catch what they are there for.
set -u
export DNN_PLUGIN_PATH="$4:$5"
failed=0
passes() { "$1" --mode value --op relu --plugin "$2" >/dev/null 2>&1; }
judge() {
    if [ "$1" = "$2" ]; then return; fi
    echo "FAILED: $3"
    failed=$((failed + 1))
}
passes "$2" skew_old && cut=yes || cut=no
passes "$3" skew_old && padded=yes || padded=no
judge "$cut$padded" yesyes 'a good plugin passes under both'
passes "$1" skew_equal && plain=yes || plain=no
passes "$3" skew_equal && padded=yes || padded=no
judge "$plain$padded" yesno 'a plugin that holds sizes for its own passes under the plain host, and not under the padded one'
passes "$2" skew_beyond && cut=yes || cut=no
judge "$cut" no 'a plugin that reads beyond v1.0 without a look ends under the cut host'
echo "$((3 - failed)) passed, $failed failed"
[ $failed -eq 0 ]
