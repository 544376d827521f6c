# shellcheck shell=bash
# Sourced by the other scripts: where things are, what a machine must have, and
# how it comes there. `must_have` only names what is missing, `need` installs it
# where it may (as root on Debian). Both know the same words: cargo, cc, make,
# node, postgres, redis, chromium, python.

root=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
# What scripts fetch for themselves. $MUNDO_CACHE keeps it from clone to clone.
tools=${MUNDO_CACHE:-$root/target}/tools
[[ $tools = /* ]] || tools=$PWD/$tools
PATH=$tools/bin:$tools/node/bin:$PATH

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# target_dir: where cargo builds into.
target_dir() {
    (cd -- "$root" && cargo metadata --no-deps --format-version 1) \
        | node -p 'JSON.parse(require("fs").readFileSync(0)).target_directory'
}

# digest: a fingerprint of standard input.
digest() {
    if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1
}

# locked FILE COMMAND...: one at a time among all who name the same file.
locked() {
    local file=$1
    shift
    mkdir -p -- "$(dirname -- "$file")"
    # Children that outlive the command would keep a descriptor, and so the lock: they get none.
    (
        if command -v flock >/dev/null; then flock 9; fi
        "$@" 9>&-
    ) 9>"$file"
}

# at_least WANTED FOUND: compares versions such as 1.95 and 1.100.2.
at_least() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

# What the web app's tools run on.
node_wanted=20.19

# What is wrong with this machine's Node; nothing if it will do.
node_problem() {
    local version
    if ! command -v node >/dev/null; then
        echo "Node is missing"
    elif ! version=$(node --version 2>/dev/null); then
        echo "Node does not start"
    elif ! at_least "$node_wanted" "${version#v}"; then
        echo "Node ${version#v} is too old"
    elif ! command -v npm >/dev/null; then
        echo "npm is missing"
    fi
}

# The folder of the newest PostgreSQL that is new enough.
postgres_bin() {
    local dir version best='' found=''
    for dir in /usr/lib/postgresql/*/bin "$(command -v pg_config >/dev/null && pg_config --bindir)"; do
        if [ ! -x "$dir/initdb" ] || [ ! -x "$dir/postgres" ]; then continue; fi
        version=$("$dir/postgres" --version | sed 's/^[^0-9]*\([0-9.]*\).*/\1/')
        if at_least 15 "$version" && { [ -z "$best" ] || at_least "$best" "$version"; }; then
            best=$version found=$dir
        fi
    done
    [ -n "$found" ] && printf '%s\n' "$found"
}

# Valkey speaks the same.
redis_path() { command -v redis-server || command -v valkey-server; }

chromium_path() {
    local name path
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        # A name is not enough: on some systems it only tells where to get the browser.
        if path=$(command -v "$name") && "$path" --version >/dev/null 2>&1; then
            printf '%s\n' "$path"
            return
        fi
    done
    return 1
}

# A Python that is new enough and can make virtual environments.
python_path() {
    local path
    for path in python3 /usr/bin/python3; do
        if "$path" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
            command -v "$path"
            return
        fi
    done
    return 1
}

cargo_version() { (cd "$root" && cargo --version | cut -d ' ' -f 2); }

# lacks WORD: prints "description|Debian packages" unless the thing is there.
lacks() {
    local version problem
    case $1 in
        cargo)
            version=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root/Cargo.toml")
            if ! command -v cargo >/dev/null; then
                echo "cargo (Rust $version or newer, https://rustup.rs)|"
            elif ! at_least "$version" "$(cargo_version)"; then
                echo "Rust $version or newer (see https://rustup.rs)|"
            fi ;;
        cc)
            # Linking is the test: Debian's gcc comes without the C library's own files.
            echo 'int main(void) { return 0; }' | cc -x c -o /dev/null - 2>/dev/null \
                || echo "a C compiler|gcc libc6-dev" ;;
        make) command -v make >/dev/null || echo "make|make" ;;
        node)
            problem=$(node_problem)
            case $problem in
                '') ;;
                *missing) echo "Node $node_wanted or newer with npm|nodejs npm" ;;
                *) echo "Node $node_wanted or newer, https://nodejs.org ($problem)|" ;;
            esac ;;
        postgres) postgres_bin >/dev/null || echo "the server of PostgreSQL 15 or newer|postgresql" ;;
        redis) redis_path >/dev/null || echo "the server of Redis 7 or Valkey|redis-server" ;;
        chromium) chromium_path >/dev/null || echo "Chromium|chromium" ;;
        python) python_path >/dev/null || echo "Python 3.10 or newer with venv|python3-venv" ;;
        *) die "need.sh: unknown word $1" ;;
    esac
}

# must_have WORD...: ends, with one sentence, unless all of it is there.
must_have() {
    local word lack things='' packages=''
    for word in "$@"; do
        lack=$(lacks "$word")
        [ -n "$lack" ] || continue
        things+=${things:+; }${lack%%|*}
        lack=${lack##*|}
        packages+=${lack:+ $lack}
    done
    [ -z "$things" ] || die "Missing on this machine: $things${packages:+ (on Debian: sudo apt-get install$packages)}."
}

may_install() { [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ] && command -v apt-get >/dev/null; }

# need WORD...: installs what is missing where it may, then must_have.
need() {
    local word lack packages=()
    if may_install; then
        for word in "$@"; do
            lack=$(lacks "$word")
            # shellcheck disable=SC2206 # several packages in one string
            packages+=(${lack##*|})
        done
        if [ "${#packages[@]}" -gt 0 ]; then
            say "Installing with apt-get: ${packages[*]}"
            if ! { apt_get update && apt_get install --yes --no-install-recommends "${packages[@]}"; }; then
                die "apt-get could not install ${packages[*]}; what it said stands above."
            fi
        fi
        case " $* " in *" node "*) newer_node ;; esac
    fi
    must_have "$@"
}

apt_get() { DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 "$@" </dev/null >&2; }

# Debian 12 has Node 18. A package of npm's holds the newer program itself.
newer_node() {
    local arch
    case $(node_problem) in *"too old") ;; *) return ;; esac
    case $(uname -m) in x86_64) arch=x64 ;; aarch64) arch=arm64 ;; *) return ;; esac
    say "$(node_problem): fetching a newer one into $tools/node"
    locked "$tools/node.lock" fetch_node "$arch" || say "A newer Node could not be fetched."
    hash -r
}

fetch_node() {
    [ ! -x "$tools/node/bin/node" ] || return 0
    npm install --prefix "$tools/node" --no-save --ignore-scripts --no-audit --no-fund "node-linux-$1@22" >&2 \
        && ln -sfn "node_modules/node-linux-$1/bin" "$tools/node/bin"
}

# Tests must not depend on the settings of whoever starts them.
forget_settings() {
    local name
    for name in "${!MUNDO_@}" "${!PG@}" DATABASE_URL REDIS_URL SENTRY_DSN RUST_LOG HOST PORT NODE_ENV; do unset "$name"; done
}
