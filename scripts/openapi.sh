#!/usr/bin/env bash
# Writes the API documents from the code, and from them web/'s types.
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/need.sh"
cd -- "$root"

must_have cargo cc node
mkdir -p docs
# A failed run must not leave half a document behind.
temporary=$(mktemp -d)
trap 'rm -rf -- "$temporary"' EXIT
for document in openapi asyncapi; do
    cargo run --quiet -p server --bin mundo -- "$document" >"$temporary/$document.json"
done
cp "$temporary/openapi.json" "$temporary/asyncapi.json" docs/
cp "$temporary/openapi.json" web/openapi.json
cd web
[ -d node_modules ] || npm ci --include=dev --no-audit --no-fund
npm run api
