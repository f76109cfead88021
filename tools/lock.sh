#!/bin/sh
# Write requirements/*.txt from pyproject.toml: exact versions with hashes, no index address.
set -eu
python3 -m venv .venv 2>/dev/null || true
.venv/bin/python -m pip install -q uv
for name in runtime dev; do
  extra=""
  [ "$name" = dev ] && extra="--extra dev -c requirements/runtime.txt"
  # shellcheck disable=SC2086 -- the options are separate words
  .venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
    --no-emit-index-url $extra pyproject.toml -o "requirements/$name.txt"
done
