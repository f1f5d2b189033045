#!/usr/bin/env bash
# Builds Tokenmill and runs the main job end to end on private ports; leaves nothing running.
set -euo pipefail
cd "$(dirname "$0")/../.."

started=$SECONDS
cargo build --workspace --bins --locked
printf 'built in %s s\n' "$((SECONDS - started))"
exec .tools/venv/bin/python tests/demo/demo.py "$@"
