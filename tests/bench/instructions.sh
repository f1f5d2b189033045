#!/usr/bin/env bash
# Counts the instructions of the tokenization pipeline for a byte of text, which no noise of the machine hides: those of
# two passes over the sample data less those of one, so that neither loading nor a first pass is in it.
#
#     tests/bench/instructions.sh [TOKENIZER]     # gpt2 unless told; needs valgrind
set -euo pipefail
cd "$(dirname "$0")/../.."

tokenizer=${1:-gpt2}
hub=.tools/data/hub
corpus=$hub/datasets/tokenmill/english-docs/data/train-00000-of-00004.parquet
if ! command -v valgrind >/dev/null; then
    echo "valgrind is not installed: apt-get install valgrind" >&2
    exit 1
fi
cargo build --release --locked --workspace --bins --examples
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

count() {
    valgrind --tool=callgrind --callgrind-out-file="$scratch/out" target/release/examples/pipeline whole \
        "$hub/models/tokenmill/$tokenizer/tokenizer.json" 1 "$1" "$corpus" >"$scratch/said" 2>"$scratch/log" \
        || { cat "$scratch/log" >&2; exit 1; }
    awk '/^summary:/ { print $2 }' "$scratch/out"
}

one=$(count 1)
two=$(count 2)
cat "$scratch/said"
echo "$tokenizer: $((two - one)) instructions for a pass over $corpus"
