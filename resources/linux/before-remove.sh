#!/bin/sh
# While the package's files still lie there. An update ($1: `upgrade` of dpkg, 1 of rpm) leaves everything running.
set -e

case "$1" in
  upgrade | 1) exit 0 ;;
esac

if [ -d /run/systemd/system ]; then
  systemctl disable --now 'starmesh@*.service' 2>/dev/null || true
  for unit in $(systemctl list-unit-files --no-legend 'starmesh@*.service' 2>/dev/null | cut -d' ' -f1); do
    systemctl disable "$unit" 2>/dev/null || true
  done
fi
# Its units, user, rules and adapter, where it was installed.
/usr/bin/starmesh service uninstall >/dev/null 2>&1 || true
# Ends the system's engine, which takes back what it changed.
/usr/bin/starmesh --state /var/lib/starmesh stop >/dev/null 2>&1 || true
