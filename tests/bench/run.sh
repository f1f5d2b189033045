#!/usr/bin/env bash
# Builds for release and measures, each figure beside its peer in the same run.
set -euo pipefail
cd "$(dirname "$0")/../.."

# 200 MB of text need Debian's documentation packages; elsewhere ask for less.
.tools/venv/bin/python tests/tools/sample_data.py --megabytes "${BENCH_MEGABYTES:-200}" --out .tools/bench
cargo build --release --locked --workspace --bins --examples
cargo build --release --locked --manifest-path tests/bench/peers/Cargo.toml --target-dir target/peers
.tools/venv/bin/python tests/bench/tokenization.py
hub=.tools/bench/hub
target/release/examples/pipeline stages $hub/models/tokenmill/llama3/tokenizer.json 2 5 \
    $hub/datasets/tokenmill/english-docs/data/train-*.parquet
.tools/venv/bin/python tests/bench/ingest.py
exec .tools/venv/bin/python tests/bench/serving.py
