#!/usr/bin/env bash
# Resolves the dependencies of pyproject.toml anew and writes the constraints files: exact versions with hashes,
# for Python 3.11 and later on every platform, naming no package index. Run it after a change of dependencies.
#
#   scripts/pin.sh             keeps every pin that still fits
#   scripts/pin.sh --upgrade   takes the newest versions
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"

pin() { # FILE, then what goes into it
    local file=$1
    shift
    uv --quiet --no-config pip compile --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
        --no-header --output-file "$file" "${upgrade[@]}" "$@" >/dev/null
    echo "$file: $(grep -c == "$file") packages"
}

upgrade=("$@")
pin constraints.txt pyproject.toml --group build
pin constraints-simulate.txt pyproject.toml --extra simulate --group build --constraint constraints.txt
pin constraints-dev.txt pyproject.toml --extra dev --extra simulate --group build --constraint constraints-simulate.txt
pin constraints-node.txt --group node
