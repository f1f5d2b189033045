# Finds Node.js for the web pages and their tests; to be sourced after servers.sh.

# Whether `$1` is a Node that Vite runs on: 20.19, or 22.12 and newer.
node_is_new() {
  local text
  text=$("$1" --version 2>/dev/null) || return 1
  [[ $text =~ v([0-9]+)\.([0-9]+) ]] || return 1
  local version=$((BASH_REMATCH[1] * 100 + BASH_REMATCH[2]))
  ((version >= 2212 || (version >= 2019 && version < 2100)))
}

# Puts node, npm and npx on PATH: the machine's own, else those of the wheel; fails when neither will do.
use_node() {
  command -v npm >/dev/null && node_is_new node && return
  PATH="$tools_dir/venv/bin:$PATH"
  command -v npm >/dev/null && node_is_new node
}

# Installs what the lock file of this folder names, unless that was done; scripts of packages never run.
npm_packages() {
  local stamp=node_modules/.lock-sha256 wanted
  wanted=$(sha256sum package-lock.json | cut -d' ' -f1)
  [[ -f $stamp && $(<"$stamp") == "$wanted" ]] && return
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
  echo "$wanted" >"$stamp"
}
