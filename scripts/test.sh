#!/usr/bin/env bash
# Everything that has to pass before a change lands: words, format, lints, tests.
# Usage: scripts/test.sh [ARGUMENTS OF cargo test]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/prerequisites.sh
source scripts/prerequisites.sh

main() {
    prepare
    run scripts/words.sh --self-test
    run scripts/words.sh
    run cargo fmt --check
    run cargo clippy --workspace --all-targets --locked -- -D warnings
    run cargo test --workspace --locked "$@"
    if [[ ${KIT_TEST_PEERS:-} == missing ]]; then
        printf '\nNOT TESTED: the Python packages in tests/peers/requirements.txt could not be installed, so\n' >&2
        printf 'the tests in tests/cli/setup/peers.rs were skipped. See above for the reason.\n' >&2
    fi
}

# The tests run against a real registry and let skopeo and umoci read what kit wrote, so they have to be there.
prepare() {
    local tool
    need_rust || give_up
    command -v docker-registry >/dev/null || install_registry || give_up
    for tool in skopeo umoci; do
        command -v "$tool" >/dev/null || install_packages "$tool" || give_up
    done
    if ! install_peers; then
        export KIT_TEST_PEERS=missing
    fi
    # A minimal Rust toolchain comes without these two.
    cargo fmt --version >/dev/null 2>&1 || run rustup component add rustfmt
    cargo clippy --version >/dev/null 2>&1 || run rustup component add clippy
}

# Python packages of others that read what kit wrote, and one that runs kit, in a folder of their own. They are
# installed again when their versions change.
install_peers() {
    local folder=${CARGO_TARGET_DIR:-target}/tmp/peers list=tests/peers/requirements.txt
    cmp --silent "$list" "$folder/requirements.txt" && return
    rm -rf "$folder"
    make_python "$folder" && run "$folder/bin/pip" --disable-pip-version-check install --quiet --requirement "$list" &&
        cp "$list" "$folder/requirements.txt"
}

# Makes a Python that has packages of its own.
make_python() {
    command -v python3 >/dev/null || install_packages python3 python3-venv || return
    python3 -m venv "$1" || { install_packages python3-venv && python3 -m venv --clear "$1"; }
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
