#!/usr/bin/env bash
# Makes the files of a release: an archive for each target, their checksums, a bill of materials and, with a key, a
# signature and the provenance, both made by kit itself.
#
# Usage: scripts/release.sh [--out FOLDER] [--key KEY] [--check | --finish] [TARGET…]
#
# Without a target, all that scripts/cross.sh knows. The same commit gives the same bytes on every machine with the same
# compilers: times are those of the commit, paths of this machine are replaced, and archives are sorted. --check makes
# everything twice, in clones of the last commit in two folders, and compares; it takes twice as long. --finish builds
# nothing: it writes the checksums of the archives that are in FOLDER already, and signs.
#
# KEY is a private key of `kit key new`; COSIGN_PASSWORD is its password.
set -euo pipefail

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/prerequisites.sh
source "$project/scripts/prerequisites.sh"

out=$project/target/release-files
key=
is_check=
is_finish=
targets=()
work=$(mktemp -d)

main() {
    trap 'rm -rf "$work"' EXIT
    read_arguments "$@"
    cd "$project"
    need_rust
    version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
    if [[ -n $is_check ]]; then
        check
    elif [[ -n $is_finish ]]; then
        finish
    else
        make
    fi
}

read_arguments() {
    while [[ $# -gt 0 ]]; do
        case $1 in
        --out) out=$(realpath --canonicalize-missing "$2") && shift ;;
        --key) key=$(realpath "$2") && shift ;;
        --check) is_check=1 ;;
        --finish) is_finish=1 ;;
        -*) fail "unknown option $1" ;;
        *) targets+=("$1") ;;
        esac
        shift
    done
    if [[ ${#targets[@]} == 0 ]]; then
        targets=(x86_64-unknown-linux-musl aarch64-unknown-linux-musl x86_64-pc-windows-gnu x86_64-apple-darwin
            aarch64-apple-darwin)
    fi
}

# Makes everything twice and compares: in folders with names of different lengths, which would show in the bytes.
check() {
    local folder
    native
    [[ -z $(git status --porcelain --untracked-files=no) ]] || echo "uncommitted changes are not checked" >&2
    for folder in one the-other; do
        run git clone --quiet --no-hardlinks "$project" "$work/$folder"
        KIT=$kit CARGO_TARGET_DIR=$work/$folder/target run "$work/$folder/scripts/release.sh" \
            --out "$work/$folder.out" "${targets[@]}"
        rm -rf "${work:?}/$folder"
    done
    run diff "$work/one.out/SHA256SUMS" "$work/the-other.out/SHA256SUMS"
    run diff --recursive --brief "$work/one.out" "$work/the-other.out"
    echo "both folders have the same bytes"
}

make() {
    export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
    # The names of all files and the order of a list must not depend on the language of the user.
    export LC_ALL=C TZ=UTC
    umask 022
    rm -rf "$out"
    mkdir -p "$out"
    native
    without_local_paths
    local target
    for target in "${targets[@]}"; do
        archive "$target"
    done
    bill_of_materials >"$out/kit-$version.cdx.json"
    finish
}

# Writes the checksums, and signs if there is a key.
finish() {
    # Those of an earlier call: the checksums are of what is released, and the others of the checksums.
    rm -f "$out/SHA256SUMS" "$out/kit-$version.provenance.json" "$out/kit-$version.sig"
    checksums >"$work/SHA256SUMS"
    mv "$work/SHA256SUMS" "$out"
    if [[ -n $key ]]; then
        native
        sign
    fi
    run ls -l "$out"
}

# Keeps the folders of this machine out of the programs: panics of Rust and of the C libraries contain them.
without_local_paths() {
    local cargo_home=${CARGO_HOME:-$HOME/.cargo} pair flags=()
    for pair in "$(rustc --print sysroot)=/rust" "$cargo_home=/cargo" "$project=/kit"; do
        flags+=("--remap-path-prefix=$pair")
        CFLAGS="${CFLAGS:-} -ffile-prefix-map=$pair"
    done
    export CFLAGS RUSTFLAGS="${RUSTFLAGS:-} ${flags[*]}"
}

# A program for this machine, which prints man pages and signs: that in KIT, if it is set.
native() {
    kit=${KIT:-}
    if [[ -z $kit ]]; then
        run cargo build --locked
        kit=$(realpath "${CARGO_TARGET_DIR:-target}")/debug/kit
    fi
}

# Makes the archive of a target: the program, its documents and licences, man pages and completions.
archive() {
    local target=$1
    local name=kit-$version-$target suffix='' program
    [[ $target != *-windows-* ]] || suffix=.exe
    run scripts/cross.sh --profile dist --build-only "$target"
    program=${CARGO_TARGET_DIR:-target}/$target/dist/kit$suffix
    # cargo has left them there without a word.
    [[ $(file --brief "$program") != *"not stripped"* ]] || fail "the program for $target has its symbols"
    mkdir -p "$work/$name/completions"
    cp "$program" LICENSE README.md "$work/$name"
    python3 -B scripts/licenses.py "$target" >"$work/$name/THIRD-PARTY-LICENSES"
    cp completions/* "$work/$name/completions"
    "$kit" man "$work/$name/man" >/dev/null
    pack "$name" "$suffix"
    rm -rf "${work:?}/$name"
}

# Packs a folder of the work folder, always in the same way.
pack() {
    local name=$1 suffix=$2
    find "$work/$name" -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +
    find "$work/$name" -type f -exec chmod 644 {} +
    chmod 755 "$work/$name/kit$suffix"
    if [[ -n $suffix ]]; then
        python3 - "$work" "$name" "$out/$name.zip" <<'PYTHON'
"""Writes a folder as a ZIP archive, sorted, with the times that the files have."""
import os, sys, time, zipfile

work, name, archive = sys.argv[1:]
paths = sorted(os.path.join(at, file) for at, _, files in os.walk(os.path.join(work, name)) for file in files)
with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
    for path in paths:
        status = os.stat(path)
        member = zipfile.ZipInfo(os.path.relpath(path, work), time.gmtime(status.st_mtime)[:6])
        member.external_attr = status.st_mode << 16
        member.compress_type = zipfile.ZIP_DEFLATED
        with open(path, "rb") as file:
            target.writestr(member, file.read(), compresslevel=9)
PYTHON
    else
        tar --sort=name --format=ustar --owner=0 --group=0 --numeric-owner --mtime "@$SOURCE_DATE_EPOCH" \
            --directory "$work" --create "$name" | gzip --no-name -9 >"$out/$name.tar.gz"
    fi
}

# Prints what the programs are made of, from Cargo.lock, as CycloneDX.
bill_of_materials() {
    cargo metadata --locked --format-version 1 | python3 -c '
import json, os, sys
from datetime import datetime, timezone

found = json.load(sys.stdin)
own = set(found["workspace_members"])
nodes = {node["id"]: node for node in found["resolve"]["nodes"]}
packages = {package["id"]: package for package in found["packages"]}
root = found["resolve"]["root"]


def is_shipped(dependency):
    return any(kind["kind"] != "dev" for kind in dependency["dep_kinds"])


def reference(package):
    return "pkg:cargo/{name}@{version}".format(**package)


def needed(id):
    return sorted({reference(packages[one["pkg"]]) for one in nodes[id]["deps"] if is_shipped(one)})


shipped, waiting = set(), [root]
while waiting:
    id = waiting.pop()
    if id not in shipped:
        shipped.add(id)
        waiting += [one["pkg"] for one in nodes[id]["deps"] if is_shipped(one)]


def component(id):
    package = packages[id]
    made = {"type": "application" if id == root else "library", "bom-ref": reference(package)}
    made |= {"name": package["name"], "version": package["version"], "purl": reference(package)}
    if package["license"]:
        made["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    return made


order = sorted(shipped, key=lambda id: reference(packages[id]))
time = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), timezone.utc)
json.dump({
    "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
    "metadata": {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ"), "component": component(root)},
    "components": [component(id) for id in order if id != root],
    "dependencies": [{"ref": reference(packages[id]), "dependsOn": needed(id)} for id in order],
}, sys.stdout, indent=2)
print()
'
}

# Prints the checksums of the files that are released, without those in folders, which are published elsewhere.
checksums() {
    (cd "$out" && LC_ALL=C find . -maxdepth 1 -type f | sed 's|^\./||' | LC_ALL=C sort | xargs sha256sum --)
}

# States where the files come from, and signs all of them, as OpenSSF Model Signing does.
sign() {
    local signature=$out/kit-$version.sig unsigned=()
    # Packages for npm have signatures of their own.
    [[ ! -e $out/npm ]] || unsigned=(--ignore npm)
    state_provenance >"$work/provenance.json"
    mv "$work/provenance.json" "$out/kit-$version.provenance.json"
    run "$kit" sign "$out" --key "$key" --signature "$signature" "${unsigned[@]}"
    run "$kit" verify "$out" --key "$work/key.pub" --model-signature "$signature"
}

# Prints a signed statement, about a ModelKit of the files: the commit that they were built from, and their checksums.
state_provenance() {
    local store=$work/store name=kit:$version
    mkdir "$work/modelkit"
    find "$out" -maxdepth 1 -type f -exec cp {} "$work/modelkit" \;
    cat >"$work/modelkit/Kitfile" <<YAML
manifestVersion: 1.0.0
package: {name: kit, version: $version}
code: [{path: .}]
YAML
    provenance >"$work/predicate.json"
    "$kit" key show "$key" --format '{{.PublicKey}}' >"$work/key.pub"
    run "$kit" --config "$store" pack "$work/modelkit" --tag "$name" --quiet >&2
    run "$kit" --config "$store" attest "$name" --key "$key" --type slsaprovenance1 \
        --predicate "$work/predicate.json" >&2
    "$kit" --config "$store" attest "$name" --key "$work/key.pub" --get slsaprovenance1 --bundle
}

# Prints the predicate of the statement (SLSA 1.0, "Provenance").
provenance() {
    COMMIT=$(git rev-parse HEAD) VERSION=$version python3 -c '
import json, os, sys

env = os.environ
server, repository = env.get("GITHUB_SERVER_URL"), env.get("GITHUB_REPOSITORY")
source = {"name": "kit", "digest": {"gitCommit": env["COMMIT"]}}
builder = {"id": "urn:kit:builder:local"}
if repository:
    source["uri"] = "git+{}/{}@{}".format(server, repository, env["GITHUB_REF"])
    builder["id"] = "{}/{}".format(server, env["GITHUB_WORKFLOW_REF"])
files = [line.split() for line in sys.stdin]
json.dump({
    "buildDefinition": {
        "buildType": "urn:kit:release:v1",
        "externalParameters": {"version": env["VERSION"]},
        "resolvedDependencies": [source],
    },
    "runDetails": {
        "builder": builder,
        "byproducts": [{"name": name, "digest": {"sha256": sum}} for sum, name in files],
    },
}, sys.stdout)
' <"$out/SHA256SUMS"
}

fail() {
    echo "release: $*" >&2
    exit 1
}

main "$@"
