#!/usr/bin/env bash
# Builds kit for other systems, runs what this machine can run, and says at the end what it built, ran and left out.
#
# Usage: scripts/cross.sh [--profile PROFILE] [--tests] [--build-only] [TARGET…]
#
# Without a target, all five that kit is released for. Every program that runs packs the folders of examples/, which
# must give the digests of the program that is built for this machine, and takes one of them through a registry.
# --tests also runs the tests of the command line and of the library on the targets that can run them.
#
# Needs, besides the targets of rustup: musl-tools for x86_64 Linux; gcc-mingw-w64-x86-64 for Windows, with wine to run
# it and Go for the registry that its tests start; cargo-zigbuild and ziglang from PyPI for the others, and
# qemu-user-static to run aarch64 Linux. Without the SDK of macOS in SDKROOT, programs for macOS are linked with stubs
# of its frameworks, and are good for inspection only.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/prerequisites.sh
source scripts/prerequisites.sh

all=(x86_64-unknown-linux-musl aarch64-unknown-linux-musl x86_64-pc-windows-gnu x86_64-apple-darwin
    aarch64-apple-darwin)
# The tests that do not run under qemu.
beyond_qemu=(
    # They measure the memory of a process, or limit its threads: qemu has more of both.
    --skip manage::memory:: --skip limits::memory_does_not_grow --skip create::scarce::running_out_of_threads
    # They install or start the program for the processor of this machine, by itself or in a container.
    --skip setup::installer:: --skip setup::npm:: --skip setup::peer_podman::
    # Without openat2, which qemu lacks, a path is opened by its components and may be longer than PATH_MAX.
    --skip hostile::names_no_file_system_takes_are_errors
    # qemu takes the signals of a program, also those that are ignored.
    --skip transfer::signals::a_signal_that_the_parent_ignores_stays_ignored
)
profile=dev
has_tests=
build_only=
targets=()
report=()
failures=0
work=$(mktemp -d)

main() {
    trap clean_up EXIT
    trap 'exit 130' INT TERM
    read_arguments "$@"
    need_rust
    build_native
    if [[ -z $build_only ]]; then
        need_registry
        start_registry "$work/registry"
    fi
    local target
    for target in "${targets[@]}"; do
        cross "$target"
    done
    printf '\n'
    printf '%s\n' "${report[@]}"
    [[ $failures == 0 ]]
}

read_arguments() {
    while [[ $# -gt 0 ]]; do
        case $1 in
        --profile) profile=$2 && shift ;;
        --tests) has_tests=1 ;;
        --build-only) build_only=1 ;;
        -*) fail "unknown option $1" ;;
        *) targets+=("$1") ;;
        esac
        shift
    done
    [[ ${#targets[@]} -gt 0 ]] || targets=("${all[@]}")
}

# The program for this machine, whose digests the others must reproduce.
build_native() {
    [[ -n $build_only ]] && return
    run cargo build --locked --profile "$profile"
    native=${CARGO_TARGET_DIR:-target}/$(folder_of_profile)/kit
    digests "$work/native" "$native" >"$work/expected"
    cat "$work/expected"
}

cross() {
    local target=$1
    if ! build "$target"; then
        note FAILED "$target" "not built, see above"
        return
    fi
    local program
    program=${CARGO_TARGET_DIR:-target}/$target/$(folder_of_profile)/kit$(suffix_of "$target")
    note built "$target" "$(file --brief "$program" | cut -d, -f1-2), $(stat --format %s "$program") bytes"
    if [[ -n $build_only ]]; then
        return
    fi
    local runner
    if ! runner=$(runner_of "$target"); then
        note "not run" "$target" "$runner"
        return
    fi
    if [[ $runner == *wine ]]; then
        prepare_wine
    fi
    # Where `runner` is empty, the word disappears.
    # shellcheck disable=SC2086
    exercise "$target" $runner "$program"
    if [[ -n $has_tests ]]; then
        run_tests "$target" "$runner"
    fi
}

build() {
    local target=$1
    if ! rustup target list --installed | grep -qx "$target"; then
        run rustup target add "$target" || return
    fi
    in_cargo "$target" build --locked --profile "$profile" --package kit
}

# Builds or tests for a target.
in_cargo() {
    local target=$1 cargo
    read -ra cargo <<<"$(cargo_command "$1" "$2")"
    shift 2
    # wine copies a program with all of its debug information into memory each time that it starts.
    export CARGO_PROFILE_DEV_STRIP=symbols
    case $target-$profile in
    *-apple-darwin-*) run with_frameworks "$target" "${cargo[@]}" --target "$target" "$@" ;;
    "$(uname -m)"-unknown-linux-musl-dist) with_flags "$(smaller)" run "${cargo[@]}" --target "$target" "$@" ;;
    *) run "${cargo[@]}" --target "$target" "$@" ;;
    esac
}

# Prints what makes a static program 2 MB smaller: relocations in the packed form, which musl reads since 1.2.4, and
# no tables for unwinding, because the program aborts when it panics. The linker of zig does not pack relocations.
smaller() {
    echo "-C link-arg=-Wl,-z,pack-relative-relocs -C link-arg=-Wl,-T,$PWD/scripts/no-unwinding.ld"
}

# Runs a command with more flags for the compiler.
with_flags() {
    local flags=$1
    shift
    RUSTFLAGS="${RUSTFLAGS:-} $flags" "$@"
}

# Prints the command that builds or tests for a target. Linux of this processor and Windows have compilers of Debian.
# zig compiles for the others.
cargo_command() {
    case $1-$2 in
    "$(uname -m)"-unknown-linux-musl-* | *-windows-gnu-*) echo "cargo $2" ;;
    *-build) echo "cargo zigbuild" ;;
    *) echo "cargo-zigbuild $2" ;;
    esac
}

# Runs a command with stubs of the frameworks that kit uses, unless there is an SDK.
with_frameworks() {
    local target=$1 name
    shift
    if [[ -n ${SDKROOT:-} ]]; then
        "$@"
        return
    fi
    for name in Security CoreFoundation; do
        mkdir -p "$work/frameworks/$name.framework"
        cat >"$work/frameworks/$name.framework/$name.tbd" <<TBD
--- !tapi-tbd
tbd-version: 4
targets: [ x86_64-macos, arm64-macos ]
install-name: '/System/Library/Frameworks/$name.framework/Versions/A/$name'
current-version: 1
compatibility-version: 1
...
TBD
    done
    with_flags "-C link-arg=-F$work/frameworks -C link-arg=-undefined -C link-arg=dynamic_lookup" "$@"
}

# Prints what runs a program of the target: nothing if it runs as it is. Fails with the reason if nothing does.
runner_of() {
    case $1 in
    "$(uname -m)"-unknown-linux-musl) ;;
    aarch64-unknown-linux-musl) command -v qemu-aarch64-static || needs qemu-user-static ;;
    *-windows-gnu) command -v wine || needs wine ;;
    *-apple-darwin) echo "programs for macOS run on macOS only" && return 1 ;;
    *) echo "nothing is known to run it" && return 1 ;;
    esac
}

# Gives wine a folder of its own, and what wine 8 of Debian 12 lacks: the function from which the standard library of
# Rust takes random bytes.
prepare_wine() {
    export WINEPREFIX WINEDEBUG=-all
    WINEPREFIX=$(realpath "${CARGO_TARGET_DIR:-target}")/wine
    local system=$WINEPREFIX/drive_c/windows/system32
    [[ -d $system ]] || wineboot --init
    if [[ ! -e $system/bcryptprimitives.dll ]]; then
        cat >"$work/random.c" <<'C'
#include <windows.h>
#include <ntsecapi.h>
__declspec(dllexport) BOOL ProcessPrng(PBYTE bytes, SIZE_T count) { return RtlGenRandom(bytes, count); }
C
        x86_64-w64-mingw32-gcc -shared -o "$system/bcryptprimitives.dll" "$work/random.c" -ladvapi32
    fi
}

needs() {
    echo "install $1 to run it"
    return 1
}

suffix_of() {
    case $1 in
    *-windows-*) echo .exe ;;
    esac
}

folder_of_profile() {
    case $profile in
    dev) echo debug ;;
    *) echo "$profile" ;;
    esac
}

# Runs the program of a target: packs the examples, and takes one through a registry.
exercise() {
    local target=$1 home
    shift
    home=$(mktemp -d "$work/$target.XXXX")
    if ! digests "$home" "$@" >"$home.digests"; then
        note FAILED "$target" "cannot pack the examples"
    elif ! diff "$work/expected" "$home.digests"; then
        note FAILED "$target" "other digests than the program for this machine"
    elif ! around "$home" "$@"; then
        note FAILED "$target" "cannot take a ModelKit through a registry"
    else
        note ran "$target" "packed the examples with equal digests; pushed, pulled, unpacked and verified one"
    fi
}

# Prints the digests of the examples. The first argument is a folder for the store, the others are the program.
digests() {
    local home=$1 example
    shift
    mkdir -p "$home"
    for example in minimal digits; do
        printf '%s ' "$example"
        "$@" --config "$home" pack "examples/$example" --tag "$example:v1" | grep -o 'sha256:[0-9a-f]*'
    done
}

# Pushes, pulls, unpacks and verifies an example.
around() {
    local home=$1
    shift
    local name=$registry/${home##*/}/digits:v1
    run "$@" version &&
        run "$@" --config "$home" push digits:v1 "${name,,}" --plain-http &&
        run "$@" --config "$home/other" pull "${name,,}" --plain-http &&
        run "$@" --config "$home/other" unpack "${name,,}" --dir "$home/unpacked" &&
        run "$@" --config "$home/other" verify "$home/unpacked" "${name,,}" &&
        run diff --recursive "examples/digits/weights" "$home/unpacked/weights"
}

run_tests() {
    local target=$1 variable
    variable=CARGO_TARGET_$(tr '[:lower:]-' '[:upper:]_' <<<"$target")_RUNNER
    [[ -z $2 ]] || export "$variable=$2"
    if [[ $target == *-windows-* ]] && ! build_windows_registry; then
        note FAILED "$target" "tests: docker-registry for Windows is not built, see above"
        return
    fi
    local skipped=()
    if [[ $2 == *qemu* ]]; then
        if ! register_qemu; then
            note FAILED "$target" "tests: Linux cannot start its programs; register qemu with binfmt_misc, as root"
            return
        fi
        skipped=(-- "${beyond_qemu[@]}")
    fi
    if in_cargo "$target" test --locked --profile "$profile" --workspace --no-fail-fast "${skipped[@]}" \
        >"$work/tests" 2>&1; then
        note tested "$target" "$(summary)"
    else
        grep -E '^(test .*FAILED|error)' "$work/tests" || tail -n 20 "$work/tests"
        note FAILED "$target" "tests: $(summary)"
    fi
}

# Lets Linux start programs for aarch64, because the tests start kit themselves. systemd does the same at its start, so
# it is needed in containers, as root.
register_qemu() {
    local formats=/proc/sys/fs/binfmt_misc
    [[ ! -e $formats/qemu-aarch64 ]] || return 0
    [[ -e $formats/register ]] || mount -t binfmt_misc none "$formats" || return
    cat /usr/lib/binfmt.d/qemu-aarch64.conf >"$formats/register"
}

# Builds docker-registry for Windows, which has no package of it, where programs under wine find it.
build_windows_registry() {
    local folder
    folder=$(realpath "${CARGO_TARGET_DIR:-target}")/windows-registry
    export WINEPATH="Z:${folder//\//\\}"
    [[ ! -e $folder/docker-registry.exe ]] || return 0
    GOOS=windows GOARCH=amd64 CGO_ENABLED=0 GOPATH=$work/go GOFLAGS=-modcacherw \
        run go install github.com/distribution/distribution/v3/cmd/registry@v3.0.0 &&
        mkdir -p "$folder" && mv "$work/go/bin/windows_amd64/registry.exe" "$folder/docker-registry.exe"
}

# Adds up the lines `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
summary() {
    awk '/^test result:/ { passed += $4; failed += $6; ignored += $8 }
        END { printf "%d passed, %d failed, %d left out with a reason\n", passed, failed, ignored }' "$work/tests"
}

note() {
    if [[ $1 == FAILED ]]; then
        failures=$((failures + 1))
    fi
    report+=("$(printf '%-8s %-28s %s' "$@")")
}

fail() {
    echo "cross: $*" >&2
    exit 1
}

clean_up() {
    local status=$?
    stop_registry
    rm -rf "$work"
    exit "$status"
}

main "$@"
