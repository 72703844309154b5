// @ts-check
/** Looks at the services that a package brings, in a copy of this machine that systemd has booted. */
import { find } from "../command.mjs";
import { canBoot, inBooted } from "./booted.mjs";

/** @typedef {import("./inspect.mjs").Inspection} Inspection */

/**
 * Installs the archive for servers, runs a node and the machine's own engine as services, kills what can be killed, and takes
 * all of it away again.
 * @param {string} archive
 * @returns {Promise<Inspection>}
 */
export async function inspectServices(archive) {
  if (!canBoot()) return { not: "not run: that takes root on Linux, with systemd and dbus installed" };
  const { code, output, left } = await inBooted(`${WORDS}${SERVERS}`, archive);
  const wrong = missing(output, [
    /^node: starmesh 0000000000000400 helper$/m,
    /^killed: node and helper came back$/m,
    /^service: starmesh 0000000000000400 helper$/m,
    /^group: may; others: may not$/m,
    /^names: asked of us$/m,
    /^past the exit: marked; back: not$/m,
    /^gateway: 1, passes the rules of others$/m,
    // Where nobody but root can have the folder.
    /^elsewhere: root 000000800000340b own$/m,
    /^left:$/m,
  ]);
  if (code !== 0 || wrong !== null) return { not: `it failed: ${wrong ?? output.trim().split("\n").at(-1)}` };
  if (left.length > 0) return { not: `removed, it leaves: ${left.slice(0, 5).join(" ")}` };
  const exposure = /^exposure: (.+)$/m.exec(output)?.[1] ?? "";
  return {
    ran: `under systemd: nodes without rights, their helper, a program past the exit, killed and back, removed; exposure ${exposure}`,
  };
}

/**
 * The window's way to its rights, with the real polkit: said no to and yes to, and asking a person for a password.
 * @param {string} deb
 * @returns {Promise<Inspection>}
 */
export async function inspectLeave(deb) {
  if (!canBoot()) return { not: "not run: that takes root on Linux, with systemd and dbus installed" };
  if (!find("pkexec")) return { not: "not run: pkexec is not installed" };
  const { code, output, left } = await inBooted(`${WORDS}${LEAVE}`, deb);
  const wrong = missing(output, [
    /^no: .*was not given: polkit, or who was asked, said no\./m,
    /^nobody to ask: .*was not given: no program runs here that could ask you\./m,
    /^yes: helper online$/m,
    /^again: helper$/m,
    /^asked: Starmesh needs your leave/m,
    /^wrong: .*was not given: polkit, or who was asked, said no\./m,
    /^right: helper online$/m,
    /^kept: helper$/m,
    /^left:$/m,
  ]);
  if (code !== 0 || wrong !== null) return { not: `it failed: ${wrong ?? output.trim().split("\n").at(-1)}` };
  return left.length > 0
    ? { not: `removed, it leaves: ${left.slice(0, 5).join(" ")}` }
    : {
        ran: "polkit: said no to, yes to, asks for a password in our words, once while it is remembered; said in one line each",
      };
}

/**
 * @param {string} output
 * @param {readonly RegExp[]} lines
 */
function missing(output, lines) {
  const lacking = lines.find((line) => !line.test(output));
  return lacking === undefined ? null : `${lacking.source} is not in: ${output.slice(-2000)}`;
}

const WORDS = `
# What, then a command that is tried for a minute.
soon() {
  what=$1; shift
  for turn in $(seq 300); do if "$@" >/dev/null 2>&1; then return 0; fi; sleep 0.2; done
  echo "never: $what"; return 1
}
state_is() { starmesh --state "$1" status --json | grep -q '"state": *"online"'; }
helper_is() { starmesh --state "$1" status --json | grep -q '"kind": *"helper"'; }
rights_of() {
  pid=$(systemctl show -P MainPID "$1")
  echo "$(ps -o user= -p $pid) $(sed -n 's/^CapEff:[[:space:]]*//p' /proc/$pid/status) $(starmesh --state "$2" status --json | grep -A2 '"rights"' | grep -o '"helper"\\|"own"\\|"none"\\|"lost"' | head -1 | tr -d '"')"
}
another_pid() { now=$(systemctl show -P MainPID "$1"); [ "$now" != 0 ] && [ "$now" != "$2" ]; }
opens_rules() { nft list ruleset | grep -q 'accept comment "starmesh_'; }
closed_rules() { ! opens_rules && [ "$(cat /proc/sys/net/ipv4/ip_forward)" = 0 ]; }
no_interface() { ! ip -o link | grep -q starmesh; }
what_is_left() {
  echo "left:$(getent passwd starmesh; getent group starmesh; ls -d /run/starmesh 2>/dev/null; ip -o link | grep -o 'starmesh[0-9]*'; nft list tables | grep starmesh; ip rule | grep 21325)"
}
ln -sf /run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
systemctl start systemd-resolved dbus
`;

const SERVERS = `
mkdir /tmp/unpacked
tar -xf "$1" -C /tmp/unpacked --strip-components=1
/tmp/unpacked/install.sh >/dev/null
systemd-analyze verify /etc/systemd/system/starmesh@.service /etc/systemd/system/starmesh-helper.socket
home=/var/lib/starmesh-home
systemctl enable --quiet --now starmesh@home
soon "the node answers" starmesh --state $home status
starmesh --state $home network create inspected >/dev/null
soon "the network is online" state_is $home
echo "node: $(rights_of starmesh@home $home)"
pid=$(systemctl show -P MainPID starmesh@home)
kill -9 $pid
soon "systemd starts it again" another_pid starmesh@home $pid
soon "the network is online again" state_is $home
pid=$(systemctl show -P MainPID starmesh-helper)
kill -9 $pid
soon "systemd starts the helper again" another_pid starmesh-helper $pid
soon "it is used again" helper_is $home
systemctl restart starmesh@home
soon "the network is online after a restart" state_is $home
echo "killed: node and helper came back"
useradd -M -G starmesh insider
useradd -M outsider
runuser -u insider -- starmesh --state $home status >/dev/null && insider=may || insider="may not"
runuser -u outsider -- starmesh --state $home status >/dev/null 2>&1 && outsider=may || outsider="may not"
echo "group: $insider; others: $outsider"
soon "resolved knows" sh -c 'resolvectl domain | grep -q inspected.mesh'
echo "names: asked of us"
marks='import socket, sys
for line in sys.stdin: print(socket.socket().getsockopt(socket.SOL_SOCKET, 36), flush=True)'
mkfifo /tmp/turns
runuser -u insider -- starmesh --state $home outside python3 -c "$marks" </tmp/turns >/tmp/marks &
exec 8>/tmp/turns
echo now >&8
soon "its sockets are marked" grep -qx 21325 /tmp/marks
past=$(ls -d $(awk '/ - cgroup2 /{print $5; exit}' /proc/self/mountinfo)/starmesh_outside_u*/[0-9]* | sed 's,.*/,,')
starmesh --state $home outside --back $past >/dev/null
echo again >&8
soon "they are no more" grep -qx 0 /tmp/marks
exec 8>&-
wait
echo "past the exit: marked; back: not"
exposure_of() { systemd-analyze security --no-pager "$1" 2>/dev/null | sed -n 's/.*exposure level.*: \\([0-9.]*\\).*/\\1/p'; }
echo "exposure: $(exposure_of starmesh@home), helper $(exposure_of starmesh-helper)"
nft -f - <<'RULES'
table ip filter {
  chain FORWARD {
    type filter hook forward priority filter; policy drop;
  }
}
RULES
ip link add lan type veth peer name host
ip address add 192.168.77.1/24 dev lan
ip link set lan up
ip link set host up
starmesh --state $home route advertise 192.168.77.0/24 >/dev/null
soon "it passes the rules of others" opens_rules
echo "gateway: $(cat /proc/sys/net/ipv4/ip_forward), passes the rules of others"
systemctl stop starmesh@home
soon "its interface is gone" no_interface
soon "others' rules are as they were" closed_rules
starmesh up >/dev/null
starmesh network create whole >/dev/null
starmesh service install >/dev/null 2>&1
soon "the machine's engine is online" state_is /var/lib/starmesh
echo "service: $(rights_of starmesh /var/lib/starmesh)"
starmesh service uninstall >/dev/null
no_interface
starmesh --state /srv/mesh service install >/dev/null 2>&1
starmesh --state /srv/mesh network create elsewhere >/dev/null
soon "an engine on a folder elsewhere is online" state_is /srv/mesh
echo "elsewhere: $(rights_of starmesh /srv/mesh)"
starmesh --state /srv/mesh service uninstall >/dev/null
no_interface
rm -r /srv/mesh
userdel insider
userdel outsider
/opt/starmesh/install.sh --uninstall --purge >/dev/null
what_is_left
`;

const LEAVE = `
cp "$1" /tmp/starmesh.deb
dpkg -i --force-depends /tmp/starmesh.deb >/dev/null 2>&1
useradd -m person
useradd -m other
cat >/etc/polkit-1/rules.d/10-inspected.rules <<'RULE'
polkit.addRule(function (action, subject) {
  if (action.id !== "org.starmesh.helper.start") return undefined;
  if (subject.user === "other") return polkit.Result.NO;
  return subject.isInGroup("letin") ? polkit.Result.YES : undefined;
});
RULE
groupadd letin
systemctl restart polkit
as() { who=$1; shift; runuser -u "$who" -- env HOME=/home/$who "$@"; }
as other starmesh up >/dev/null 2>&1
echo "no: $(as other starmesh rights 2>&1 | tail -1)"
as other starmesh stop >/dev/null
as person starmesh up >/dev/null 2>&1
echo "nobody to ask: $(as person starmesh rights 2>&1 | tail -1)"
gpasswd -a person letin >/dev/null
systemctl restart polkit
as person starmesh rights >/dev/null
as person starmesh network create inspected >/dev/null
folder=/home/person/.local/share/starmesh
soon "the network is online" state_is $folder
echo "yes: $(helper_is $folder && echo helper) $(state_is $folder && echo online)"
kill -9 $(pgrep -x starmesh-helper)
soon "it is known" sh -c '! starmesh --state /home/person/.local/share/starmesh status --json | grep -q "\\"kind\\": *\\"helper\\""'
as person starmesh rights >/dev/null
soon "the network is online again" state_is $folder
echo "again: $(helper_is $folder && echo helper)"
as person starmesh stop >/dev/null
soon "its interface is gone" no_interface
gpasswd -d person letin >/dev/null
systemctl restart polkit
# An administrator's password, and a person who sits at the machine.
echo 'root:the password' | chpasswd
systemctl start systemd-logind
seated="-p PAMName=login -p User=person -E XDG_SEAT=seat0 -E XDG_SESSION_TYPE=tty -E XDG_SESSION_CLASS=user"
systemd-run --quiet --collect --unit=seated $seated starmesh up --foreground
soon "it runs" starmesh --state $folder status
# What is typed comes once the question is there.
ask() {
  rm -f /tmp/keys /tmp/screen; mkfifo /tmp/keys
  script -qfec "runuser -u person -- env HOME=/home/person starmesh rights" /tmp/screen </tmp/keys >/dev/null 2>&1 &
  exec 9>/tmp/keys
  if [ -n "$1" ]; then
    soon "the password is asked for" grep -q 'Password' /tmp/screen
    printf '%s\\n' "$1" >&9
  fi
  wait $! || true
  exec 9>&-
}
ask "not the password"
echo "asked: $(grep -o 'Starmesh needs your leave to create a network interface' /tmp/screen)"
echo "wrong: $(grep -o 'The right .*Ask again' /tmp/screen)"
ask "the password"
soon "the network is online" state_is $folder
echo "right: $(helper_is $folder && echo helper) $(state_is $folder && echo online)"
kill -9 $(pgrep -x starmesh-helper)
soon "it is known" sh -c '! starmesh --state /home/person/.local/share/starmesh status --json | grep -q "\\"kind\\": *\\"helper\\""'
ask ""
echo "kept: $(helper_is $folder && echo helper)"
as person starmesh stop >/dev/null
loginctl terminate-user person 2>/dev/null || true
soon "the person has left" sh -c '! pgrep -u person'
userdel -r person 2>/dev/null
userdel -r other 2>/dev/null
groupdel letin
rm /etc/polkit-1/rules.d/10-inspected.rules
dpkg -P starmesh >/dev/null 2>&1
what_is_left
`;
