#!/usr/bin/env bash
# Runs a script of tests/browser in headless Chromium: browser.sh test | screenshots.
#
# Root on Debian or Ubuntu gets Chromium installed. Anyone else is told to ask for it; without it, or without Node, this
# says so and goes on, as nothing else needs them.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/servers.sh"
source "$(dirname "${BASH_SOURCE[0]}")/node.sh"

say() { echo "browser: $*" >&2; }
find_chromium() { command -v chromium || command -v chromium-browser || command -v google-chrome; }

[[ -f $project_root/tests/browser/package.json ]] || exit 0
cd "$project_root/tests/browser"
if ! use_node; then
  say "no Node.js 20.19 or newer: the tests in a browser are left out"
  exit 0
fi
if ! find_chromium >/dev/null && [[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null; then
  say "installing chromium"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } \
    >/dev/null 2>&1 || say "apt-get could not install it"
fi
if ! find_chromium >/dev/null; then
  say "no Chromium: the tests in a browser are left out; ask for the package chromium, then run this again"
  exit 0
fi
npm_packages
CHROMIUM=$(find_chromium) exec npm run --silent "${1:?test or screenshots}"
