#!/usr/bin/env bash
# Everything that has to pass before a change lands: format, lints, tests. Usage: scripts/test.sh [ARGUMENTS OF cargo test]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/prerequisites.sh
source scripts/prerequisites.sh

main() {
    prepare
    run cargo fmt --check
    run cargo clippy --all-targets --locked -- -D warnings
    run cargo test --locked "$@"
}

# The tests run against a real registry and let skopeo and umoci read what kit wrote, so they have to be there.
prepare() {
    local tool
    need_rust || give_up
    command -v docker-registry >/dev/null || install_registry || give_up
    for tool in skopeo umoci; do
        command -v "$tool" >/dev/null || install_packages "$tool" || give_up
    done
    # A minimal Rust toolchain comes without these two.
    cargo fmt --version >/dev/null 2>&1 || run rustup component add rustfmt
    cargo clippy --version >/dev/null 2>&1 || run rustup component add clippy
}

give_up() {
    cat >&2 <<'TEXT'

The tests need Rust, a C compiler, docker-registry, skopeo and umoci. On Debian 12, as root:

    apt-get install build-essential docker-registry skopeo umoci

Then run scripts/test.sh again.
TEXT
    exit 1
}

run() {
    printf '\n$ %s\n' "$*"
    "$@"
}

main "$@"
