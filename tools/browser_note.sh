#!/bin/sh
# One clear line about the browser tests.
for name in chromium chromium-browser google-chrome; do
  if command -v "$name" >/dev/null 2>&1; then exit 0; fi
done
echo "note: no Chromium found; the browser tests are skipped (Debian: apt-get install chromium fonts-wqy-microhei)"
