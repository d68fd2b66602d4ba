#!/usr/bin/env bash
# Makes a container image of kit without docker: one static program, its licences and the certificate authorities that
# it trusts, from scratch, for a user that is not root.
#
# Usage: scripts/image.sh PROGRAM FOLDER[:TAG]
#   PROGRAM is the static kit in an unpacked archive of a release: LICENSE and THIRD-PARTY-LICENSES are beside it.
#   FOLDER is an OCI image layout, which is made if it does not exist.
#   `skopeo copy oci:FOLDER:TAG docker://REGISTRY/kit:TAG` publishes it.
set -euo pipefail

[[ $# == 2 ]] || { sed -n '5,8s/^# //p' "$0" >&2; exit 2; }
program=$(realpath "$1") layout=${2%%:*} tag=${2#"${2%%:*}"}
tag=${tag#:} tag=${tag:-latest}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/prerequisites.sh
source "$here/prerequisites.sh"
authorities=/etc/ssl/certs/ca-certificates.crt

main() {
    local architecture created time=${SOURCE_DATE_EPOCH:-0}
    command -v umoci >/dev/null || install_packages umoci
    [[ -e $authorities ]] || install_packages ca-certificates
    architecture=$(architecture)
    created=$(date --utc --date "@$time" +%Y-%m-%dT%H:%M:%SZ)
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    install -D -m 755 "$program" "$work/root/usr/local/bin/kit"
    install -D -m 644 -t "$work/root/usr/share/doc/kit" "${program%/*}/LICENSE" "${program%/*}/THIRD-PARTY-LICENSES"
    install -D -m 644 "$authorities" "$work/root/etc/ssl/certs/ca-certificates.crt"
    mkdir -m 1777 "$work/root/tmp"
    find "$work/root" -exec touch --date "@$time" {} +
    [[ -e $layout ]] || umoci init --layout "$layout"
    umoci new --image "$layout:$tag"
    # With one option, so that the image has one layer: everything in the folder, with root as the owner.
    umoci insert --rootless --history.created "$created" --image "$layout:$tag" "$work/root" /
    umoci config --image "$layout:$tag" --no-history --created "$created" --architecture "$architecture" --os linux \
        --config.user 10001:10001 --config.entrypoint /usr/local/bin/kit --config.workingdir /tmp \
        --config.env PATH=/usr/local/bin --config.env KIT_HOME=/tmp/kit \
        --config.label org.opencontainers.image.title=kit --config.label org.opencontainers.image.licenses=Apache-2.0
    umoci gc --layout "$layout"
    echo "$layout:$tag for $architecture"
}

# Prints the name that OCI has for the processor of the program (ELF: e_machine at offset 18).
architecture() {
    case $(od -A n -t u2 -j 18 -N 2 "$program" | tr -d ' ') in
        62) echo amd64 ;;
        183) echo arm64 ;;
        *) echo "$program is not a program for x86-64 or ARM64 on Linux" >&2; return 1 ;;
    esac
}

main
