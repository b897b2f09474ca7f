#!/bin/sh
# Make .venv from a hash-locked requirements file; do nothing when it is already so.
#   sh deploy/setup.sh run|dev
# uv is installed into the venv first because it is ten times faster; where uv cannot reach the package index
# (some mirrors are known only to pip), pip installs the same locked files.
set -eu
want=${1:-run}
lock=requirements/$want.txt
stamp=.venv/.set-up-$want

say() { printf 'set-up: %s\n' "$*" >&2; }
stop() { printf 'set-up stopped: %s\n' "$*" >&2; exit 1; }

find_python() {
    for name in "${PYTHON:-}" python3.13 python3.12 python3.11 python3; do
        [ -n "$name" ] && command -v "$name" >/dev/null 2>&1 || continue
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return 0
        fi
    done
    return 1
}

install() { # install WHAT...
    if [ -x .venv/bin/uv ] && .venv/bin/uv pip install --python .venv/bin/python "$@"; then
        return 0
    fi
    say "uv could not install; trying pip"
    .venv/bin/python -m pip install --disable-pip-version-check "$@"
}

python=$(find_python) || stop "Python 3.11 or newer is missing (Debian: apt-get install python3 python3-venv)."
[ -f "$lock" ] || stop "$lock is missing; run this from the checkout."
fingerprint=$(cat "$lock" requirements/uv.txt pyproject.toml deploy/setup.sh | cksum)
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$fingerprint" ] && exit 0

if [ ! -x .venv/bin/python ]; then
    "$python" -c 'import venv, ensurepip' 2>/dev/null || stop "Python's venv module is missing (Debian: apt-get install python3-venv)."
    say "making .venv with $("$python" --version)"
    "$python" -m venv .venv || stop "python -m venv failed; see above."
fi
if [ ! -x .venv/bin/uv ]; then
    say "installing uv"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt ||
        say "uv is not to be had here; pip will do it, more slowly"
fi
say "installing $(grep -c '==' "$lock") locked packages from $lock"
install --require-hashes -r "$lock" || stop "the packages of $lock could not be installed: is the package index reachable, and is the disk full?"
install --quiet --no-deps --no-build-isolation -e . || stop "the checkout itself could not be installed into .venv."
printf '%s' "$fingerprint" >"$stamp"
if [ "$want" = dev ]; then
    cat requirements/run.txt requirements/uv.txt pyproject.toml deploy/setup.sh | cksum | tr -d "\n" >.venv/.set-up-run # dev holds all of run
fi
say "ready"
