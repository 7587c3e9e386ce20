#!/bin/sh
# usage: test_words.sh BIN - the words of every command and program: --help everywhere, a wrong option ends with 2 and names the nearest, and
# an error prints its sentence alone.
set -u
bin=$1
passed=0
failed=0
unset DNN_PLUGINS DNN_BACKEND
run() { # CODE, TEXT, command...: stdout is in out, stderr in err
    want=$1 text=$2
    shift 2
    out=$("$@" 2>"$err")
    code=$?
    said=$(printf '%s\n' "$out"; cat "$err")
    case $code$said in
    "$want"*"$text"*) passed=$((passed + 1)) ;;
    *)
        failed=$((failed + 1))
        printf 'FAILED %s: exit %s, not %s, or it does not say "%s":\n%s\n' "$*" "$code" "$want" "$text" "$said"
        ;;
    esac
}
alone() { # the error of the last command is one line of stderr, and stdout is empty
    if [ -z "$out" ] && [ "$(wc -l <"$err")" -eq 1 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED %s: more than the error is printed:\n%s\n' "$1" "$out"
    fi
}
err=$(mktemp)
trap 'rm -f "$err"' EXIT

for command in info backends ops explain conform; do
    run 0 "usage: dnn $command" "$bin/dnn" "$command" --help
    run 0 "usage: dnn $command" "$bin/dnn" "$command" -h
    run 2 "dnn $command: there is no option --hlp; the nearest is --help" "$bin/dnn" "$command" --hlp
    alone "dnn $command --hlp"
    run 2 'there is no option --frob' "$bin/dnn" "$command" relu --frob
    alone "dnn $command relu --frob"
    run 2 'there is no option -x' "$bin/dnn" "$command" -x
done
run 0 'usage: dnn explain' "$bin/dnn" explain relu 3 --help
run 2 'there is no option --grd; the nearest is --grad' "$bin/dnn" explain relu 3 --grd
run 2 'there is no option --dtyp=f64; the nearest is --dtype' "$bin/dnn" explain --dtyp=f64 relu 3
run 2 'there is no option --mod; the nearest is --mode' "$bin/dnn" conform file --mod test
run 2 'there is no command opps; the nearest is ops' "$bin/dnn" opps
run 2 'there is no option --frob' "$bin/dnn" --frob
run 0 'usage: dnn COMMAND' "$bin/dnn" --help
run 2 'name an operator' "$bin/dnn" explain --grad
run 0 'relu_plain' "$bin/dnn" explain --grad relu 3

# The head of a table is printed with its first row.
run 1 'add: shapes [3] and [4] do not broadcast' "$bin/dnn" explain add 3 4
alone 'explain add 3 4'
run 1 'no operator is called nosuch' "$bin/dnn" explain nosuch 3
alone 'explain nosuch 3'
run 1 'relu has no attribute pad' "$bin/dnn" explain relu 3 pad=1
alone 'explain relu 3 pad=1'
run 2 'no operator is called nosuch' "$bin/dnn" ops nosuch
alone 'ops nosuch'
DNN_BACKEND=nosuch run 4 nosuch "$bin/dnn" explain relu 3
alone 'explain without a backend'
DNN_BACKEND=nosuch run 4 nosuch "$bin/dnn" ops
alone 'ops without a backend'
DNN_BACKEND=nosuch run 4 nosuch "$bin/dnn" info
alone 'info without a backend'

# The error of a call that no kernel accepts says who is there for which dtypes, and who is disabled; an operator is named once.
lacks() {
    case $said in *"$1"*) failed=$((failed + 1)); printf 'FAILED: it says "%s":\n%s\n' "$1" "$said" ;; *) passed=$((passed + 1)) ;; esac
}
run 1 'add: no kernel takes f16 on cpu; cpu_blas takes f32 f64 i8 u8 i32 i64 bool: cast the operands' "$bin/dnn" explain add 3:f16 3:f16
lacks 'Looked for'
run 1 'sigmoid: no kernel takes f16 on cpu; cpu_blas takes f32 f64' "$bin/dnn" explain silu 3:f16
lacks 'Looked for'
export DNN_DISABLE=cpu_blas
run 1 'DNN_DISABLE drops cpu_blas' "$bin/dnn" explain relu 3
lacks 'Looked for'
export DNN_DISABLE=acme,cpu_blas:relu,cpu_blas:add
run 1 'DNN_DISABLE drops acme, cpu_blas:relu' "$bin/dnn" explain relu 3
lacks 'cpu_blas:add'
unset DNN_DISABLE
run 1 'floor_divide: b is 0 at element 0' "$bin/dnn" explain floor_divide 3:i32 3:i32
lacks 'floor_divide: floor_divide'

for program in mnist_mlp mnist_lenet cifar_lenet conformance bench_dispatch bench_zoo; do
    [ -x "$bin/$program" ] || continue
    run 0 'usage: ' "$bin/$program" --help
    run 2 '' "$bin/$program" --frob
done
run 2 'there is no option --mod; the nearest is --mode' "$bin/conformance" --mod value
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
