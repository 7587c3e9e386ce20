#!/bin/sh
# usage: test_ops.sh DNN PLUGINS ACME - what dnn ops prints: the list, one operator in full, and words that name nothing.
set -u
dnn=$1 acme=$3
export DNN_PLUGIN_PATH="$2" DNN_BACKEND=cpu_blas
unset DNN_PREFER DNN_PLUGINS
passed=0
failed=0
# The output of one call, blanks squeezed.
run() { # code, words of the command
    want=$1
    shift
    words=$*
    said=$("$dnn" "$@" 2>&1)
    got=$?
    said=$(printf '%s\n' "$said" | tr -s ' ')
    if [ $got -eq "$want" ]; then passed=$((passed + 1)); else fail "exit $got, not $want"; fi
}
fail() {
    failed=$((failed + 1))
    printf 'FAILED dnn %s: %s:\n%s\n' "$words" "$1" "$said"
}
has() { # texts that the output has, one after the other
    for text in "$@"; do
        case $said in *"$text"*) passed=$((passed + 1)) ;; *) fail "it does not say \"$text\"" ;; esac
    done
}
lacks() {
    case $said in *"$1"*) fail "it says \"$1\"" ;; *) passed=$((passed + 1)) ;; esac
}

run 0 ops
has 'operator served by, on the default device' 'add cpu_blas: f32 f64 i8 u8 i32 i64 bool' 'view a view: no kernel needed'
run 0 ops pool
has 'max_pool2d cpu_blas: f32 f64' 'adaptive_avg_pool2d_bwd cpu_blas: f32 f64'
lacks conv2d

run 0 ops conv2d
has 'conv2d: cross-correlation of x [N,C,H,W] and w' 'inputs x f32 f64 f16 bf16' ' bias f32 f64 f16 bf16, optional' \
    'input dtypes equal' 'results output 0' 'attributes stride_h i32 default 1' ' groups i32 default 1' \
    'gradient yes, by conv2d_bwd_input and conv2d_bwd_weight' 'decomposition none' 'kernels on cpu' \
    ' f32 f64
 1. cpu_blas conv2d_im2col priority 100, UNALIGNED REENTRANT DETERMINISTIC
 f16 bf16
 none'
lacks adaptive
run 0 ops softsign
has 'softsign: x / (1 + |x|)' 'attributes none' 'gradient yes, written in other operators' 'decomposition yes'
run 0 ops nll_loss
has ' logp f32 f64 f16 bf16' ' target dtype: see dnn_ops.h' ' ignore_index i64 default -100' 'gradient yes, by nll_loss_bwd'
run 0 ops max_dim
has 'results y' ' indices'
run 0 ops sgd_step
has ' lr dtype: see' ' repeats' 'results p, repeats' 'gradient none'
run 0 ops uniform
has 'inputs none; the result is f32 f64 f16 bf16'
run 0 ops slice
has 'a view: no kernel needed'

# The order of candidates: the backends' order, then a pin.
DNN_PLUGINS=$acme DNN_BACKEND=acme,cpu_blas run 0 ops relu
has ' 1. acme acme_relu' ' 2. cpu_blas relu_plain'
DNN_PLUGINS=$acme DNN_BACKEND=acme,cpu_blas DNN_PREFER=relu=cpu_blas run 0 ops relu
has ' 1. cpu_blas relu_plain priority 100, pinned,' ' 2. acme acme_relu' 'prefer relu=cpu_blas'

run 2 ops convv2d
has 'dnn ops: no operator is called convv2d. Near it: conv2d'
run 2 ops zzzzzz
has 'dnn ops: no operator is called zzzzzz. "dnn ops" lists them'
run 2 ops relu tanh
has 'it takes one word'
run 0 ops --help
has 'usage: dnn ops [NAME | PATTERN]' 'dnn ops conv2d'
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
