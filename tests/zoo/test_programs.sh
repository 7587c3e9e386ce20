#!/bin/sh
# usage: test_programs.sh BIN SCRATCH - the training programs as a person or a script meets them: results, exit codes, messages, JSON, the
# folder of a run. 77 (skip) where Debian's Fashion-MNIST is not installed.
set -u
name=programs
# shellcheck source=tests/zoo/begin.sh
. "$(dirname "$0")/begin.sh"

# run CODE TEXT COMMAND...: the exit code, and a text that stdout or stderr must have.
run() {
    want=$1 text=$2
    shift 2
    "$@" >out 2>err
    code=$?
    if [ "$code" -eq "$want" ] && grep -qF -- "$text" out err; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s\n  exit %s, not %s, or does not say "%s"\n' "$*" "$code" "$want" "$text"
        cat out err
    fi
}

check() { # TEXT CONDITION...
    what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $what"
    fi
}

# Without strings and what stands innermost in brackets, over and over, nothing of an object is left.
balanced() {
    [ "$(sed -e 's/\\.//g' -e 's/"[^"]*"//g' -e ':again' -e 's/{[^][{}]*}//; s/\[[^][{}]*\]//; t again' "$1" | tr -d '\n')" = '' ]
}

short='--epochs 1 --limit-batches 20 --threads 2'
options='--data --dataset --epochs --batch-size --lr --seed --backend --threads --workers --limit-batches --log-dir --save-every
    --resume --resume-anyway --init --eval --anomaly --json --quiet -q --help'
for program in mnist_mlp mnist_lenet; do
    # shellcheck disable=SC2086 # words on purpose
    run 0 'test accuracy' "$bin/$program" $short
    check "$program: only the result is on stdout" [ "$(wc -l <out)" -eq 1 ]
    check "$program: the result has a loss" grep -qE '^test accuracy [0-9.]+, loss [0-9.]+$' out
    check "$program: a line for the epoch" grep -qE '^epoch 1/1 +loss [0-9.]+ ' err
    check "$program: says which data it uses" grep -q 'using fashion-mnist' err
    for option in $options; do
        run 0 "$option" "$bin/$program" --help
    done
    check "$program: --help is no error" [ ! -s err ]
    run 2 'there is no option --epoks; the nearest is --epochs' "$bin/$program" --epoks 3
    run 2 'there is no option --epoks=3; the nearest is --epochs' "$bin/$program" --epoks=3
    run 2 'there is no option -x' "$bin/$program" -qx
    run 2 '--epochs needs a value' "$bin/$program" --epochs
    run 2 '--quiet takes no value' "$bin/$program" --quiet=3
    check "$program: a wrong option is one sentence" [ "$(wc -l <err)" -eq 1 ]
    run 2 'whole number' "$bin/$program" --epochs many
    run 2 'whole number' "$bin/$program" --epochs x
    run 2 'whole number from 1' "$bin/$program" --batch-size 0
    run 2 'not a number >= 0' "$bin/$program" --lr nan
    run 2 'whole number from 0' "$bin/$program" --seed -1
    run 2 '9223372036854775807' "$bin/$program" --seed 9223372036854775808
    check "$program: bad usage leaves stdout empty" [ ! -s out ]
    run 2 'unexpected word' "$bin/$program" word
    run 2 '--init FILE' "$bin/$program" --eval
    run 4 'nosuch' env DNN_BACKEND=nosuch "$bin/$program"
    check "$program: one sentence about the backend" [ "$(wc -l <err)" -eq 1 ]
    check "$program: which names those that are here" grep -q 'Installed: .*cpu_blas' err
    run 4 'nosuch' "$bin/$program" --backend nosuch
    run 3 'is not here' "$bin/$program" --data /nonexistent
    run 3 'train-images-idx3-ubyte' "$bin/$program" --data /nonexistent
    run 3 'holds fashion-mnist' "$bin/$program" --dataset mnist --data "$data"
    run 3 'nothing.safetensors' "$bin/$program" --init nothing.safetensors
done
run 3 'CIFAR-10 is not here' env HOME="$scratch" "$bin/cifar_lenet"
check 'no data: stdout is empty' [ ! -s out ]
run 3 'is not here' "$bin/mnist_lenet" --data /nonexistent --json
check 'no data: an error event' grep -q '^{"event":"error",.*"code":"data","message":"MNIST is not here' out
check 'no data: the end event has the exit code' grep -q '^{"event":"end",.*"exit":3' out
run 0 '--limit-batches N' "$bin/cifar_lenet" --help
run 3 'CIFAR-100 is not here' env HOME="$scratch" "$bin/cifar_lenet" --dataset cifar100
run 3 'cifar-100-binary.tar.gz or cifar-100-binary.tar or train.bin' "$bin/cifar_lenet" --dataset cifar100 --data /nonexistent
run 2 'there are mnist, fashion-mnist, cifar10, cifar100' "$bin/cifar_lenet" --dataset cifar1000
run 2 '--dataset "": a name is empty; there are mnist' "$bin/cifar_lenet" --dataset ''
run 2 '--dataset "mnist,,cifar10": a name is empty' "$bin/cifar_lenet" --dataset mnist,,cifar10
run 2 'mnist,mnist,mnist,mnist,mnist: more than 4 names' "$bin/mnist_mlp" --dataset mnist,mnist,mnist,mnist,mnist
run 3 'https://ossci-datasets.s3.amazonaws.com/mnist/' "$bin/mnist_mlp" --data /nonexistent
run 3 'apt install dataset-fashion-mnist' "$bin/mnist_mlp" --dataset fashion-mnist --data /nonexistent
run 3 'https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz' "$bin/cifar_lenet" --dataset cifar100 --data /nonexistent
mkdir python
: >python/cifar-10-python.tar.gz
run 3 'cifar-10-python.tar.gz is the Python version; the binary version is needed: cifar-10-binary.tar.gz' "$bin/cifar_lenet" --data python
: >file
run 1 '--log-dir file: Not a directory' "$bin/mnist_mlp" --log-dir file --data /nonexistent
run 1 '--log-dir file/run: Not a directory' "$bin/mnist_mlp" --log-dir file/run --data /nonexistent

# Sparse files of the published sizes, both sets in one folder: zeros are images of the first class.
mkdir cifar
for file in data_batch_1 data_batch_2 data_batch_3 data_batch_4 data_batch_5 test_batch; do
    truncate -s 30730000 "cifar/$file.bin"
done
truncate -s 153700000 cifar/train.bin
truncate -s 30740000 cifar/test.bin
for set in cifar10:62006 cifar100:69656; do
    run 0 "\"data\":{\"name\":\"${set%:*}\"" "$bin/cifar_lenet" --dataset "${set%:*}" --data cifar --epochs 1 --limit-batches 20 --json
    check "$set: a network for its classes" grep -q "\"parameters\":${set#*:}" out
done
mkdir -p other/cifar-10-batches-bin other/MNIST other/FashionMNIST
cp cifar/*_batch*.bin other/cifar-10-batches-bin
run 0 '"name":"cifar10"' env DNN_DATA_DIR="$scratch/other" "$bin/cifar_lenet" --epochs 1 --limit-batches 2 --json
ln -s "$data" other/FashionMNIST/raw
run 0 '"path":"'"$scratch/other/FashionMNIST/raw" env DNN_DATA_DIR="$scratch/other" "$bin/mnist_lenet" --epochs 1 --limit-batches 2 --json
ln -s "$data" other/MNIST/raw
run 3 'MNIST/raw holds fashion-mnist by its contents, not mnist' env DNN_DATA_DIR="$scratch/other" "$bin/mnist_lenet"
rm -r other
truncate -s 30740001 cifar/test.bin
run 3 'test.bin: 30,740,001 bytes, expected 30,740,000' "$bin/cifar_lenet" --dataset cifar100 --data cifar
rm -r cifar

# The same seed gives the same result, another one another.
# shellcheck disable=SC2086
{
    "$bin/mnist_lenet" $short -q --seed 1 >a 2>a.err
    "$bin/mnist_lenet" $short -q --seed 1 --workers 3 >b 2>b.err
    "$bin/mnist_lenet" $short -q --seed 2 >c 2>c.err
    "$bin/mnist_lenet" $short -q --seed 1 --threads 1 >d 2>d.err
}
check 'one seed, one result' cmp -s a b
check 'one seed, one result, for any number of threads' cmp -s a d
check 'another seed, another result' [ "$(cmp -s a c && echo same)" != same ]
check '-q says the result only' [ ! -s a.err ]
check '-q says the result' [ "$(grep -c '^test accuracy ' a)" -eq 1 ]
check '-q says one line' [ "$(wc -l <a)" -eq 1 ]

# JSON: one object per line, nothing else on stdout, in order.
# shellcheck disable=SC2086
run 0 '"event":"end"' "$bin/mnist_lenet" $short --json
check 'brackets and quotes of every line match' balanced out
check 'every line is an object with an event' [ "$(grep -c '^{"event":.*}$' out)" -eq "$(wc -l <out)" ]
check 'events in order' [ "$(sed 's/^{"event":"\([a-z]*\)".*/\1/' out | tr '\n' ' ')" = 'start epoch eval end ' ]
check 'nothing is left alive' grep -q '"live_tensors":0' out

# The folder of a run.
# shellcheck disable=SC2086
run 0 'best.safetensors' "$bin/mnist_lenet" $short --log-dir runs/one
for file in config.json metrics.csv metrics.jsonl best.safetensors; do
    check "runs/one/$file is there" [ -s "runs/one/$file" ]
done
check 'metrics.csv has a row for the epoch' [ "$(wc -l <runs/one/metrics.csv)" -eq 2 ]
check 'config.json names the program' grep -q '"program": "mnist_lenet"' runs/one/config.json
check 'metrics.jsonl is JSON' balanced runs/one/metrics.jsonl
check 'metrics.jsonl has the events' [ "$(sed 's/^{"event":"\([a-z]*\)".*/\1/' runs/one/metrics.jsonl | tr '\n' ' ')" = \
    'start epoch checkpoint checkpoint eval end ' ]
cp out first
run 0 'test accuracy' "$bin/mnist_lenet" --eval --init runs/one/best.safetensors --limit-batches 20
check 'the saved weights give the same result' cmp -s out first
cksum runs/one/* >before
# shellcheck disable=SC2086
run 2 'holds a run of mnist_lenet' "$bin/mnist_mlp" $short --log-dir runs/one
run 3 'is not here' "$bin/mnist_lenet" --data /nonexistent --log-dir runs/one
run 3 'nothing.safetensors' "$bin/mnist_lenet" --init nothing.safetensors --log-dir runs/one
run 2 '--log-dir' "$bin/mnist_lenet" --eval --init runs/one/best.safetensors --log-dir runs/one
cksum runs/one/* >after
check 'a run that cannot begin leaves the folder as it was' cmp -s before after
# shellcheck disable=SC2086
run 3 'does not fit the module' "$bin/mnist_mlp" $short --init runs/one/best.safetensors
run 5 'diverged' "$bin/mnist_lenet" --epochs 1 --lr 1e30 --limit-batches 20
run 1 'conv2d: anomaly: output 0' "$bin/mnist_lenet" --epochs 1 --lr 1e30 --limit-batches 20 --anomaly

# A NaN has no sign, and the times of events have three decimals at most.
check 'a diverged run prints no -nan' [ "$(cat out err | grep -c -e '-nan')" -eq 0 ]
check 'no number of config.json has digits that say nothing' [ "$(grep -cE '[0-9]\.[0-9]{16}' runs/one/config.json)" -eq 0 ]
check 'no event has a time of many decimals' [ "$(grep -cE '"(t|seconds|eta_seconds)":[0-9]+\.[0-9]{4}' runs/one/metrics.jsonl)" -eq 0 ]

# Escape sequences go to terminals that have them, never to a dumb one, a pipe or a file.
on_terminal() { # TERM COLUMNS ARGUMENT...: what it writes to a terminal
    term=$1 width=$2
    shift 2
    TERM=$term script -qec "stty cols $width; exec $*" /dev/null >tty 2>&1 </dev/null
}
escape=$(printf '\033')
if command -v script >/dev/null; then
    on_terminal xterm 80 "$bin/mnist_lenet" $short
    check 'a terminal gets the progress line' grep -q "$escape.*ETA" tty
    on_terminal dumb 80 "$bin/mnist_lenet" $short
    check 'a dumb terminal gets no escape sequence' [ "$(grep -c "$escape" tty)" -eq 0 ]
    check 'a dumb terminal gets the lines' grep -q '^epoch 1/1 ' tty
fi

# A result that is lost is no success.
for form in --quiet --json; do
    # shellcheck disable=SC2086
    "$bin/mnist_mlp" $short $form >/dev/full 2>err
    code=$?
    check "$form: a full stdout is exit code 1" [ "$code" -eq 1 ]
    check "$form: a full stdout is said" grep -q 'could not be written to stdout' err
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
