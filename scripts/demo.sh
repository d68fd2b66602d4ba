#!/usr/bin/env bash
# The life of a model, for real: pack, push, pull, unpack, compare, sign, verify. Usage: scripts/demo.sh
#
# Builds kit, starts a registry on a free port of this machine, and plays four machines, each with a home of its own:
# the laptop where the model is made, the server that pulls it, the CI runner that signs it, and the cluster that
# unpacks straight from the registry what its policy allows. Everything it starts is stopped, and everything it writes
# outside of target/ is removed, also when a step fails.
set -euo pipefail

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/prerequisites.sh
source "$project/scripts/prerequisites.sh"

# What `--filter model` has to bring, and nothing else: the model and its parts in examples/digits/Kitfile.
model_files=(config.json preprocessor.json weights/model.safetensors)

work=$(mktemp -d)
# The repository that is pushed to, and the flags its registry needs; `find_registry` sets both.
remote=
network=()

main() {
    trap clean_up EXIT
    trap 'exit 130' INT TERM
    build
    find_registry
    cd "$work"
    publish_version_1
    pull_on_the_server
    publish_version_2
    release_version_2
    guard_the_cluster
    unpack_in_the_cluster
    say "Done: two versions packed, pushed, pulled, unpacked and verified, one of them signed"
}

build() {
    say "Build kit"
    need_rust
    cd "$project"
    # The profile of the tests: where they have run, there is nothing left to build.
    run cargo build --locked
    PATH="${CARGO_TARGET_DIR:-$project/target}/debug:$PATH"
    run kit version
}

publish_version_1() {
    say "Laptop: pack version 1 and push it"
    run cp -R "$project/examples/digits" digits-v1
    run kit --config laptop pack digits-v1 --tag digits:v1
    run kit --config laptop list
    run kit --config laptop push digits:v1 "$remote:v1" "${network[@]}"
}

pull_on_the_server() {
    say "Server: pull version 1, unpack only the model, verify"
    run kit --config server pull "$remote:v1" "${network[@]}"
    run kit --config server unpack "$remote:v1" --dir served --filter model
    verify digits-v1 served
    run kit --config server fsck
}

publish_version_2() {
    say "Laptop: pack version 2, which was trained for longer, push it, see what changed"
    run cp -R digits-v1 digits-v2
    run cp -R "$project/examples/digits-v2/." digits-v2
    run kit --config laptop pack digits-v2 --tag digits:v2
    run kit --config laptop push digits:v2 "$remote:v2" "${network[@]}"
    run kit --config laptop diff digits:v1 digits:v2
}

release_version_2() {
    say "CI: scan version 2, sign it, and attest its provenance, its bill of materials and the result of the scan"
    export COSIGN_PASSWORD=demo
    run kit --config ci key new ci
    run kit --config ci scan "$remote:v2" --remote "${network[@]}"
    run kit --config ci sign "$remote:v2" --key ci.key --remote "${network[@]}"
    local statement
    for statement in --provenance --sbom --scan; do
        run kit --config ci attest "$remote:v2" --key ci.key "$statement" --remote "${network[@]}"
    done
    unset COSIGN_PASSWORD
}

guard_the_cluster() {
    say "Cluster: a policy admits only what CI signed and attested; version 1 is refused, version 2 is accepted"
    run kit --config cluster verify "$remote:v2" --key ci.pub --remote "${network[@]}"
    refused kit --config cluster verify "$remote:v1" --key ci.pub --remote "${network[@]}"
    mkdir -p cluster
    cp ci.pub cluster
    # The policy of a machine is `policy.toml` beside its config.toml.
    cat >cluster/policy.toml <<TOML
version = 1
default = "refuse"

[keys.ci]
file = "ci.pub"

[[rule]]
match = ["${remote/#oci:/oci:$work/}"]
signed-by = { any = ["ci"] }
attestations = [
  { type = "slsaprovenance1", signed-by = { any = ["ci"] } },
  { type = "cyclonedx", signed-by = { any = ["ci"] } },
]
scan = { at-most = "low", by = ["ci"] }
formats = ["safetensors"]
TOML
    run cat cluster/policy.toml
    run kit --config cluster policy test cluster/policy.toml
    refused kit --config cluster unpack "$remote:v1" --dir deployed --filter model "${network[@]}"
    [[ ! -e deployed ]] || fail "version 1 was unpacked"
    run kit --config cluster policy check "$remote:v2" "${network[@]}"
}

# Runs a command that has to exit with 1: what it was asked for is not so, or not allowed.
refused() {
    local code=0
    run "$@" || code=$?
    [[ $code == 1 ]] || fail "exit code $code instead of 1"
}

unpack_in_the_cluster() {
    say "Cluster: unpack the model of version 2 straight from the registry, with nothing stored before"
    run kit --config cluster unpack "$remote:v2" --dir deployed --filter model "${network[@]}"
    verify digits-v2 deployed
    if command -v python3 >/dev/null; then
        run python3 -B digits-v2/src/predict.py deployed digits-v2/data/validation.csv
    fi
}

# Checks that folder `$2` holds the model files of project `$1`, byte for byte, and no other file.
verify() {
    (cd "$1" && sha256sum "${model_files[@]}") >expected.sha256
    in_folder "$2" sha256sum --check --strict ../expected.sha256
    local surplus
    surplus=$(cd "$2" && find . -type f | sed 's|^\./||' | sort |
        comm -23 - <(printf '%s\n' "${model_files[@]}" | sort))
    [[ -z $surplus ]] || fail "only the model was asked for, but $2 also holds: $surplus"
}

# Starts a registry. Where it cannot be installed, a folder in the OCI layout takes its place.
find_registry() {
    say "Start a registry"
    if ! need_registry; then
        remote=oci:registry
        echo "docker-registry cannot be installed: using the OCI layout in the folder \`registry\` instead"
        return
    fi
    printf '$ docker-registry serve registry.yml &\n'
    start_registry "$work/registry"
    echo "listening on $registry"
    remote=$registry/team/digits
    network=(--plain-http)
    # Nothing on the way to this machine itself needs a proxy.
    export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1
}

say() {
    printf '\n== %s\n' "$*"
}

in_folder() {
    printf '\n$ cd %s && %s\n' "$1" "${*:2}"
    (cd "$1" && "${@:2}")
}

fail() {
    echo "demo: $*" >&2
    exit 1
}

clean_up() {
    local status=$?
    stop_registry
    cd /
    rm -rf "$work"
    if [[ $status != 0 ]]; then
        printf '\ndemo: failed with exit code %s\n' "$status" >&2
    fi
    exit "$status"
}

main "$@"
