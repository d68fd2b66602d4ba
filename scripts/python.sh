#!/usr/bin/env bash
# Checks the Python package in python/: its types, and its tests against the program in KIT and a registry.
#
# Usage: scripts/python.sh [ARGUMENTS OF pytest]
#
# Exits with 77 if the packages in python/tests/requirements.txt cannot be installed. KIT is built if it is not set.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/prerequisites.sh
source scripts/prerequisites.sh

target=${CARGO_TARGET_DIR:-$PWD/target}
tools=$target/tmp/python-tests

main() {
    need_registry
    install_python_packages "$tools" python/tests/requirements.txt || exit 77
    if [[ -z ${KIT:-} ]]; then
        need_rust
        cargo build --locked
        KIT=$target/debug/kit
    fi
    KIT_BINARY=$(realpath "$KIT")
    export KIT_BINARY
    run "$tools/bin/ruff" check --quiet --no-cache
    run "$tools/bin/ruff" format --check --quiet --no-cache
    run "$tools/bin/mypy" --cache-dir "$target/tmp/mypy"
    run "$tools/bin/python" -B -m pytest --quiet -o "cache_dir=$target/tmp/pytest" "$@"
}

main "$@"
