#!/usr/bin/env bash
# Everything that has to pass before a change lands: words, format, lints, tests, the Python package, the commands of
# the guides.
# Usage: scripts/test.sh [ARGUMENTS OF cargo test]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/prerequisites.sh
source scripts/prerequisites.sh

main() {
    prepare
    run scripts/words.sh --self-test
    run scripts/words.sh
    run python3 -B scripts/licenses.py --self-test
    run cargo fmt --check
    run cargo clippy --workspace --all-targets --locked -- -D warnings
    run cargo test --workspace --locked "$@"
    # The tests have built this program.
    KIT=${CARGO_TARGET_DIR:-target}/debug/kit
    export KIT
    test_python
    run scripts/docs.sh --check-only
    if [[ ${KIT_TEST_PEERS:-} == missing ]]; then
        printf '\nNOT TESTED: the Python packages in tests/peers/requirements.txt could not be installed, so\n' >&2
        printf 'the tests in tests/cli/setup/peer*.rs, and the guides that use these packages, were skipped.\n' >&2
        printf 'See above for the reason.\n' >&2
    fi
    if ! has_browser; then
        printf '\nNOT TESTED: there is no Chromium on the PATH, so the tests in\n' >&2
        printf 'tests/cli/inspect/report_in_browser.rs that show the page of a report were skipped.\n' >&2
    fi
    if [[ $python_status == 77 ]]; then
        printf '\nNOT TESTED: the packages in python/tests/requirements.txt could not be installed, so the tests\n' >&2
        printf 'of the Python package were skipped. See above for the reason.\n' >&2
    fi
    if ! command -v cosign >/dev/null; then
        printf '\nNOT TESTED: there is no cosign on the PATH, so the tests in tests/cli/setup/peer_trust.rs that\n' >&2
        printf 'run it were skipped. They need cosign 3.\n' >&2
    fi
    if ! command -v zsh >/dev/null || ! command -v fish >/dev/null; then
        printf '\nNOT TESTED: zsh or fish is not on the PATH, so its tests in tests/cli/setup/completion.rs were\n' >&2
        printf 'skipped.\n' >&2
    fi
    if ! command -v podman >/dev/null || ! command -v runc >/dev/null; then
        printf '\nNOT TESTED: there is no podman with runc on the PATH, so the tests in\n' >&2
        printf 'tests/cli/setup/peer_podman.rs that run the image of kit and the init container of\n' >&2
        printf 'examples/deploy were skipped.\n' >&2
    fi
}

# The tests run against a real registry and let skopeo and umoci read what kit wrote, so they have to be there.
prepare() {
    need_rust || give_up
    need_tools || give_up
    if ! install_peers; then
        export KIT_TEST_PEERS=missing
    fi
    # Without a browser, a few tests are skipped.
    install_browser || true
    # A minimal Rust toolchain comes without these two.
    cargo fmt --version >/dev/null 2>&1 || run rustup component add rustfmt
    cargo clippy --version >/dev/null 2>&1 || run rustup component add clippy
}

# Without its tools, the Python package is not tested, which is reported at the end.
test_python() {
    python_status=0
    run scripts/python.sh || python_status=$?
    [[ $python_status == 0 || $python_status == 77 ]]
}

give_up() {
    cat >&2 <<'TEXT'

The tests need Rust, a C compiler, docker-registry, skopeo, umoci, git, openssl, python3 and
curl. On Debian 12, as root:

    apt-get install build-essential docker-registry skopeo umoci git openssl python3 curl

Then run scripts/test.sh again.
TEXT
    exit 1
}

main "$@"
