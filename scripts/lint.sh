#!/usr/bin/env bash
# Formatting, clippy without a single warning, licences and advisories, the shell scripts.
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/need.sh"
cd -- "$root"

must_have cargo cc
cargo fmt --all --check
cargo clippy --workspace --all-targets -- -D warnings
if command -v cargo-deny >/dev/null; then
    cargo deny --workspace check bans licenses sources
    if cargo deny --workspace fetch db; then
        cargo deny --workspace check --disable-fetch advisories
    else
        say "The list of advisories cannot be reached: they are not checked."
    fi
else
    say "cargo-deny is not installed: licences and advisories are not checked (cargo install cargo-deny --locked)."
fi
if command -v shellcheck >/dev/null; then
    shellcheck -x -P scripts scripts/*.sh .ci/run
else
    say "shellcheck is not installed: the shell scripts are not checked (Debian package shellcheck)."
fi
