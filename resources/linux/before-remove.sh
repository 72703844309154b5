#!/bin/sh
# While the package's files still lie there. An update ($1: `upgrade` of dpkg, 1 of rpm) leaves everything running.
set -e

case "$1" in
  upgrade | 1) exit 0 ;;
esac

if [ -d /run/systemd/system ]; then systemctl stop 'starmesh@*.service' 2>/dev/null || true; fi
# Of all names at once, also of those that do not run.
if command -v systemctl >/dev/null; then systemctl --quiet disable starmesh@.service 2>/dev/null || true; fi
# The one that the command line laid; it would not be found again.
/usr/bin/starmesh service uninstall >/dev/null 2>&1 || true
# A kill switch that was left on purpose has nobody any more who could take it away.
if command -v systemctl >/dev/null; then
  systemctl --quiet disable --now starmesh-helper.socket starmesh-helper.service 2>/dev/null || true
fi
/usr/sbin/starmesh-helper undo 2>/dev/null || true
rm -rf /run/starmesh
# Ends the system's engine, which takes back what it changed.
/usr/bin/starmesh --state /var/lib/starmesh stop >/dev/null 2>&1 || true
