#!/bin/sh
# The container's first program: gives up root, and keeps of its rights only those that a node uses and that were given.
set -eu

state=/var/lib/starmesh

if [ "$(id -u)" != 0 ]; then
  exec starmesh --state "$state" "$@"
fi

bounding=$((0x$(sed -n 's/^CapBnd:[[:space:]]*//p' /proc/self/status)))
kept=-all
# Their numbers in linux/capability.h.
for right in net_bind_service:10 net_admin:12 net_raw:13; do
  if [ $((bounding >> ${right#*:} & 1)) = 1 ]; then kept=$kept,+${right%:*}; fi
done

# A volume that was just made belongs to root.
chown starmesh:starmesh "$state"
exec setpriv --reuid=starmesh --regid=starmesh --clear-groups --no-new-privs \
  "--inh-caps=$kept" "--ambient-caps=$kept" "--bounding-set=$kept" \
  starmesh --state "$state" "$@"
