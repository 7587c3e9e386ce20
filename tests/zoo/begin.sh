# begin.sh - sourced by the shell tests of the programs, which set name and got BIN and SCRATCH as arguments. Makes the empty folder
# SCRATCH/name and goes there. 77 (skip) where Debian's Fashion-MNIST is not installed.
bin=$1
scratch=$2/$name
data=/usr/share/datasets/fashion-mnist
passed=0
failed=0
[ -d "$data" ] || { echo "skipped: $data is not here (apt install dataset-fashion-mnist)"; exit 77; }
rm -rf "$scratch"
mkdir -p "$scratch"
cd "$scratch" || exit 1
unset DNN_DATA_DIR DNN_BACKEND
