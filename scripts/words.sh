#!/usr/bin/env bash
# Checks that no text uses a word that scripts/words.py rules out and that no line is wider than 120 columns.
# Usage: scripts/words.sh [--count | --self-test] [PATH...]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/prerequisites.sh
source scripts/prerequisites.sh

command -v python3 >/dev/null || install_packages python3
exec python3 -B scripts/words.py "$@"
