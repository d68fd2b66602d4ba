#!/usr/bin/env bash
# Makes what package managers need from the archives of a release: install.sh, install.ps1, a Homebrew formula, a Scoop
# manifest and Debian packages. Everything comes from the templates in packaging/, and is checked.
#
# Usage: scripts/packages.sh [--no-lint] FOLDER VERSION URL
#   FOLDER has the archives kit-VERSION-TARGET.tar.gz (.zip for Windows) and SHA256SUMS; the results are written there.
#   URL is the address at which the content of FOLDER will be published.
#   KIT_MAINTAINER is the maintainer of the Debian packages: the author of the last commit, if it is not set.
set -euo pipefail

is_linted=1
[[ ${1:-} != --no-lint ]] || { is_linted= && shift; }
[[ $# == 3 ]] || { sed -n '5,8s/^# //p' "$0" >&2; exit 2; }
folder=$(cd "$1" && pwd) version=$2 url=${3%/}
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The page of the project: the address without what GitHub has behind it for a release.
homepage=${url%%/releases/download/*}
maintainer=${KIT_MAINTAINER:-$(git log -1 --format='%aN <%aE>')}

main() {
    local script
    render install.sh.in >"$folder/install.sh"
    render install.ps1.in >"$folder/install.ps1"
    chmod 755 "$folder/install.sh"
    check "sh" sh -n "$folder/install.sh"
    check "shellcheck" shellcheck "$folder/install.sh"
    # A package manager needs the sums of all its systems.
    if script=$(render kit.rb.in); then
        printf '%s\n' "$script" >"$folder/kit.rb"
        check "ruby" ruby -wc "$folder/kit.rb"
    fi
    if script=$(render kit.json.in); then
        printf '%s\n' "$script" >"$folder/kit.json"
        check "python3" python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$folder/kit.json"
    fi
    debian x86_64-unknown-linux-musl amd64
    debian aarch64-unknown-linux-musl arm64
}

# Prints a template with its values, or fails if the archive of a target is missing.
render() {
    local text target
    text=$(<"packaging/$1")
    text=${text//@VERSION@/"$version"}
    text=${text//@URL@/"$url"}
    text=${text//@HOMEPAGE@/"$homepage"}
    while [[ $text =~ @SHA256:([a-z0-9_-]+)@ ]]; do
        target=${BASH_REMATCH[1]}
        text=${text//@SHA256:$target@/$(sum_of "$target")} || return 1
    done
    printf '%s\n' "$text"
}

# Prints the SHA-256 of the archive for a target.
sum_of() {
    local sum
    sum=$(awk -v name="kit-$version-$1." 'index($2, name) == 1 { print $1 }' "$folder/SHA256SUMS")
    [[ -n $sum ]] || { echo "left out: there is no archive for $1" >&2; return 1; }
    printf '%s' "$sum"
}

# Runs a program that checks a result, and says so if it is not installed.
check() {
    local tool=$1
    shift
    if [[ -z $is_linted ]]; then
        return
    elif command -v "$tool" >/dev/null; then
        "$@" >&2
    else
        echo "not checked by $tool, which is not installed: ${*: -1}" >&2
    fi
}

# debian TARGET ARCHITECTURE: the package with the program, its licences, man pages and completions.
debian() {
    local name=kit-$version-$1 work root time
    if ! command -v dpkg-deb >/dev/null || [[ ! -f $folder/$name.tar.gz ]]; then
        echo "left out: the Debian package for $2 needs dpkg-deb and $name.tar.gz" >&2
        return
    fi
    work=$(mktemp -d)
    # shellcheck disable=SC2064  # the folder of this call
    trap "rm -rf '$work'" RETURN
    root=$work/root
    tar -xzf "$folder/$name.tar.gz" -C "$work"
    install -D -m 755 "$work/$name/kit" "$root/usr/bin/kit"
    # The same input gives the same package (reproducible-builds.org): the time is that of the archive's files.
    time=$(stat -c %Y "$work/$name/kit")
    mkdir -p "$root/usr/share/doc/kit" "$root/DEBIAN"
    fill debian-copyright.in >"$root/usr/share/doc/kit/copyright"
    gzip -9n <"$work/$name/THIRD-PARTY-LICENSES" >"$root/usr/share/doc/kit/THIRD-PARTY-LICENSES.gz"
    changelog "$time" | gzip -9n >"$root/usr/share/doc/kit/changelog.gz"
    install -D -m 644 -t "$root/usr/share/man/man1" "$work/$name"/man/*.1
    gzip -9n "$root"/usr/share/man/man1/*.1
    install -D -m 644 "$work/$name/completions/kit.bash" "$root/usr/share/bash-completion/completions/kit"
    install -D -m 644 "$work/$name/completions/kit.zsh" "$root/usr/share/zsh/vendor-completions/_kit"
    install -D -m 644 "$work/$name/completions/kit.fish" "$root/usr/share/fish/vendor_completions.d/kit.fish"
    fill debian-control.in "$2" "$(du -sk --exclude DEBIAN "$root" | cut -f 1)" >"$root/DEBIAN/control"
    find "$root" -exec chmod go-w {} +
    SOURCE_DATE_EPOCH=$time dpkg-deb --root-owner-group -Zxz --build "$root" "$folder/kit_${version}_$2.deb" >/dev/null
    check "lintian" lintian --fail-on error "$folder/kit_${version}_$2.deb"
}

# fill TEMPLATE [ARCHITECTURE KIBIBYTES]: prints a file of the Debian package.
fill() {
    local text
    text=$(<"packaging/$1")
    text=${text//@VERSION@/"$version"}
    text=${text//@ARCHITECTURE@/"${2:-}"}
    text=${text//@KIBIBYTES@/"${3:-}"}
    text=${text//@MAINTAINER@/"$maintainer"}
    printf '%s\n' "${text//@HOMEPAGE@/"$homepage"}"
}

# Prints the changelog that Debian asks for.
changelog() {
    printf 'kit (%s) unstable; urgency=medium\n\n  * The changes are described at %s\n\n -- %s  %s\n' \
        "$version" "$homepage" "$maintainer" "$(LC_ALL=C date --utc --date "@$1" '+%a, %d %b %Y %H:%M:%S +0000')"
}

main
