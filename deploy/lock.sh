#!/bin/sh
# Resolve pyproject.toml into hash-locked files that name no index. Run by `make lock`.
set -eu
compile() { .venv/bin/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --python-version 3.11 "$@"; }
export UV_CUSTOM_COMPILE_COMMAND="make lock"
compile pyproject.toml --extra postgres --extra redis -o requirements/run.txt
compile pyproject.toml --extra dev -c requirements/run.txt -o requirements/dev.txt
printf 'uv\n' | compile - -o requirements/uv.txt
grep -nE 'https?://|file:' requirements/*.txt && { echo "a lock file names an address" >&2; exit 1; }
exit 0
