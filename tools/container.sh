#!/bin/sh
# Build the image and use it as strictly confined as docs/admin/running.md promises; say plainly what was not possible.
# With docker, or with podman and buildah in a store of their own that is removed afterwards. There the base image is
# pulled or, where no registry answers, made of the same Debian release with mmdebstrap.
# shellcheck disable=SC2086 # $runtime, $mounts and $timer are separate words or nothing
set -eu
cd "$(dirname "$0")/.."
base=$(sed -n 's/^FROM \([^ ]*\).*/\1/p' Dockerfile | head -n 1)
work=$(mktemp -d)
name=qtrace-check-$$

say() { echo "container: $*"; }
skip() { say "SKIPPED, NOTHING WAS VERIFIED: $*"; exit 0; }
fail() { say "FAILED: $*" >&2; "$tool" logs "$name" 2>&1 | tail -n 20 >&2 || true; exit 1; }

have() { command -v "$1" >/dev/null 2>&1; }
in_podman() { podman --root "$work/store" --runroot "$work/run" --storage-driver vfs $runtime "$@"; }
in_buildah() { buildah --root "$work/store" --runroot "$work/run" --storage-driver vfs "$@"; }

clean() {
  if [ -n "$tool" ]; then
    "$tool" rm --force "$name" >/dev/null 2>&1 || true
    "$tool" volume rm --force "$name" "$name-other" >/dev/null 2>&1 || true
  fi
  rm -rf "$work" 2>/dev/null || buildah unshare rm -rf "$work"
}

make_base() {
  have mmdebstrap || skip "$base cannot be pulled, and there is no mmdebstrap to make a stand-in"
  say "$base cannot be pulled; a stand-in is made of Debian ${base##*-} and its own python3"
  mmdebstrap --quiet --variant=minbase --include=python3,python3-venv,ca-certificates "${base##*-}" "$work/base.tar" \
    || skip "the stand-in could not be made"
  from=$(in_buildah from scratch)
  in_buildah add --quiet "$from" "$work/base.tar" >/dev/null
  in_buildah commit --quiet --rm "$from" "$base" >/dev/null
}

build_with_buildah() {
  in_buildah pull --quiet "$base" >/dev/null 2>"$work/pull" || make_base
  mounts=""  # what this machine needs to reach its package index
  for file in /etc/pip.conf /etc/ssl/certs/ca-certificates.crt; do
    if [ -f "$file" ]; then mounts="$mounts --volume $file:$file:ro"; fi
  done
  # The docker format keeps HEALTHCHECK; chroot isolation also works inside another container.
  in_buildah build --quiet --isolation chroot --pull-never --format docker $mounts --tag qtrace:check . >/dev/null
}

run() { # docker and podman know the same words; no network: nothing here needs one
  "$tool" run --network none --read-only --tmpfs /tmp --cap-drop all --security-opt no-new-privileges \
    --memory "$memory" --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 "$@"
}

inside() { "$tool" exec "$name" "$@"; }
healthy() {
  if [ "$tool" = in_podman ]; then in_podman healthcheck run "$name" >/dev/null 2>&1
  else [ "$(docker inspect --format '{{.State.Health.Status}}' "$name")" = healthy ]; fi
}
wait_healthy() {
  for _ in $(seq 300); do if healthy; then return; fi; sleep 0.2; done
  fail "not healthy after a minute"
}

tool="" runtime="" memory=${QTRACE_CHECK_MEMORY:-512m} timer=""
trap clean EXIT
if have docker && docker info >/dev/null 2>&1; then
  tool=docker
  docker build --quiet --tag qtrace:check . >/dev/null || fail "the build"
elif have podman && have buildah; then
  tool=in_podman timer=--health-interval=disable  # its timers are systemd's
  if have runc; then runtime="--runtime runc"; fi
  build_with_buildah || fail "the build"
else
  skip "it takes a running docker, or podman and buildah (Debian: buildah podman runc mmdebstrap)"
fi
say "built with ${tool#in_}: $("$tool" image inspect --format '{{.Size}}' qtrace:check | awk '{printf "%.0f MB", $1 / 1e6}')"

run --detach --name "$name" --volume "$name:/data" $timer qtrace:check >/dev/null 2>"$work/run.log" \
  || { cat "$work/run.log" >&2; fail "the start"; }
wait_healthy
if inside touch /opt/qtrace/x 2>/dev/null; then fail "the root file system can be written"; fi
inside qtrace demo --orders 2000 >/dev/null || fail "qtrace demo"
inside qtrace print issue QI-2611-0001 -o /tmp/issue.pdf || fail "the PDF child"
inside sh -c 'printf "订单号,下单时间\nC-1,2026-11-01 10:00\n" > /tmp/orders.csv'
inside qtrace import /tmp/orders.csv --as orders --shop check || fail "the import child"
before=$(inside qtrace audit head)
"$tool" restart --time 10 "$name" >/dev/null 2>&1 || fail "the restart"
wait_healthy
[ "$(inside qtrace audit head)" = "$before" ] || fail "a restart changed the data"
say "memory: $("$tool" stats --no-stream --format '{{.MemUsage}}' "$name")"
"$tool" stop --time 10 "$name" >/dev/null 2>&1
code=$("$tool" inspect --format '{{.State.ExitCode}}' "$name")
[ "$code" = 0 ] || fail "SIGTERM ended it with code $code"
run --rm --user 12345:0 --volume "$name-other:/data" $timer qtrace:check init 2>/dev/null || fail "as another user of group 0"
say "verified: health, demo, PDF, import, restart, SIGTERM, another user; read-only, no capabilities, $memory"
