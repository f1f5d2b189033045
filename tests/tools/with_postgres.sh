#!/usr/bin/env bash
# Runs a command with DATABASE_URL pointing at an empty database of a scratch Postgres, then removes both.
#
#   tests/tools/with_postgres.sh cargo check -p catalog
#
# The server listens on a private Unix socket only, and loses its data on a crash by design (fsync=off).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/servers.sh"

[[ $# -gt 0 ]] || { echo "usage: $0 COMMAND [ARGUMENT…]" >&2; exit 64; }
bin=$(postgres_bin) || { echo "with_postgres: no Postgres 15 or newer on PATH or in .tools; run \`make tools\`" >&2; exit 69; }

scratch=$(mktemp -d "${TMPDIR:-/tmp}/tokenmill-postgres.XXXXXX")
server=
stop() {
  if [[ -n $server ]]; then
    kill -QUIT "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$scratch"
}
trap stop EXIT
trap 'exit 130' INT TERM

# Postgres refuses to run as root, so root hands it to `nobody`, with binaries that `nobody` can reach.
as=()
if [[ $(id -u) -eq 0 ]]; then
  as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  if ! "${as[@]}" "$bin/initdb" --version >/dev/null 2>&1; then
    # The wheel keeps further libraries in a folder beside its package.
    package=$(dirname "$(dirname "$bin")")
    cp -a "$package" "$scratch/"
    [[ ! -d $package.libs ]] || cp -a "$package.libs" "$scratch/"
    bin="$scratch/$(basename "$package")/$(basename "$(dirname "$bin")")/bin"
  fi
  mkdir "$scratch/run" && chmod 711 "$scratch" && chown 65534:65534 "$scratch/run"
else
  mkdir "$scratch/run"
fi

cd "$scratch/run"
"${as[@]}" "$bin/initdb" --pgdata=data --username=tokenmill --auth=trust --no-locale --encoding=UTF8 --no-sync >log 2>&1 \
  || { cat log >&2; exit 70; }
# Single-user mode needs neither psql nor a running server.
echo 'CREATE DATABASE tokenmill' | "${as[@]}" "$bin/postgres" --single -D data postgres >>log 2>&1

# The server must not outlive this script, not even when it is killed with -9.
death=()
command -v setpriv >/dev/null && death=(setpriv --pdeathsig QUIT)
[[ $(id -u) -eq 0 ]] && death=("${as[@]}" --pdeathsig QUIT)
"${death[@]}" "$bin/postgres" -D data -k "$scratch/run" -c listen_addresses= -c fsync=off -c full_page_writes=off \
  -c synchronous_commit=off >>log 2>&1 &
server=$!

for _ in $(seq 200); do
  grep -q 'ready to accept connections' log && break
  kill -0 "$server" 2>/dev/null || { cat log >&2; exit 70; }
  sleep 0.05
done
cd "$OLDPWD"

status=0
DATABASE_URL="postgres://tokenmill@localhost/tokenmill?host=$scratch/run" "$@" || status=$?
exit "$status"
