#!/usr/bin/env bash
# Builds web/dist when its inputs changed.
#   scripts/web.sh install   only what npm brings, when the lock file changed
#   scripts/web.sh test      web/'s tests, then the build
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/need.sh"
cd -- "$root/web"

# Both stamps live in node_modules: without it, nothing counts as done.
installed=node_modules/.stamp-installed
built=node_modules/.stamp-built

same() { [ "$(cat "$1" 2>/dev/null)" = "$2" ]; }

# The names and contents of everything a build may read: the client that the app is made with, too.
fingerprint() {
    local sum=sha256sum
    command -v "$sum" >/dev/null || sum='shasum -a 256'
    # shellcheck disable=SC2086 # a program and its arguments
    find . ../clients/typescript ../docs/openapi.json ../docs/asyncapi.json \
        \( -name node_modules -o -name dist -o -name .vite -o -path ../clients/typescript/src/api \) -prune \
        -o -type f ! -name '*.tsbuildinfo' -print0 \
        | LC_ALL=C sort -z | xargs -0 $sum | digest
}

install_packages() {
    local want
    want=$({ node --version; uname -sm; cat package.json package-lock.json .npmrc 2>/dev/null || true; } | digest)
    same "$installed" "$want" && return
    # Vite and the tests are development packages, whatever the caller's NODE_ENV says.
    npm ci --include=dev --no-audit --no-fund
    printf '%s\n' "$want" >"$installed"
}

build() {
    local want
    want=$(fingerprint)
    [ -e dist/index.html ] && same "$built" "$want" && return
    rm -f "$built"
    npm run build
    printf '%s\n' "$want" >"$built"
}

work() {
    install_packages
    if [ "$1" = install ]; then return; fi
    if [ "$1" = test ]; then npm test; fi
    build
}

must_have node
[ -e package.json ] || die "web/package.json is missing: there is no web app to build."
locked "$root/target/web.lock" work "${1:-build}"
