#!/usr/bin/env bash
# `make protos`: does proto/ still say what the last release said? BASE=<git ref> compares with something else.
# Needs npm: buf comes from there, at the version below. That the generated code is proto/'s is a test (tests/wire).
set -euo pipefail
cd "$(dirname "$0")/.."
BUF=@bufbuild/buf@1.75.0

base=${BASE:-$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null || echo main)}
before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
git archive "$base" proto | tar -x -C "$before"

npx --yes "$BUF" build proto
npx --yes "$BUF" breaking proto --against "$before/proto"
echo "proto/ breaks nothing that $base said"
