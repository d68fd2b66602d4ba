#!/usr/bin/env bash
# Checks the documentation: every relative link and every command block that is marked as runnable; builds the book.
#
# Usage: scripts/docs.sh [--check-only | --update]
#
#   --check-only   do not build the book
#   --update       rewrite the output of the runnable blocks with what the commands print now
#
# The commands run with the `kit` in KIT, which is built if KIT is not set. mdBook is installed below the target folder
# if it is missing. The book is written to target/book.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/prerequisites.sh
source scripts/prerequisites.sh

# The version that the book is known to build with.
MDBOOK_VERSION=0.5.4

target=${CARGO_TARGET_DIR:-$PWD/target}

main() {
    local mode=${1:-}
    case $mode in
        '' | --check-only | --update) ;;
        *) sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 2 ;;
    esac
    need_tools
    # scripts/test.sh has tried it already, and has set the variable if it failed.
    if [[ -z ${KIT_TEST_PEERS:-} ]] && ! install_peers; then
        export KIT_TEST_PEERS=missing
    fi
    if [[ -z ${KIT:-} ]]; then
        need_rust
        cargo build --release --locked
        KIT=$target/release/kit
    fi
    python3 scripts/check_docs.py --kit "$KIT" ${mode:+"$mode"}
    if [[ $mode == --check-only ]]; then
        echo "The book was not built (--check-only)"
    else
        build_book
    fi
}

build_book() {
    local mdbook
    if ! mdbook=$(command -v mdbook); then
        mdbook=$target/tmp/mdbook/bin/mdbook
        [[ -x $mdbook ]] || install_mdbook
    fi
    "$mdbook" build docs --dest-dir "$target/book"
}

# Without the features for serving and watching, which take most of the time to compile.
install_mdbook() {
    need_rust
    cargo install mdbook --version "$MDBOOK_VERSION" --locked --no-default-features --features search \
        --root "$target/tmp/mdbook" --target-dir "$target/tmp/mdbook-build"
}

main "$@"
