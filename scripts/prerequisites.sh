# Sourced by the other scripts: finds cargo, and installs missing programs from Debian's packages if it may.
# shellcheck shell=bash

# Prints how to become root: nothing for root itself, `sudo`, or a failure where there is neither.
become_root() {
    if [[ $(id -u) == 0 ]]; then
        return 0
    elif command -v sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
        echo sudo
    else
        return 1
    fi
}

# Installs the given packages, or fails, having said why on standard error.
install_packages() {
    local root
    if ! command -v apt-get >/dev/null; then
        echo "cannot install $*: there is no apt-get here" >&2
        return 1
    elif ! root=$(become_root); then
        echo "cannot install $*: this needs root or sudo" >&2
        return 1
    fi
    echo "installing $* with apt-get" >&2
    # Where `root` is empty, the word disappears and the command runs as it is.
    $root apt-get update -qq >&2 &&
        $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

# Installs docker-registry and stops the service that its package starts: each script runs a registry of its own.
install_registry() {
    install_packages docker-registry || return 1
    if [[ -d /run/systemd/system ]]; then
        $(become_root) systemctl disable --quiet --now docker-registry
    fi
}

# Sees to docker-registry.
need_registry() {
    command -v docker-registry >/dev/null || install_registry
}

# Starts docker-registry, with its files in the folder `$1`, and sets `registry` to its address: the system chooses the
# port. `stop_registry` ends it.
start_registry() {
    local folder=$1 _
    mkdir -p "$folder"
    cat >"$folder/registry.yml" <<YAML
version: 0.1
log: {level: info, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: '$folder/storage'}}
http: {addr: "127.0.0.1:0"}
YAML
    # The file exists before anything looks into it.
    : >"$folder/registry.log"
    docker-registry serve "$folder/registry.yml" >"$folder/registry.log" 2>&1 &
    registry_pid=$!
    for _ in {1..100}; do
        registry=$(sed -n 's/.*listening on \(127\.0\.0\.1:[0-9]*\).*/\1/p' "$folder/registry.log")
        [[ -z $registry ]] || return 0
        kill -0 "$registry_pid" 2>/dev/null || break
        sleep 0.1
    done
    echo "docker-registry did not start: $(tail -n 5 "$folder/registry.log")" >&2
    return 1
}

# Ends the registry, if one was started.
stop_registry() {
    [[ -n ${registry_pid:-} ]] || return 0
    # It may have ended by itself; what counts is that it is gone.
    kill "$registry_pid" 2>/dev/null || true
    wait "$registry_pid" 2>/dev/null || true
}

# Makes `cargo` callable and sees to a C compiler, which links every Rust program and builds the C parts of zstd and
# ring.
need_rust() {
    command -v cargo >/dev/null || PATH="$HOME/.cargo/bin:$PATH"
    if ! command -v cargo >/dev/null; then
        echo "cargo is missing: install Rust 1.89 or newer, see https://rustup.rs" >&2
        return 1
    fi
    command -v cc >/dev/null || install_packages build-essential
}

# Sees to the registry and the programs that the tests and the commands of the guides use.
need_tools() {
    local tool
    need_registry || return
    for tool in skopeo umoci git openssl python3 curl; do
        command -v "$tool" >/dev/null || install_packages "$tool" || return
    done
}

# Succeeds if there is a browser for the tests of the page that `kit report` writes.
has_browser() {
    local browser
    for browser in chromium chromium-browser google-chrome; do
        command -v "$browser" >/dev/null && return
    done
    return 1
}

# Installs a browser where Debian has a package of it: that of Ubuntu installs a snap, which does not run in containers.
install_browser() {
    has_browser || { grep -qs '^ID=debian$' /etc/os-release && install_packages chromium; }
}

# Python packages of others that read what kit wrote, and one that runs kit, in a folder of their own.
install_peers() {
    install_python_packages "${CARGO_TARGET_DIR:-target}/tmp/peers" tests/peers/requirements.txt
}

# Installs the packages of a list into a Python in a folder of its own. They are installed again when the list changes.
install_python_packages() {
    local folder=$1 list=$2
    cmp --silent "$list" "$folder/requirements.txt" && return
    rm -rf "$folder"
    make_python "$folder" && run "$folder/bin/pip" --disable-pip-version-check install --quiet --requirement "$list" &&
        cp "$list" "$folder/requirements.txt"
}

# Makes a Python that has packages of its own.
make_python() {
    command -v python3 >/dev/null || install_packages python3 python3-venv || return
    python3 -m venv "$1" || { install_packages python3-venv && python3 -m venv --clear "$1"; }
}

# Prints a command, then runs it.
run() {
    printf '\n$ %s\n' "$*"
    "$@"
}
