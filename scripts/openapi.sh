#!/usr/bin/env bash
# Writes the API document from the code, and from it web/'s types.
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/need.sh"
cd -- "$root"

must_have cargo cc node
mkdir -p docs
# A failed run must not leave half a document behind.
temporary=$(mktemp -d)
trap 'rm -rf -- "$temporary"' EXIT
cargo run --quiet -p server --bin mundo -- openapi >"$temporary/openapi.json"
cp "$temporary/openapi.json" docs/openapi.json
cp "$temporary/openapi.json" web/openapi.json
scripts/web.sh install
npm --prefix web run api
