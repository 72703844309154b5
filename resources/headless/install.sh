#!/bin/sh
# Installs Starmesh for everybody on this machine, or takes it away again. It prints each thing that it does.
set -eu

usage() {
  cat <<TEXT
usage: ./install.sh [--prefix DIR] [--dry-run]              installs, or updates what is installed
       ./install.sh --uninstall [--purge] [--prefix DIR]    takes it away; --purge: its keys and networks, too

It copies this folder to DIR (/opt/starmesh), links /usr/local/bin/starmesh, and lays service files where this system's
services are (systemd or OpenRC). With systemd services run as a user of their own, starmesh, which it makes. It starts nothing,
and changes nothing else.
TEXT
}

prefix=/opt/starmesh
action=install
purge=no
dry=no
while [ $# -gt 0 ]; do
  case "$1" in
    --prefix)
      [ $# -gt 1 ] || { usage >&2; exit 2; }
      prefix=$2
      shift
      ;;
    --uninstall) action=uninstall ;;
    --purge) purge=yes ;;
    --dry-run) dry=yes ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
case "$prefix" in
  /?*) ;;
  *) echo "--prefix takes a whole path, like /opt/starmesh" >&2; exit 2 ;;
esac

here=$(cd "$(dirname "$0")" && pwd -P)
# Set by those who make packages of it: everything goes below that folder, and no service is touched.
root=${DESTDIR:-}
link=$root/usr/local/bin/starmesh
helper=$root/usr/local/sbin/starmesh-helper
units=$root/etc/systemd/system
users=$root/etc/sysusers.d
scripts=$root/etc/init.d
target=$root$prefix

if [ -z "$root" ] && [ "$dry" = no ] && [ "$(id -u)" != 0 ]; then
  echo "This has to run as root: sudo $0" >&2
  exit 1
fi

step() {
  echo "  $*"
  [ "$dry" = yes ] || "$@"
}

reload() {
  if [ -z "$root" ] && [ -d /run/systemd/system ]; then step systemctl daemon-reload; fi
}

install_it() {
  if [ "$here" = "$target" ]; then
    echo "This is the installed folder itself; run install.sh from the unpacked archive." >&2
    exit 1
  fi
  if [ -e "$target" ] && [ ! -e "$target/lib/out/cli.js" ]; then
    echo "$target is there already and holds something else; choose another folder with --prefix." >&2
    exit 1
  fi
  step mkdir -p "$(dirname "$target")" "$(dirname "$link")"
  # Beside it first: a copy that breaks off leaves what is installed as it is.
  step rm -rf "$target.new" "$target.old"
  step cp -R "$here" "$target.new"
  if [ -e "$target" ]; then step mv "$target" "$target.old"; fi
  step mv "$target.new" "$target"
  step rm -rf "$target.old"
  step ln -sf "$prefix/bin/starmesh" "$link"
  if [ -d "$units" ]; then
    step mkdir -p "$(dirname "$helper")" "$users"
    step ln -sf "$prefix/lib/drivers/helper/starmesh-helper" "$helper"
    step cp "$target/services/starmesh.sysusers.conf" "$users/starmesh.conf"
    if [ -z "$root" ]; then step systemd-sysusers starmesh.conf; fi
    for unit in starmesh@.service starmesh-helper.service starmesh-helper.socket; do
      step cp "$target/services/$unit" "$units/$unit"
    done
    reload
  elif [ -d "$scripts" ] && [ -e "$root/sbin/openrc-run" ]; then
    step cp "$target/services/starmesh.openrc" "$scripts/starmesh"
    step chmod 755 "$scripts/starmesh"
  fi
  cat <<TEXT
Done. Next, as root:
  starmesh up                          a node with its panel, until the machine is restarted
  systemctl enable --now starmesh@home a node that starts with the machine (systemd)
  rc-update add starmesh               the same with OpenRC
Nodes that run already go on with the old version until they are restarted.
TEXT
}

uninstall_it() {
  if [ ! -e "$target/lib/out/cli.js" ]; then
    echo "There is no Starmesh in $target." >&2
    exit 1
  fi
  if [ -z "$root" ]; then
    if [ -d /run/systemd/system ]; then
      step "$target/bin/starmesh" service uninstall || true
      step systemctl stop 'starmesh@*.service'
      # Of all names at once, also of those that do not run.
      step systemctl disable starmesh@.service
      step systemctl disable --now starmesh-helper.socket starmesh-helper.service
      # A kill switch that was left on purpose has nobody any more who could take it away.
      step "$target/lib/drivers/helper/starmesh-helper" undo
      step rm -rf /run/starmesh
    elif [ -e "$scripts/starmesh" ]; then
      step rc-service starmesh stop || true
      step rc-update del starmesh || true
    fi
    # Each node takes back what it changed in the system when it stops.
    step "$target/bin/starmesh" stop || true
  fi
  step rm -rf "$target"
  if [ -L "$link" ] && [ "$(readlink "$link")" = "$prefix/bin/starmesh" ]; then step rm "$link"; fi
  if [ -L "$helper" ]; then step rm "$helper"; fi
  step rm -f "$units/starmesh@.service" "$units/starmesh-helper.service" "$units/starmesh-helper.socket" "$users/starmesh.conf"
  if [ -e "$scripts/starmesh" ]; then step rm "$scripts/starmesh"; fi
  reload
  if [ "$purge" = yes ]; then
    step rm -rf "$root/var/lib/starmesh"
    for state in "$root"/var/lib/starmesh-*; do
      if [ -d "$state" ]; then step rm -rf "$state"; fi
    done
    if [ -z "$root" ] && getent passwd starmesh >/dev/null; then step userdel starmesh; fi
  else
    echo "Keys and networks are kept in $root/var/lib/starmesh*; --purge removes them, too."
  fi
}

"$action"_it
