#!/usr/bin/env bash
# Runs a script of the web pages: ui.sh build | check | api.
#
# Where there is no Node it says so and goes on: the gateway is whole without them, and says how to get them.
# The stamp of a build holds a hash of the sources, so that a run with nothing to do takes milliseconds.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/servers.sh"
source "$(dirname "${BASH_SOURCE[0]}")/node.sh"

ui="$project_root/services/gateway/ui"
stamp="$ui/node_modules/.built-sha256"
task=${1:?build, check or api}

say() { echo "ui: $*" >&2; }
sources() {
  find . \( -name node_modules -o -name dist \) -prune -o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum
}

[[ -f $ui/package.json ]] || exit 0
cd "$ui"
if [[ $task == build && -f dist/index.html && -f $stamp && $(<"$stamp") == "$(sources)" ]]; then
  exit 0
fi
if ! use_node; then
  say "no Node.js 20.19 or newer, so the web pages are left out; install nodejs and npm, then run this again"
  exit 0
fi
# Two runs at the same time would break each other's packages: the second one waits.
mkdir -p node_modules
if command -v flock >/dev/null; then
  exec 9>../.ui-lock
  flock 9
fi
if ! npm_packages; then
  say "the packages of the web pages cannot be fetched"
  # Programs are built all the same; a check that did not happen is none.
  [[ $task == build ]] && exit 0 || exit 69
fi
started=$SECONDS
hash=$(sources)
npm run --silent "$task" >&2
if [[ $task == build ]]; then
  echo "$hash" >"$stamp"
  say "built in $((SECONDS - started)) s"
fi
