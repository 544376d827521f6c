#!/usr/bin/env bash
# Runs every test there is and ends with the runner's summary.
#   scripts/test.sh [all]     what a change must pass
#   scripts/test.sh nightly   also the long ones, marked #[ignore], and more cases per
#                             property; spawned servers are release builds
#   scripts/test.sh chaos     only those that kill processes, CHAOS_ROUNDS times over
# Further arguments go to cargo nextest: make test ARGS='-p community'.
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/need.sh"
cd -- "$root"
case ${1-} in all | nightly | chaos) mode=$1 && shift ;; *) mode=all ;; esac

make_venv() {
    local venv=$tools/venv python want
    python=$(python_path)
    want="$venv $("$python" --version) $(cat scripts/test-requirements.txt)"
    if [ "$(cat "$venv/.ready" 2>/dev/null)" != "$want" ]; then
        rm -rf -- "$venv"
        "$python" -m venv "$venv"
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r scripts/test-requirements.txt
        printf '%s\n' "$want" >"$venv/.ready"
    fi
}

install_nextest() {
    cargo nextest --version >/dev/null 2>&1 && return
    say "cargo-nextest is missing: building it once, which takes some minutes."
    # Where the pinned toolchain or CARGO_TARGET_DIR point does not matter to a tool.
    env -u CARGO_TARGET_DIR cargo install cargo-nextest --locked --root "$tools"
}

forget_settings
need cargo cc make node postgres redis chromium python

# Said before anything long begins; clippy costs a build of its own and is in `make lint`.
if cargo fmt --version >/dev/null 2>&1; then
    cargo fmt --all --check || die "The lines above are not formatted: run cargo fmt."
fi
if [ -e web/package.json ]; then
    scripts/web.sh "$([ "$mode" = all ] && echo test || echo build)"
else
    say "web/ has no package.json: the web app's tests are left out."
fi
locked "$tools/venv.lock" make_venv

MUNDO_TEST_PG_BIN=$(postgres_bin)
MUNDO_TEST_REDIS=$(redis_path)
MUNDO_TEST_CHROMIUM=$(chromium_path)
MUNDO_TEST_NODE=$(command -v node)
MUNDO_TEST_PYTHON=$tools/venv/bin/python
MUNDO_TEST_SCHEMATHESIS=$tools/venv/bin/schemathesis
export MUNDO_TEST_PG_BIN MUNDO_TEST_REDIS MUNDO_TEST_CHROMIUM MUNDO_TEST_NODE MUNDO_TEST_PYTHON MUNDO_TEST_SCHEMATHESIS

if ! locked "$tools/nextest.lock" install_nextest; then
    [ "$mode" = all ] || die "cargo-nextest could not be built, and 'make $mode' needs it."
    say "cargo-nextest could not be built: running plain cargo test, without its groups and time limits."
    exec cargo test --workspace --no-fail-fast --lib --bins --tests -- --test-threads=2
fi
case $mode in
    all) exec cargo nextest run --workspace "$@" ;;
    nightly)
        export PROPTEST_CASES=${PROPTEST_CASES:-4096}
        cargo build --release -p server --bin mundo
        MUNDO_TEST_RELEASE=$(target_dir)/release/mundo
        export MUNDO_TEST_RELEASE
        exec cargo nextest run --workspace --profile nightly --run-ignored all "$@" ;;
    chaos)
        exec cargo nextest run --workspace --profile nightly --run-ignored all \
            -E 'test(/^(kill|chaos)::/)' --stress-count "${CHAOS_ROUNDS:-20}" "$@" ;;
esac
