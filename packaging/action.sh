#!/usr/bin/env bash
# The steps of the GitHub Action (action.yml): install, login, publish. Inputs are variables, never parts of a command.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Installs kit with the script of the releases, which compares the checksum of the archive.
install() {
    local version=${KIT_ACTION_VERSION:-} url=${KIT_ACTION_URL:-} script folder=$RUNNER_TEMP/kit-bin
    if [[ -z $version ]]; then
        version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$here/Cargo.toml" | head -n 1)
    fi
    url=${url:-$KIT_ACTION_REPOSITORY/releases/download/v$version}
    script=$(<"$here/packaging/install.sh.in")
    script=${script//@VERSION@/$version}
    KIT_INSTALL_DIR=$folder sh -c "${script//@URL@/$url}"
    printf '%s\n' "$folder" >>"$GITHUB_PATH"
}

login() {
    printf '%s' "$KIT_ACTION_PASSWORD" |
        kit login "$KIT_ACTION_REGISTRY" --username "$KIT_ACTION_USERNAME" --password-stdin
}

# Packs and pushes in one step, so that the runner needs no space for a second copy of the weights.
publish() {
    local digest=$RUNNER_TEMP/kit-digest changes=$RUNNER_TEMP/kit-changes.md flags=()
    [[ -z $KIT_ACTION_ALSO ]] || flags+=(--also "$KIT_ACTION_ALSO")
    kit pack "$KIT_ACTION_PATH" --push "$KIT_ACTION_TAG" --digest-file "$digest" "${flags[@]}"
    printf 'digest=%s\n' "$(<"$digest")" >>"$GITHUB_OUTPUT"
    printf '### `%s`\n\n`%s`\n' "$KIT_ACTION_TAG" "$(<"$digest")" >>"$GITHUB_STEP_SUMMARY"
    if [[ -n $KIT_ACTION_SINCE ]]; then
        kit news "$KIT_ACTION_TAG" --since "$KIT_ACTION_SINCE" >"$changes"
        printf '\n' | cat - "$changes" >>"$GITHUB_STEP_SUMMARY"
        printf 'changes=%s\n' "$changes" >>"$GITHUB_OUTPUT"
    fi
}

"$1"
