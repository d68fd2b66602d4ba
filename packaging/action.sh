#!/usr/bin/env bash
# The steps of the GitHub Action (action.yml): install, login, publish. Inputs are variables, never parts of a command
# or a script.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Installs kit with the script of the releases, which compares the checksum of the archive.
install() {
    local version=${KIT_ACTION_VERSION:-} url=${KIT_ACTION_URL:-} script folder=$RUNNER_TEMP/kit-bin
    if [[ -z $version ]]; then
        version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$here/Cargo.toml" | head -n 1)
    fi
    # The version becomes a part of the script.
    version=${version#v}
    [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+[0-9A-Za-z.+-]*$ ]] || fail "the input \`version\` is not a version: $version"
    if [[ -z $url ]]; then
        # `uses: ./` has no repository.
        [[ ${KIT_ACTION_REPOSITORY:-} == */*/*/?* ]] ||
            fail "the repository of the action is not known: set the input \`download-url\`"
        url=$KIT_ACTION_REPOSITORY/releases/download/v$version
    fi
    script=$(<"$here/packaging/install.sh.in")
    KIT_INSTALL_DIR=$folder KIT_DOWNLOAD_URL=$url sh -c "${script//@VERSION@/$version}"
    printf '%s\n' "$folder" >>"$GITHUB_PATH"
}

login() {
    printf '%s' "$KIT_ACTION_PASSWORD" |
        kit login --username="$KIT_ACTION_USERNAME" --password-stdin -- "$KIT_ACTION_REGISTRY"
}

# Packs and pushes in one step, so that the runner needs no space for a second copy of the weights.
publish() {
    local digest=$RUNNER_TEMP/kit-digest flags=()
    [[ -z $KIT_ACTION_ALSO ]] || flags+=(--also="$KIT_ACTION_ALSO")
    # The `+` is for bash 3.2 of macOS, for which an empty list is not set.
    kit pack --push="$KIT_ACTION_TAG" --digest-file="$digest" ${flags[@]+"${flags[@]}"} -- "$KIT_ACTION_PATH"
    printf 'digest=%s\n' "$(<"$digest")" >>"$GITHUB_OUTPUT"
    # shellcheck disable=SC2016  # marks of Markdown
    printf '### `%s`\n\n`%s`\n' "$KIT_ACTION_TAG" "$(<"$digest")" >>"$GITHUB_STEP_SUMMARY"
    [[ -z $KIT_ACTION_SINCE ]] || summarize "$RUNNER_TEMP/kit-changes.md"
}

# Adds the changes since an earlier version to the summary. The first run has none: the tag does not exist yet.
summarize() {
    local changes=$1 code=0
    kit news --since="$KIT_ACTION_SINCE" -- "$KIT_ACTION_TAG" >"$changes" || code=$?
    case $code in
        0) printf 'changes=%s\n' "$changes" >>"$GITHUB_OUTPUT" ;;
        4) printf "There is no \`%s\` yet.\n" "$KIT_ACTION_SINCE" >"$changes" ;;
        *) exit "$code" ;;
    esac
    { echo && cat "$changes"; } >>"$GITHUB_STEP_SUMMARY"
}

# Fails with a message that GitHub shows at the job. Line breaks would begin another command of the runner.
fail() {
    printf '::error::%s\n' "${1//[$'\r\n']/ }" >&2
    exit 1
}

"$1"
