#!/usr/bin/env bash
# Measures how long an event takes from the database to 2,000 open WebSockets, and what they cost; see measure.py.
#
#   tests/bench/feeds/run.sh [--sockets 2000] [--stalled 200] [--datasets 20] [--seconds 60] [--binary target/debug/tokenmill]
set -euo pipefail
cd "$(dirname "$0")/../../.."
# Two ends of each socket are in two processes, beside their files.
ulimit -n "$(ulimit -Hn)"
exec tests/tools/with_postgres.sh .tools/venv/bin/python tests/bench/feeds/measure.py "$@"
