#!/bin/sh
# After the package's files are gone. $1: `remove`, `purge` or `upgrade` of dpkg; 0 or 1 of rpm.
set -e

case "$1" in
  upgrade | 1 | failed-upgrade | abort-install | abort-upgrade | disappear) exit 0 ;;
esac

# The link leads nowhere now; a command of the same name that somebody else put there stays.
if [ -L /usr/bin/starmesh ] && [ "$(readlink /usr/bin/starmesh)" = /opt/Starmesh/resources/bin/starmesh ]; then
  rm -f /usr/bin/starmesh
fi
if [ -L /usr/sbin/starmesh-helper ] && [ ! -e /usr/sbin/starmesh-helper ]; then rm -f /usr/sbin/starmesh-helper; fi
if [ -e /etc/apparmor.d/starmesh-desktop ]; then
  if command -v apparmor_parser >/dev/null; then
    apparmor_parser --remove /etc/apparmor.d/starmesh-desktop 2>/dev/null || true
  fi
  rm -f /etc/apparmor.d/starmesh-desktop
fi
# Keys and networks of this machine go only when that was asked for: a later install is the same node again.
if [ "$1" = purge ]; then
  rm -rf /var/lib/starmesh /var/lib/starmesh-*
  if getent passwd starmesh >/dev/null; then userdel starmesh || true; fi
fi

if [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi
if command -v update-desktop-database >/dev/null; then update-desktop-database -q /usr/share/applications || true; fi
if command -v gtk-update-icon-cache >/dev/null; then gtk-update-icon-cache -qtf /usr/share/icons/hicolor || true; fi
