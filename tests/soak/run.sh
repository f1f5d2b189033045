#!/usr/bin/env bash
# Runs the scenarios and faults of tests/e2e over and over, 20 times or as often as the first argument says.
# What goes wrong once in a hundred runs is a bug like any other: the first failure ends it, with its log.
set -euo pipefail
cd "$(dirname "$0")/../.."
unset DATABASE_URL NATS_URL

runs=${1:-20}
cargo build --workspace --bins --locked
for run in $(seq "$runs"); do
    started=$SECONDS
    if cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run --workspace --locked --status-level fail -E 'package(e2e)'
    else
        cargo test --workspace --locked --quiet --test e2e --test processes
    fi
    printf 'soak: run %s of %s passed in %s s\n' "$run" "$runs" "$((SECONDS - started))"
done
