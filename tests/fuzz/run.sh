#!/usr/bin/env bash
# Fuzzes the targets, each for so many seconds, two at a time: tests/fuzz/run.sh SECONDS [TARGET…]
#
# It begins the same way each time, so that the same code is judged alike; FUZZ_SEED=0 draws another way by chance.
# What was found goes into target/fuzz/corpus and is where the next run starts; the seeds stay as they are. An input that
# crashes a target lies in target/fuzz/crashes afterwards; FUZZ_TARGET=csv target/debug/fuzz FILE shows where.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${1:?usage: $0 SECONDS [TARGET…]}
shift
[[ $# -gt 0 ]] || set -- $(ls tests/fuzz/seeds)
host=$(rustc -vV | sed -n 's/^host: //p')
# What cargo-fuzz asks of a nightly compiler besides a sanitizer: it is all there in a stable one. Only with `--target`
# are programs that run during the build left alone.
coverage=(-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-{level=4,inline-8bit-counters,pc-table,trace-compares})
RUSTFLAGS="${coverage[*]}" cargo build --package fuzz --features libfuzzer --profile fuzz --locked \
    --target "$host" --target-dir target/fuzz

fuzz() {
    local target=$1 log=target/fuzz/$1.log
    mkdir -p "target/fuzz/corpus/$target" target/fuzz/crashes
    local status=0
    touch "$log.started"
    # Why 60 s: in 254 bytes of Parquet stands a row of 30 million nulls, and this slow build reads it five times in 10 s.
    # In memory, where there is room: each input is written to a file several times.
    [[ -d /dev/shm ]] && export TMPDIR=/dev/shm
    FUZZ_TARGET=$target "target/fuzz/$host/fuzz/fuzz" "target/fuzz/corpus/$target" "tests/fuzz/seeds/$target" \
        -seed="${FUZZ_SEED:-1}" -max_total_time="$seconds" -timeout=60 -rss_limit_mb=2048 -max_len=16384 \
        -print_final_stats=1 -artifact_prefix="target/fuzz/crashes/$target-" >"$log" 2>&1 || status=$?
    # The last line that counts, such as `#19 DONE cov: 3 ft: 4 corp: 1/6b …`.
    awk -v target="$target" -v status="$status" '
        /^#[0-9]/ { runs = substr($1, 2); for (i = 2; i < NF; i++) value[$i] = $(i + 1) }
        END {
            printf "fuzz: %-8s %9d runs, %5d edges, %6d features, corpus %s, %s\n", target, runs, value["cov:"],
                value["ft:"], value["corp:"], status ? "CRASHED, see target/fuzz/" target ".log" : "unharmed"
        }' "$log"
    # Where nobody can look into target/, this is all that is left of a crash.
    if [[ $status != 0 ]]; then
        grep -aE -A 1 'panicked|ERROR|SUMMARY' "$log" | cut -c -300
        for input in $(find target/fuzz/crashes -name "$target-*" -newer "$log.started"); do
            echo "$input, by base64 -d | gunzip:"
            gzip -9n <"$input" | base64
        done
    fi
    return "$status"
}
export -f fuzz
export seconds host
printf '%s\n' "$@" | xargs -P 2 -I{} bash -c 'fuzz {}'
