#!/usr/bin/env bash
# `make release`: would a stranger who installs the wheel see a neural network's answer proven?
# Builds the wheel, installs it into a bare environment and runs the demo there, from another folder.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(sed -nE 's/^version = "(.+)"$/\1/p' pyproject.toml)
heading=$(grep -m1 '^## ' CHANGELOG.md)
case "$heading" in
  "## $version ("*) ;;
  *) echo "pyproject.toml says $version, the top of CHANGELOG.md says '$heading'" >&2; exit 1 ;;
esac

elsewhere=$(mktemp -d /tmp/release-XXXXXX) # a short path: the database's socket lies in it
trap 'rm -rf "$elsewhere"' EXIT
make --no-print-directory wheel bill
wheel=$PWD/dist/proofgrid-$version-py3-none-any.whl

${PYTHON:-python3} -m venv "$elsewhere/venv"
"$elsewhere/venv/bin/pip" install --quiet --disable-pip-version-check "$wheel"

cd "$elsewhere"
unset PYTHONPATH
env -u VIRTUAL_ENV HOME="$elsewhere" venv/bin/proofgrid demo | tee demo.txt
grep -q '^PROVEN' demo.txt
# The demo ends with the command that verifies its bundle, the one line that holds both names.
$(grep -o 'verify demo-data/.*' demo.txt | sed 's|^|venv/bin/proofgrid |') >/dev/null
echo "$wheel: installed into a bare environment, its demo proves, and its bundle verifies"

case "$heading" in
  *unreleased*) echo "a rehearsal: CHANGELOG.md still says '$heading'" ;;
  *) echo "ready: git tag -a v$version" ;;
esac
