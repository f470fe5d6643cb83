#!/usr/bin/env bash
# A first look at Trustwarden: three commands on the made-up files beside this script. No account, no network.
#
#     examples/look.sh [BINARY]        BINARY is `trustwarden` unless named
set -eu
binary=$(command -v "${1:-trustwarden}") || { echo "look.sh: there is no ${1:-trustwarden} to run" >&2; exit 2; }
binary=$(realpath "$binary")
cd "$(dirname "$0")"

# Findings are status 1, and what these files are for; anything else ends the look.
look() {
  printf '\n%s\n\n$ trustwarden %s\n\n' "$1" "${*:2}"
  status=0
  "$binary" "${@:2}" || status=$?
  test "$status" -le 1 || exit "$status"
}

look '1. What third parties can do in this account today, from an export of it:' \
  audit --rules access.yaml --authorization-details account.json --now 2026-11-21
look '2. What the deployed guard would have said about these CloudTrail logs:' \
  replay --rules access.yaml trail.json
look '3. What a template would open, before it is deployed:' \
  check --rules access.yaml --account 111122223333 template.yaml

printf '\nThe rules that all three judged by are examples/access.yaml. `trustwarden rules init` writes a first file of yours.\n'
