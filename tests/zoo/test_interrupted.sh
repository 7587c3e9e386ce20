#!/bin/sh
# usage: test_interrupted.sh BIN SCRATCH - interrupts training programs and resumes them: Ctrl-C once and twice, SIGTERM, SIGKILL, damaged
# checkpoints, other options. A resumed run writes the same bytes as an uninterrupted one. Exits with 77 (skip) without Debian's Fashion-MNIST.
set -u
name=interrupted
# shellcheck source=tests/zoo/begin.sh
. "$(dirname "$0")/begin.sh"

check() { # TEXT CONDITION...
    what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $what"
        [ -s err ] && sed 's/^/    /' err
    fi
}

# run CODE TEXT COMMAND...: the exit code, and a text that stdout or stderr must have.
run() {
    want=$1 text=$2
    shift 2
    "$@" >out 2>err
    code=$?
    check "$* (exit $code, not $want, or does not say \"$text\")" said "$code" "$want" "$text"
}
said() { [ "$1" -eq "$2" ] && grep -qF -- "$3" out err; }
count() { find "$1" -name "$2" 2>/dev/null | wc -l; }
newest() { find "$1" -name 'ckpt-*.safetensors' | sort | tail -n 1; }

lenet="$bin/mnist_lenet"
options='--dataset fashion-mnist --epochs 2 --limit-batches 100 --seed 4 --threads 1 --save-every 7'

# begin FOLDER: starts a run in the background and waits for its first checkpoint.
begin() {
    # shellcheck disable=SC2086 # words on purpose
    "$lenet" $options --log-dir "$1" >out 2>err &
    pid=$!
    tries=0
    while [ "$(count "$1" 'ckpt-*')" -eq 0 ] && [ $tries -lt 1000 ]; do
        sleep 0.02
        tries=$((tries + 1))
    done
}
ended() { wait "$pid"; code=$?; }

same_end() { # FOLDER: checks its last checkpoint, best weights and metrics against the uninterrupted run's
    last=ckpt-00000200.safetensors
    check "$1: the last checkpoint has the unbroken run's bytes" cmp -s "unbroken/$last" "$1/$last"
    check "$1: the best weights too" cmp -s unbroken/best.safetensors "$1/best.safetensors"
    cut -d, -f1-7 unbroken/metrics.csv >a.csv
    cut -d, -f1-7 "$1/metrics.csv" >b.csv
    check "$1: metrics.csv has each epoch once" cmp -s a.csv b.csv
    epochs=$(grep -o '"event":"epoch","t":[0-9.]*,"epoch":[0-9]*' "$1/metrics.jsonl" | sed 's/.*://' | tr '\n' ' ')
    check "$1: metrics.jsonl has each epoch once: $epochs" [ "$epochs" = '1 2 ' ]
    check "$1: two checkpoints are kept" [ "$(count "$1" 'ckpt-*')" -eq 2 ]
    check "$1: no temporary is left" [ "$(count "$1" '.*.tmp-*')" -eq 0 ]
}

# shellcheck disable=SC2086
run 0 'test accuracy' "$lenet" $options --log-dir unbroken
cp out unbroken.out
check 'the newest two are kept' [ "$(count unbroken 'ckpt-*')" -eq 2 ]
check 'checkpoints are events' grep -q '"event":"checkpoint".*"path":"unbroken/ckpt-00000200.safetensors","step":200,"best":false' \
    unbroken/metrics.jsonl
check 'the best one too' grep -q '"path":"unbroken/best.safetensors".*"best":true' unbroken/metrics.jsonl

# ---- signals ----
begin int
kill -INT $pid
ended
check "Ctrl-C: exit $code, not 130" [ "$code" -eq 130 ]
check 'Ctrl-C: what was saved is said' grep -q 'stopped by a signal; step [0-9]* is saved' err
check 'Ctrl-C: end event' grep -q '"status":"interrupted","exit":130' int/metrics.jsonl
check 'Ctrl-C: the checkpoint of the step that ended' grep -q "step $(basename "$(newest int)" .safetensors | sed 's/ckpt-0*//') is saved" err
command=$(tail -n 1 err)
check "Ctrl-C: the command that resumes: $command" [ "$command" = "  $lenet --resume --dataset fashion-mnist --threads 1 --log-dir int --save-every 7" ] 
run 0 'resuming after step' sh -c "$command"
check 'the result is the same' cmp -s out unbroken.out
same_end int

begin term
kill -TERM $pid
ended
check "SIGTERM: exit $code, not 143" [ "$code" -eq 143 ]
check 'SIGTERM: end event' grep -q '"status":"interrupted","exit":143' term/metrics.jsonl
run 0 'resuming after step' "$lenet" --resume --log-dir term
same_end term

# Both signals arrive while the process is stopped, so it sees the second right after the first: it exits at once and prints nothing.
begin twice
kill -STOP $pid
kill -INT $pid
kill -TERM $pid
kill -CONT $pid
ended
check "Ctrl-C twice: exit $code, not 130 or 143" [ "$code" -eq 130 ] || [ "$code" -eq 143 ]
check 'Ctrl-C twice: nothing more is said' [ "$(grep -c 'stopped by a signal' err)" -eq 0 ]
run 0 'test accuracy' "$lenet" --resume --log-dir twice
same_end twice

for i in 1 3; do
    begin killed
    sleep 0.$i
    kill -KILL $pid 2>/dev/null
    ended
    printf '{"event":"torn' >>killed/metrics.jsonl
    run 0 'test accuracy' "$lenet" --resume --log-dir killed --save-every 7
    same_end killed
    rm -rf killed
done

rm -f err # of the run before
# shellcheck disable=SC2086
"$lenet" ${options% --save-every 7} >out 2>err &
pid=$!
while ! grep -qs parameters err; do sleep 0.02; done
kill -INT $pid
ended
check "without --log-dir: exit $code, not 130" [ "$code" -eq 130 ]
check 'without --log-dir: nothing was saved, and that is said' grep -q 'nothing was saved (--log-dir DIR saves checkpoints)' err

# ---- what a resumed run takes from the checkpoint ----
run 0 'all 2 epochs of the run are done' "$lenet" --resume --log-dir unbroken
check 'a run at its end shows its result again' cmp -s out unbroken.out
cp -r unbroken damaged
truncate -s 1000 damaged/ckpt-00000200.safetensors
run 0 'skipped: damaged/ckpt-00000200.safetensors: ' "$lenet" --resume --log-dir damaged --json
check 'JSON: a skipped checkpoint is a warning' grep -q '"event":"warning".*skipped: damaged' out
check 'JSON: the start names the checkpoint' grep -q '"event":"start".*"resumed_from":"damaged/ckpt-00000196.safetensors"' out
same_end damaged
run 0 'test accuracy' "$lenet" --resume=unbroken/ckpt-00000196.safetensors --log-dir elsewhere
check 'from a file into another folder: the same bytes' cmp -s unbroken/ckpt-00000200.safetensors elsewhere/ckpt-00000200.safetensors
cksum unbroken/* >before
run 2 'holds a later checkpoint' "$lenet" --resume=unbroken/ckpt-00000196.safetensors --log-dir unbroken
# shellcheck disable=SC2086
run 2 'unbroken holds an earlier run' "$lenet" $options --log-dir unbroken
run 2 '--batch-size is 64 in the checkpoint, 32 here' "$lenet" --resume --log-dir unbroken --batch-size 32
run 2 '--seed is 4 in the checkpoint, 5 here' "$lenet" --resume --log-dir unbroken --seed 5
run 2 'is a checkpoint of mnist_lenet, not of mnist_mlp' "$bin/mnist_mlp" --resume=unbroken/ckpt-00000200.safetensors
run 2 'holds a run of mnist_lenet' "$bin/mnist_mlp" --resume --log-dir unbroken
run 3 'no checkpoint (ckpt-*.safetensors) is there' "$lenet" --resume --log-dir empty
run 3 'No such file' "$lenet" --resume=nothing.safetensors
run 3 'this is a gzip file, not a safetensors file' "$lenet" --resume="$data/t10k-labels-idx1-ubyte.gz"
run 2 '--log-dir DIR' "$lenet" --resume
run 2 '--log-dir DIR' "$lenet" --save-every 3
run 2 '--init' "$lenet" --resume --log-dir unbroken --init unbroken/best.safetensors
run 2 '--resume' "$lenet" --resume-anyway
cksum unbroken/* >after
check 'what could not begin left the folder as it was' cmp -s before after
run 0 'test accuracy' "$lenet" --eval --init unbroken/best.safetensors --dataset fashion-mnist --limit-batches 100

cp -r unbroken other
run 0 '--batch-size is 64 in the checkpoint, 32 from here on' "$lenet" --resume --resume-anyway --log-dir other --batch-size 32 \
    --epochs 3 --lr 0.02
check 'other options are told' grep -q -- '--lr is 0.01 in the checkpoint, 0.02 from here on' err
check 'other options are told' grep -q -- '--epochs is 2 in the checkpoint, 3 from here on' err
check 'and count from there' [ "$(tail -n 1 other/metrics.csv | cut -d, -f1,2,7)" = '3,300,0.02' ]

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
