#!/usr/bin/env bash
# Writes the documents of the API and of the sockets, and the page of who may call what, from the code.
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/need.sh"
cd -- "$root"

must_have cargo cc
mkdir -p docs
# A failed run must not leave half a document behind.
temporary=$(mktemp -d)
trap 'rm -rf -- "$temporary"' EXIT
cargo run --quiet -p server --bin mundo -- openapi >"$temporary/openapi.json"
cargo run --quiet -p server --bin mundo -- openapi --other asyncapi >"$temporary/asyncapi.json"
cargo run --quiet -p server --bin mundo -- openapi --other access >"$temporary/access.md"
mkdir -p docs/security
cp "$temporary/access.md" docs/security/access.md
cp "$temporary/openapi.json" docs/openapi.json
cp "$temporary/asyncapi.json" docs/asyncapi.json
