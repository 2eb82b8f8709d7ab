#!/usr/bin/env bash
# Makes sure that Debian packages are there: scripts/install-debian-packages.sh PACKAGE...
# Installs what is missing when it may (root); otherwise, or when that fails, it names what is missing and exits 1.
set -euo pipefail

missing() {
    local package
    for package in "$@"; do
        dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || echo "$package"
    done
}

# A test starts the programs it needs by itself, on ports of its own: installing them must not start services.
without_starting_services() {
    local policy=/usr/sbin/policy-rc.d
    if [ -e "$policy" ]; then
        "$@"
    else
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
        "$@"
    fi
}

if ! command -v dpkg-query >/dev/null; then
    echo "install-debian-packages: this is not Debian; install the counterparts of: $*" >&2
    exit 1
fi
mapfile -t wanted < <(missing "$@")
[ ${#wanted[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -ne 0 ]; then
    echo "install-debian-packages: missing: ${wanted[*]}" >&2
    echo "install-debian-packages: run: sudo apt-get update && sudo apt-get install ${wanted[*]}" >&2
    exit 1
fi
echo "Installing Debian packages: ${wanted[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
apt-get update -qq >"$log" 2>&1 || true # an old list may still do
without_starting_services apt-get install -y -qq --no-install-recommends "${wanted[@]}" </dev/null >>"$log" 2>&1 || true
mapfile -t wanted < <(missing "$@")
if [ ${#wanted[@]} -gt 0 ]; then
    tail -n 20 "$log" >&2
    echo "install-debian-packages: could not be installed: ${wanted[*]}" >&2
    exit 1
fi
rm -f "$log"
