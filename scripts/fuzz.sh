#!/usr/bin/env bash
# Runs every fuzz target of the parsers with FUZZTIME inputs (200,000 by default, a few seconds each). A number of inputs and
# not a time: when a time runs out while a worker is busy, go test may call that a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
for package in ./envelope; do
  targets=$(go test -list '^Fuzz' "$package" | grep '^Fuzz')
  [ -n "$targets" ] || { echo "no fuzz targets in $package" >&2; exit 1; }
  for target in $targets; do
    go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-200000x}" "$package"
  done
done
