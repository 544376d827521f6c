#!/usr/bin/env bash
# Builds what changed and serves the demo on http://localhost:5000, its data in data/.
# Arguments go to `mundo serve`: make run ARGS='--port 5001'.
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/need.sh"
cd -- "$root"

must_have cargo cc
problem=$(node_problem)
if [ -z "$problem" ]; then
    scripts/web.sh build
else
    say "The web app is not built, because $problem ($node_wanted or newer, with npm, is needed); the API is built and served without it."
fi
exec cargo run --profile quick -p server --bin mundo -- serve --demo --data data "$@"
