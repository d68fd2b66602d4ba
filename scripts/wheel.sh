#!/usr/bin/env bash
# Builds the wheel of the Python package, installs it in a new environment and tests it there.
#
# Usage: scripts/wheel.sh [--test-only WHEEL | ARGUMENTS OF maturin build]
#
#   scripts/wheel.sh                                         for this machine and newer ones
#   scripts/wheel.sh --target x86_64-unknown-linux-musl      for every Linux; needs musl-tools
#   scripts/wheel.sh --zig --compatibility manylinux2014     for glibc 2.17 and newer
#   scripts/wheel.sh --test-only target/wheels/NAME.whl      test a wheel that was built elsewhere
#
# The wheel is written to target/wheels. Without --profile, it has a release build.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/prerequisites.sh
source scripts/prerequisites.sh

# The version that builds the wheel, and the compiler for --zig.
MATURIN_VERSION=1.16.0
ZIG_VERSION=0.15.2

target=${CARGO_TARGET_DIR:-$PWD/target}
wheels=$target/wheels

main() {
    local wheel
    if [[ ${1:-} == --test-only ]]; then
        wheel=$2
    else
        build "$@"
        wheel=$(find "$wheels" -name 'kit_modelkit-*.whl' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2-)
    fi
    test_wheel "$wheel"
}

build() {
    local tools=$target/tmp/maturin packages=("maturin==$MATURIN_VERSION")
    [[ " $* " != *" --zig "* ]] || packages+=("ziglang==$ZIG_VERSION")
    need_rust
    [[ -x $tools/bin/python ]] || make_python "$tools"
    trap 'rm -f THIRD-PARTY-LICENSES' EXIT
    # Its argument is the target, if there is one.
    # shellcheck disable=SC2046
    python3 -B scripts/licenses.py $(target_in "$@") >THIRD-PARTY-LICENSES
    run "$tools/bin/pip" --disable-pip-version-check install --quiet "${packages[@]}"
    # maturin calls the zig of the Python that it finds first.
    PATH=$tools/bin:$PATH run maturin build --out "$wheels" "$@"
}

# Prints the target in the arguments of maturin.
target_in() {
    while [[ $# -gt 0 ]]; do
        case $1 in
        --target) echo "$2" && shift ;;
        --target=*) echo "${1#*=}" ;;
        esac
        shift
    done
}

# Runs the tests against the installed package, and not against python/src, with the program in the wheel.
test_wheel() {
    local environment=$target/tmp/wheel-tests
    need_registry
    rm -rf "$environment"
    make_python "$environment"
    run "$environment/bin/pip" --disable-pip-version-check install --quiet --no-index "$1"
    if [[ -z $(find "$environment" -path '*.dist-info/licenses/THIRD-PARTY-LICENSES') ]]; then
        echo "$1 lacks the licences of what is linked into the program" >&2
        return 1
    fi
    run "$environment/bin/kit" version
    run "$environment/bin/pip" --disable-pip-version-check install --quiet --requirement python/tests/requirements.txt
    run env -u KIT_BINARY "$environment/bin/python" -I -m pytest --quiet -o pythonpath=python/tests \
        -o "cache_dir=$target/tmp/pytest"
}

main "$@"
