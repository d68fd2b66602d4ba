#!/usr/bin/env bash
# Packs a large model directly into docker's registry, unpacks it directly from there, and prints how much memory and
# additional disk space each step took.
# Usage: scripts/large.sh [GIBIBYTES, 8 if not given].
# Fails above 96 MiB of memory or 64 MiB of disk space. Needs twice the size of the model on the disk, below TMPDIR, and
# removes it.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/prerequisites.sh
source scripts/prerequisites.sh

MEMORY_LIMIT_KIB=$((96 * 1024))
DISK_LIMIT_KIB=$((64 * 1024))

main() {
    local gibibytes=${1:-8}
    cargo build --release --locked
    kit=$PWD/target/release/kit
    folder=$(mktemp -d)
    trap clean_up EXIT
    cd "$folder"
    export KIT_HOME=$folder/home NO_PROXY='*'
    need_registry
    start_registry "$folder/registry"
    make_model "$gibibytes"
    remote=$registry/large:v1

    measure "pack --push" "$kit" pack project --push "$remote" --plain-http --quiet
    [ ! -e home/store ] || fail "pack --push has made a store"
    rm -r project
    measure unpack "$kit" unpack "$remote" -d out --plain-http --quiet
    [ "$(sha256sum <out/weights)" = "$digest" ] || fail "the model is another"
}

# Bytes that no file system and no compression makes smaller.
make_model() {
    mkdir project
    printf 'manifestVersion: 1.0.0\nmodel: {path: weights}\n' >project/Kitfile
    openssl enc -aes-128-ctr -pass pass:large -nosalt -pbkdf2 </dev/zero 2>/dev/null |
        head -c "$1G" >project/weights || true
    digest=$(sha256sum <project/weights)
}

# Runs a command and looks at the disk meanwhile: what it holds at most must be what it holds at the end.
measure() {
    local name=$1 most=0 now before
    shift
    before=$(used)
    /usr/bin/time --format '%M %e' --output time.txt "$@" &
    local running=$!
    while kill -0 "$running" 2>/dev/null; do
        now=$(used)
        if [ "$now" -gt "$most" ]; then most=$now; fi
        sleep 0.2
    done
    wait "$running"
    local memory seconds beside
    read -r memory seconds <time.txt
    beside=$((most - $(used)))
    printf '%s: %s s, %s MiB of memory, %s MiB written, at most %s KiB of disk beside them\n' \
        "$name" "$seconds" "$((memory / 1024))" "$((($(used) - before) / 1024))" "$((beside > 0 ? beside : 0))"
    [ "$memory" -lt "$MEMORY_LIMIT_KIB" ] || fail "$name takes more than $MEMORY_LIMIT_KIB KiB of memory"
    [ "$beside" -lt "$DISK_LIMIT_KIB" ] || fail "$name takes more than $DISK_LIMIT_KIB KiB of disk beside the result"
}

# KiB of everything in the folder. A file may go while du looks.
used() {
    du -sk "$folder" 2>/dev/null | cut -f 1 || true
}

fail() {
    printf 'error: %s\n' "$1" >&2
    exit 1
}

clean_up() {
    stop_registry
    rm -rf "$folder"
}

main "$@"
