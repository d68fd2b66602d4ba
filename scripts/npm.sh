#!/usr/bin/env bash
# Makes npm packages from the archives of a release: one for each platform, with the program, and `kit-modelkit`, which
# has them as optional dependencies, so that npm installs the one that fits.
#
# Usage: scripts/npm.sh FOLDER VERSION
#   FOLDER has the archives kit-VERSION-TARGET.tar.gz (.zip for Windows); the packages are written to FOLDER/npm.
#   If there is an archive for this machine, its packages are installed into a temporary folder and tried.
#
# To publish them: `npm publish FOLDER/npm/NAME.tgz`, that of `kit-modelkit` last.
set -euo pipefail

[[ $# == 2 ]] || { sed -n '5,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
folder=$(cd "$1" && pwd) version=$2
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The target of the archive, and the platform and processor as node calls them. The programs for musl are static: they
# run on every Linux, so no package depends on the C library.
PLATFORMS=(
    "x86_64-unknown-linux-musl linux x64"
    "aarch64-unknown-linux-musl linux arm64"
    "x86_64-apple-darwin darwin x64"
    "aarch64-apple-darwin darwin arm64"
    "x86_64-pc-windows-gnu win32 x64"
)

description=$(sed -n 's/^description = "\(.*\)"/\1/p' Cargo.toml)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

main() {
    local target os cpu dependencies=()
    rm -rf "$folder/npm"
    mkdir "$folder/npm"
    for platform in "${PLATFORMS[@]}"; do
        read -r target os cpu <<<"$platform"
        if program "$target" "$os-$cpu"; then
            package "kit-modelkit-$os-$cpu" "\"os\": [\"$os\"], \"cpu\": [\"$cpu\"]"
            dependencies+=("\"kit-modelkit-$os-$cpu\": \"$version\"")
        fi
    done
    [[ ${#dependencies[@]} != 0 ]] || { echo "there are no archives for $version in $folder" >&2; exit 1; }
    mkdir "$work/kit-modelkit"
    cp packaging/npm/kit.js packaging/npm/README.md "$work/kit-modelkit"
    chmod 755 "$work/kit-modelkit/kit.js"
    package kit-modelkit "\"bin\": {\"kit\": \"kit.js\"}, \"engines\": {\"node\": \">=18\"},
        \"optionalDependencies\": {$(IFS=,; echo "${dependencies[*]}")}"
    try
}

# program TARGET PLATFORM: takes the program and its licences out of an archive, or reports that there is none.
program() {
    local name=kit-$version-$1 package=$work/kit-modelkit-$2
    mkdir -p "$package/bin"
    if [[ -f $folder/$name.tar.gz ]]; then
        tar -xzf "$folder/$name.tar.gz" -C "$package/bin" --strip-components 1 "$name/kit"
        tar -xzf "$folder/$name.tar.gz" -C "$package" --strip-components 1 "$name/THIRD-PARTY-LICENSES"
    elif [[ -f $folder/$name.zip ]]; then
        unzip -q -j "$folder/$name.zip" "$name/kit.exe" -d "$package/bin"
        unzip -q -j "$folder/$name.zip" "$name/THIRD-PARTY-LICENSES" -d "$package"
    else
        echo "left out: there is no archive for $1" >&2
        return 1
    fi
}

# package NAME MEMBERS: completes the package in the folder of its name, and writes it to FOLDER/npm.
package() {
    cp LICENSE "$work/$1"
    # shellcheck disable=SC2016  # a template of JavaScript
    node -e '
        const [name, version, description, members] = process.argv.slice(1);
        const common = { name, version, description, license: "Apache-2.0" };
        console.log(JSON.stringify({ ...common, ...JSON.parse(`{${members}}`) }, null, 2));
    ' "$1" "$version" "$description" "$2" >"$work/$1/package.json"
    npm pack "$work/$1" --pack-destination "$folder/npm" --loglevel error >/dev/null
    echo "$folder/npm/$1-$version.tgz"
}

# Installs the packages for this machine without a network, and runs the program as a user would.
try() {
    local platform own
    # shellcheck disable=SC2016  # a template of JavaScript
    platform=$(node -p '`${process.platform}-${process.arch}`')
    own=$folder/npm/kit-modelkit-$platform-$version.tgz
    if [[ ! -f $own ]]; then
        echo "not tried: there is no package for $platform" >&2
        return
    fi
    npm install --prefix "$work/try" --offline --no-audit --no-fund --loglevel error \
        "$own" "$folder/npm/kit-modelkit-$version.tgz" >&2
    "$work/try/node_modules/.bin/kit" version >&2
    # The exit code is that of kit.
    local status=0
    KIT_HOME=$work/home "$work/try/node_modules/.bin/kit" info nope:v1 2>/dev/null || status=$?
    [[ $status == 4 ]] || { echo "the launcher exited with $status instead of 4" >&2; exit 1; }
}

main
