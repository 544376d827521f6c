#!/usr/bin/env bash
# Measures this server, on PostgreSQL and on SQLite, beside a Node peer with the
# same API: interleaved, on this machine, each on a database of its own.
#   LOADGEN  folder of the load generator's crate
#   PEER     folder of the Node peer; without it only this server is measured
#   TARGETS  which to run, default: node-1 mundo-pg mundo-sqlite (node-2 is the
#            peer with two workers). Ratios are taken to the first.
#   SERVER   a `mundo` built already, instead of building one
# Arguments: [http|chat] [flags of the load generator]. Without a part, both run.
# All figures: target/bench/*.json
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/need.sh"

[ -f "${LOADGEN:-}/Cargo.toml" ] || die "LOADGEN must name the folder of the load generator: make bench LOADGEN=dir PEER=dir."
[ -z "${PEER:-}" ] || [ -f "$PEER/package.json" ] || die "PEER must name the folder of the Node peer."
read -ra targets <<<"${TARGETS:-${PEER:+node-1} mundo-pg mundo-sqlite}"
case ${1-} in http | chat) parts=("$1") && shift ;; *) parts=(http chat) ;; esac
case " ${targets[*]} " in *" node-"*) [ -n "${PEER:-}" ] || die "TARGETS has the Node peer, but PEER does not say where it is." ;; esac
must_have cargo cc node postgres
forget_settings
results=$root/target/bench
mkdir -p -- "$tools" "$results"

work=$(mktemp -d "${TMPDIR:-/tmp}/mundo-bench.XXXXXX")
postgres_pid='' loadgen_pid=''

# descendants PID: its children and theirs, the youngest first.
descendants() {
    local pid
    { awk -v parent="$1" '$1 == "PPid:" && $2 == parent { split(FILENAME, part, "/"); print part[3] }' \
        /proc/[0-9]*/status 2>/dev/null || true; } | while read -r pid; do
        descendants "$pid"
        echo "$pid"
    done
}

# finish SIGNAL PID...: asks, waits ten seconds, insists.
finish() {
    local signal=$1 pid tries=0
    shift
    for pid in "$@"; do kill -s "$signal" "$pid" 2>/dev/null || true; done
    for pid in "$@"; do
        while kill -0 "$pid" 2>/dev/null; do
            if [ "$((tries += 1))" -gt 100 ]; then kill -KILL "$pid" 2>/dev/null || true; fi
            sleep 0.1
        done
    done
}

clean_up() {
    local pids=()
    if [ -n "$loadgen_pid" ]; then
        # The servers are its children.
        read -ra pids -d '' < <(descendants "$loadgen_pid") || true
        finish TERM "$loadgen_pid" "${pids[@]}"
    fi
    if [ -n "$postgres_pid" ]; then finish INT "$postgres_pid"; fi
    rm -rf -- "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

free_port() {
    local port
    while port=$((20000 + RANDOM % 12000)); (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
    echo "$port"
}

# PostgreSQL refuses to run as root.
if [ "$(id -u)" = 0 ]; then
    owner=$(id -un postgres 2>/dev/null || echo nobody)
    as_owner() { runuser -u "$owner" -- "$@"; }
else
    owner=$(id -un)
    as_owner() { "$@"; }
fi

start_postgres() {
    local tries=0
    # Tables that fill up within a run of seconds are known to the planner as if it were hours.
    bin=$(postgres_bin)
    chmod 711 "$work"
    mkdir -m 700 "$work/pg"
    PGPASSWORD=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    printf '%s\n' "$PGPASSWORD" >"$work/pg/password"
    chown -R "$owner" "$work/pg"
    cd -- "$work"
    as_owner "$bin/initdb" --pgdata "$work/pg/data" --username bench --pwfile "$work/pg/password" \
        --auth scram-sha-256 --encoding UTF8 --locale C --no-sync >/dev/null
    until
        PGPORT=$(free_port)
        printf '%s\n' "listen_addresses = '127.0.0.1'" "port = $PGPORT" "unix_socket_directories = ''" \
            "shared_buffers = '512MB'" "max_wal_size = '4GB'" "max_connections = 200" \
            "autovacuum_naptime = '5s'" >"$work/pg/data/postgresql.auto.conf"
        as_owner "$bin/pg_ctl" start --silent --wait --pgdata "$work/pg/data" --log "$work/pg/log"
    do
        [ "$((tries += 1))" -lt 5 ] || die "PostgreSQL does not start: $(tail -n 3 "$work/pg/log")"
    done
    postgres_pid=$(head -n 1 "$work/pg/data/postmaster.pid")
    export PGHOST=127.0.0.1 PGPORT PGUSER=bench PGPASSWORD
}

database_url() { echo "postgres://$PGUSER:$PGPASSWORD@$PGHOST:$PGPORT/$1"; }

build_loadgen() {
    # A workspace of its own, wherever the copy lies; what was compiled is kept.
    copy "$LOADGEN" "$work/loadgen"
    grep -q '^\[workspace' "$work/loadgen/Cargo.toml" || printf '\n[workspace]\n' >>"$work/loadgen/Cargo.toml"
    (cd "$work/loadgen" && CARGO_TARGET_DIR=$tools/loadgen cargo build --quiet --release)
}

# copy FROM TO: a folder that may be written to, without what was built or installed in it.
copy() {
    mkdir -- "$2"
    tar -c -C "$1" --exclude ./node_modules --exclude ./target . | tar -x -C "$2"
    chmod -R u+w -- "$2"
}

seed() {
    local target=$1 database=${1//-/_}
    say "Seeding $target"
    case $target in
        mundo-sqlite) env MUNDO_LIMITS=off "$SERVER" seed bench --data "$work/$target" ;;
        mundo-pg)
            "$bin/createdb" "$database"
            env MUNDO_LIMITS=off DATABASE_URL="$(database_url "$database")" "$SERVER" seed bench --data "$work/$target"
            "$bin/vacuumdb" --quiet --analyze "$database" ;;
        node-*)
            "$bin/createdb" "$database"
            DATABASE_URL=$(database_url "$database") npm --prefix "$work/peer" run --silent seed ;;
        *) die "TARGETS may have node-1, node-2, mundo-pg and mundo-sqlite, not $target." ;;
    esac >&2
}

# describe TARGET PORT DATABASE_URL: its entry in the load generator's list.
describe() {
    # shellcheck disable=SC2016 # the dollars are JavaScript's
    node -e '
        const [name, port, url, server, work] = process.argv.slice(1);
        const peer = name.startsWith("node-");
        const secret = require("crypto").randomBytes(24).toString("hex");
        const many = "1000000000";
        console.log(JSON.stringify({
            name,
            addr: `127.0.0.1:${port}`,
            cwd: peer ? `${work}/peer` : work,
            cmd: peer ? ["node", "src/server.js"] : [server, "serve", "--port", port, "--data", `${work}/${name}`],
            env: {
                ...(name === "mundo-sqlite" ? {} : { DATABASE_URL: url }),
                ...(peer
                    ? { NODE_ENV: "production", PORT: port, WORKERS: name.slice(5), JWT_SECRET: secret,
                        RATE_LIMIT_PER_MIN: many, AUTH_RATE_LIMIT_PER_MIN: many }
                    : { MUNDO_LIMITS: "off" }),
            },
            room_prefix: peer ? "" : "chat:",
        }));' "$1" "$2" "$3" "$SERVER" "$work"
}

say "Building the load generator"
build_loadgen
if [ -n "${PEER:-}" ]; then
    say "Installing the peer"
    copy "$PEER" "$work/peer"
    (cd "$work/peer" && npm ci --no-audit --no-fund >&2)
fi
if [ -n "${SERVER:-}" ]; then
    SERVER=$(realpath -- "$SERVER")
else
    say "Building the server"
    "$root/scripts/web.sh" build >&2
    (cd -- "$root" && cargo build --release -p server --bin mundo)
    SERVER=$(target_dir)/release/mundo
fi

start_postgres
list=''
for target in "${targets[@]}"; do
    seed "$target"
    list+=${list:+,}$(describe "$target" "$(free_port)" "$(database_url "${target//-/_}")")
done
printf '{"targets": [%s]}\n' "$list" >"$work/targets.json"

# 10,000 sockets, in the generator and in each server.
ulimit -n "$(ulimit -Hn)"
for part in "${parts[@]}"; do
    "$tools/loadgen/release/loadgen" "$part" --config "$work/targets.json" \
        --out "$results/$part.json" --pg-pid "$postgres_pid" "$@" &
    loadgen_pid=$!
    wait "$loadgen_pid"
    loadgen_pid=''
done
