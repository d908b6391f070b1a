#!/usr/bin/env bash
# Runs every fuzz target of the parsers for FUZZTIME each (5s by default).
set -euo pipefail
cd "$(dirname "$0")/.."
for package in ./envelope; do
  targets=$(go test -list '^Fuzz' "$package" | grep '^Fuzz')
  [ -n "$targets" ] || { echo "no fuzz targets in $package" >&2; exit 1; }
  for target in $targets; do
    go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-5s}" "$package"
  done
done
