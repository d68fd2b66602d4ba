#!/usr/bin/env bash
# Runs fuzz targets for the given time each, and fails at the first input that breaks a parser.
#
# Usage: scripts/fuzz.sh SECONDS [TARGET…]    runs all targets if none is named; see fuzz/README.md
#
#   JOBS=2              runs 2 targets at the same time
#   SANITIZER=address   also detects memory errors; slower, and works with a stable toolchain
#
# A target fails when it panics, when an input of at most 64 KiB takes more than 10 seconds, or when the process uses
# more than 512 MiB. Inputs that reach new code are kept in fuzz/corpus, and the next run starts from them. Failing
# inputs are kept in fuzz/artifacts.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/prerequisites.sh
source scripts/prerequisites.sh

# cargo-fuzz passes unstable compiler flags, which a stable toolchain accepts only with this variable.
export RUSTC_BOOTSTRAP=1
sanitizer=${SANITIZER:-none}
# The sanitizer needs shadow memory, and keeps freed memory for a while.
limit_mib=$([[ $sanitizer == none ]] && echo 512 || echo 2048)

main() {
    local seconds=${1:-} target
    [[ $seconds =~ ^[1-9][0-9]*$ ]] || usage
    shift
    need_rust || exit 1
    cargo fuzz --version >/dev/null 2>&1 || cargo install cargo-fuzz --locked
    mapfile -t known < <(cargo fuzz list)
    local targets=("$@")
    ((${#targets[@]})) || targets=("${known[@]}")
    for target in "${targets[@]}"; do
        [[ " ${known[*]} " == *" $target "* ]] || usage
    done
    cargo run --quiet --locked --manifest-path fuzz/seeds/Cargo.toml -- fuzz/corpus
    # Builds every target first, so that a target that does not compile fails at once.
    cargo fuzz build --sanitizer "$sanitizer"
    export -f fuzz
    export sanitizer limit_mib seconds
    printf '%s\n' "${targets[@]}" | xargs -P "${JOBS:-1}" -I{} bash -c 'fuzz {}'
    printf '\nAll targets passed: %s\n' "${targets[*]}"
}

# Runs one target. Exit code 255 makes xargs stop, so the failure is the last thing that is printed.
fuzz() {
    local target=$1 log dictionary=fuzz/dictionaries/$1.dict options=()
    mkdir -p "fuzz/corpus/$target" fuzz/artifacts
    log=fuzz/artifacts/$target.log
    [[ ! -e $dictionary ]] || options+=("-dict=$dictionary")
    printf '%s: %s seconds\n' "$target" "$seconds"
    if cargo fuzz run --sanitizer "$sanitizer" "$target" -- -max_total_time="$seconds" -timeout=10 -max_len=65536 \
        -rss_limit_mb="$limit_mib" -print_final_stats=1 "${options[@]}" >"$log" 2>&1; then
        grep -E 'number_of_executed_units|peak_rss_mb' "$log" | sed "s/^/$target: /"
    else
        grep -m 1 -A 4 -E 'panicked at|ERROR:' "$log" || tail -n 60 "$log"
        grep -A 2 -E '^(Failing input|Reproduce with):$' "$log"
        printf '\nFAILED: %s. The input and the command that reproduces it are printed above.\n' "$target"
        printf 'The whole output is in %s\n' "$log"
        exit 255
    fi >&2
}

usage() {
    sed -n 's/^# \{0,1\}//; 2,11p' "${BASH_SOURCE[0]}" >&2
    printf '\nTargets: %s\n' "$(cargo fuzz list | paste -sd ' ')" >&2
    exit 2
}

main "$@"
