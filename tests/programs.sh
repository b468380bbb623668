#!/bin/sh
# The programs that the tests talk to: a browser, PostgreSQL and Prometheus. Installs what is missing where it may.
set -eu

missing=""
command -v chromium >/dev/null 2>&1 || missing="$missing chromium fonts-noto-cjk"
command -v prometheus >/dev/null 2>&1 && command -v promtool >/dev/null 2>&1 || missing="$missing prometheus"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1 || missing="$missing postgresql"
[ -n "$missing" ] || exit 0

sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo -n"
if ! command -v apt-get >/dev/null 2>&1 || ! $sudo true 2>/dev/null; then
  echo "make: the tests need more programs. hint: install them, on Debian by: apt-get install$missing" >&2
  exit 2
fi
echo "· installing$missing" >&2
$sudo apt-get update -qq >&2
# In runlevel 1 Debian does not start the services it installs: the tests start their own.
# shellcheck disable=SC2086  # words on purpose
$sudo env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
