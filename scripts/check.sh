#!/usr/bin/env bash
# Everything that can be judged without running the service: each check is run, and all that fail are named at the end.
# Expects .venv/bin in PATH (make check).
set -uo pipefail
cd "$(dirname "$0")/.."

failed=()
check() { # NAME COMMAND...
    local name=$1
    shift
    echo "== $name"
    "$@" || failed+=("$name")
}

types_of_the_page() {
    [ -d adapters/web/ui/node_modules ] || npm --prefix adapters/web/ui ci --silent
    npm --prefix adapters/web/ui run --silent types
}

check "format" ruff format --check .
check "lint" ruff check .
check "types" mypy
check "import contracts" lint-imports --no-logo
check "types of the page" types_of_the_page
check "documents" python -m scripts.check_documents
check "files" python -m scripts.check_files
check "dependencies" python -m scripts.check_dependencies
check "npm packages" python -m scripts.check_node_packages

if [ ${#failed[@]} -gt 0 ]; then
    printf '\nFailed:\n' >&2
    printf '  %s\n' "${failed[@]}" >&2
    exit 1
fi
printf '\nAll checks passed.\n'
