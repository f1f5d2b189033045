#!/usr/bin/env bash
# Builds for release and measures, each figure beside its peer in the same run. Options go to every benchmark.
set -euo pipefail
cd "$(dirname "$0")/../.."

cargo build --release --locked --workspace --bins
.tools/venv/bin/python tests/bench/tokenize_end_to_end.py "$@"
exec .tools/venv/bin/python tests/bench/serving.py "$@"
