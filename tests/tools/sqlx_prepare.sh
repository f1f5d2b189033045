#!/usr/bin/env bash
# Writes services/catalog/.sqlx anew: what Postgres says about each query, so that builds need no Postgres.
#
# Called through with_postgres.sh, which gives DATABASE_URL. With --check it changes nothing, and fails when a
# query or a migration changed since the last run. SQLX_CHECK may name another command that compiles the catalog; the
# default is that of `make lint`, whose work is done by then.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/servers.sh"

: "${DATABASE_URL:?run it as: tests/tools/with_postgres.sh $0}"
cd "$project_root"
kept="$project_root/services/catalog/.sqlx"
psql=$(postgres_bin)/psql
[[ -x $psql ]] || psql=psql
for migration in services/catalog/migrations/*.sql; do
  "$psql" "$DATABASE_URL" --quiet --no-psqlrc --single-transaction -v ON_ERROR_STOP=1 -f "$migration" >/dev/null
done

new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
# The macros write while they are expanded, and cargo would not expand those of an unchanged file again.
touch services/catalog/src/lib.rs
SQLX_OFFLINE=false SQLX_OFFLINE_DIR="$new" ${SQLX_CHECK:-cargo clippy --quiet --workspace --all-targets --locked -- -D warnings}
[[ -n $(ls "$new") ]] || { echo "sqlx: no query was written; is the catalog's build up to date?" >&2; exit 70; }

if [[ ${1:-} == --check ]]; then
  diff -r "$kept" "$new" >&2 || { echo "sqlx: services/catalog/.sqlx is stale; run \`make sqlx\`" >&2; exit 1; }
  exit 0
fi
rm -rf "$kept"
mkdir "$kept"
cp "$new"/*.json "$kept/"
echo "sqlx: $(ls "$kept" | wc -l) queries" >&2
