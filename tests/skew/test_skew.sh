#!/bin/sh
# usage: test_skew.sh OLD_HOST NEXT_HOST SKEW_PLUGINS PLUGINS GOLDEN SCRATCH
# Old and next host, each with the old plugin, the next one that does not use the new members, and the next one that does; the
# same for readers; and the binary of acme that was kept when v1.0 was frozen.
set -u
old=$1 next=$2 skew=$3 golden=$5 scratch=$6
mkdir -p "$scratch"
chmod 755 "$scratch"
passed=0
failed=0
judge() { # what, code, text... of the last run
    what=$1 want=$2
    shift 2
    ok=1
    [ "$code" -eq "$want" ] || ok=0
    for text in "$@"; do
        case $said in *"$text"*) ;; *) ok=0 && echo "missing: $text" ;; esac
    done
    if [ $ok -eq 1 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED %s: exit %d, not %d, or a text is missing:\n%s\n' "$what" "$code" "$want" "$said"
    fi
}
# Readers lie in the folder readers/ of each plugin folder, so those of the pair under test come first.
run() { # host, plugin, file
    said=$(DNN_BACKEND="$2" DNN_PLUGIN_PATH="$skew:$plugins" "$1" ${3:+"$3"} 2>&1)
    code=$?
}
plugins=$4
yes() { echo "asked $1 for relu (skew_relu): yes"; }

# ---- kernels: the six pairs ----
run "$old" skew_old
judge 'old host, old plugin' 0 "$(yes skew_old)" 'relu: right' 'asked skew_old for leaky_relu (skew_leaky_relu): yes'
run "$old" skew_new
judge 'old host, next plugin' 0 "$(yes skew_new)" 'relu: right' 'asked skew_new for leaky_relu (skew_leaky_relu): yes'
run "$old" skew_used
judge 'old host, next plugin whose kernel uses the new member: that kernel is skipped, the other serves' 0 \
    'skipped skew_relu of skew_used: it uses ABI fields this host does not know' 'asked cpu_blas for relu' \
    'in use: skew_used with 2 kernels' 'asked skew_used for leaky_relu (skew_leaky_relu): yes' 'leaky_relu: right' 'sign: right'
run "$next" skew_new
judge 'next host, next plugin' 0 "$(yes skew_new)" 'relu: right' 'leaky_relu with the new attribute: known' 'sign: right' \
    'sign with the new attribute: known'
run "$next" skew_used
judge 'next host, next plugin whose kernel uses the new member' 0 "$(yes skew_used)" 'in use: skew_used with 3 kernels' \
    'leaky_relu with the new attribute: known'
run "$next" skew_old
judge 'next host, old plugin; the new attributes are not offered to it' 4 "$(yes skew_old)" 'relu: right' 'leaky_relu: right' \
    'asked skew_old for sign (skew_sign): yes' 'sign: right' \
    'asked skew_old for sign (skew_sign): the call uses attributes that this kernel does not know' \
    'asked cpu_blas for sign' \
    'asked skew_old for leaky_relu (skew_leaky_relu): the call uses attributes that this kernel does not know' \
    'asked cpu_blas for leaky_relu'

# ---- a plugin that shuts older hosts out ----
run "$old" skew_needs
judge 'old host, a plugin that needs the next' 4 'the plugin needs a libdnn with ABI 1.1; this is libdnn' 'with ABI 1.0'
run "$next" skew_needs
judge 'next host, a plugin that needs it' 0 "$(yes skew_needs)"
# The next header without a target: the plugin is one of v1.0.
run "$old" skew_target0
judge 'old host, next header, target 0' 0 "$(yes skew_target0)"
run "$next" skew_target0
judge 'next host, next header, target 0' 4 "$(yes skew_target0)" 'does not know'

# ---- readers ----
read_with() { # host, reader
    printf '%s\n' "$2" >"$scratch/$2.set"
    run "$1" cpu_blas "$scratch/$2.set"
}
for reader in r_old r_new r_target0; do
    for host in "$old" "$next"; do
        read_with "$host" $reader
        judge "$(basename "$host"), reader $reader" 0 'read: right'
    done
done
read_with "$next" r_used
judge 'next host, reader that uses the new member' 0 'read: right'
read_with "$old" r_used
judge 'old host, reader that uses the new member' 1 "dnn_r_used.so: the reader's table uses ABI fields this host does not know" 'no reader takes it'
read_with "$next" r_needs
judge 'next host, reader that needs it' 0 'read: right'
read_with "$old" r_needs
judge 'old host, reader that needs the next' 1 'dnn_r_needs.so: the reader needs a libdnn with reader ABI 1.1' 'with 1.0'
read_with "$next" r_field
judge 'next host, reader that describes a field with the new member' 0 'read: right'
read_with "$old" r_field
judge 'old host, reader that describes a field with the new member' 1 'describes field 0 with ABI fields that this host does not know'
read_with "$old" r_long
judge 'old host, field longer by zeros' 0 'read: right'
for host in "$old" "$next"; do
    read_with "$host" r_short
    judge "$(basename "$host"), field that is too short" 1 'describes field 0 with 88 bytes'
    read_with "$host" r_flag
    judge "$(basename "$host"), reader flag that must be understood" 1 'the reader has flags (0x4) that libdnn'
    read_with "$host" r_hint
    judge "$(basename "$host"), reader flag that is a hint" 0 'read: right'
done

# ---- the kept binary ----
if [ "$(uname -s) $(uname -m)" = 'Linux x86_64' ]; then
    mkdir -p "$scratch/kept"
    cp "$golden/acme-v1.0/dnn_acme.so" "$scratch/kept/dnn_acme.so"
    chmod 755 "$scratch/kept" "$scratch/kept/dnn_acme.so"
    skew=$scratch/kept
    for host in "$old" "$next"; do
        run "$host" acme
        [ "$host" = "$next" ] && want=4 || want=0 # nobody there knows the new attribute of leaky_relu
        judge "$(basename "$host"), acme of v1.0 as it was built then" $want 'asked acme for relu (acme_relu): yes' 'relu: right'
    done
else
    echo "skipped: the kept binary of acme is for Linux on x86_64, this is $(uname -s) on $(uname -m)"
fi
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
