#!/bin/sh
# Install the optional servers that tests use when they are there. Debian packages only; needs root.
set -eu
stop() { printf 'services: %s\n' "$*" >&2; exit 1; }
command -v apt-get >/dev/null 2>&1 || stop "this is not Debian; install Prometheus, Alertmanager, PostgreSQL, Redis, Chromium and kubectl your own way."
[ "$(id -u)" = 0 ] || stop "needs root (sudo make services)."

packages=""
need() { # need PROGRAM PACKAGE...
    program=$1; shift
    command -v "$program" >/dev/null 2>&1 || packages="$packages $*"
}
need prometheus prometheus
need prometheus-alertmanager prometheus-alertmanager
need redis-server redis-server
need chromium chromium
need kubectl kubernetes-client
[ -n "$(find /usr/lib/postgresql -name initdb 2>/dev/null | head -n 1)" ] || packages="$packages postgresql"
fc-list :lang=zh 2>/dev/null | grep -q . || packages="$packages fonts-noto-cjk"
[ -z "$packages" ] && { echo "services: all there"; exit 0; }

# The packages must not start servers of their own: tests start theirs on free ports.
if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
echo "services: installing$packages"
apt-get update -q
# shellcheck disable=SC2086 # the list is meant to be split
DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $packages
