#!/bin/sh
# Build and run the image as far as this machine allows, and say plainly what was not possible.
set -eu
if command -v docker >/dev/null 2>&1 && docker info >/dev/null 2>&1; then tool=docker
elif command -v podman >/dev/null 2>&1; then tool=podman
else
  echo "container: no working docker or podman here; the image was not built"
  exit 0
fi
"$tool" build -t qtrace:test .
id=$("$tool" run -d --rm --read-only --tmpfs /tmp --cap-drop all --security-opt no-new-privileges -p 127.0.0.1:8099:8000 qtrace:test)
trap '"$tool" stop "$id" >/dev/null' EXIT
for _ in $(seq 60); do
  if "$tool" exec "$id" qtrace healthcheck; then echo "container: ready"; exit 0; fi
  sleep 1
done
echo "container: did not become ready in 60 s" >&2
exit 1
