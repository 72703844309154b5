#!/bin/sh
# After the package's files lie in place, at a first install and at an update.
set -e

ln -sf /opt/Starmesh/resources/bin/starmesh /usr/bin/starmesh
# By this name its service finds it.
ln -sf /opt/Starmesh/resources/drivers/helper/starmesh-helper /usr/sbin/starmesh-helper
# Whose the nodes are that run as services.
if command -v systemd-sysusers >/dev/null; then systemd-sysusers starmesh.conf || true; fi

# Chromium's sandbox makes namespaces as an ordinary user. Where AppArmor keeps programs from that, this one is allowed to;
# where the kernel gives nobody any, it needs a helper that is root's.
profile=/opt/Starmesh/resources/apparmor-profile
if [ -e "$profile" ] && [ -d /etc/apparmor.d ] && command -v apparmor_parser >/dev/null; then
  if apparmor_parser --skip-kernel-load --skip-cache "$profile" 2>/dev/null; then
    cp "$profile" /etc/apparmor.d/starmesh-desktop
    apparmor_parser --replace /etc/apparmor.d/starmesh-desktop 2>/dev/null || true
  fi
fi
if [ -e /opt/Starmesh/chrome-sandbox ]; then
  none=$(cat /proc/sys/kernel/unprivileged_userns_clone /proc/sys/user/max_user_namespaces 2>/dev/null | grep -cx 0 || true)
  if [ "$none" = 0 ]; then chmod 0755 /opt/Starmesh/chrome-sandbox; else chmod 4755 /opt/Starmesh/chrome-sandbox; fi
fi

if [ -d /run/systemd/system ]; then
  systemctl daemon-reload || true
  # A node that runs as a service goes on with the new version.
  systemctl try-restart starmesh-helper.service 'starmesh@*.service' starmesh.service 2>/dev/null || true
fi
if command -v update-desktop-database >/dev/null; then update-desktop-database -q /usr/share/applications || true; fi
if command -v gtk-update-icon-cache >/dev/null; then gtk-update-icon-cache -qtf /usr/share/icons/hicolor || true; fi
