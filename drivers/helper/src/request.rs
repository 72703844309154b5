//! What a client may ask for: one typed request in each frame, and nothing else.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::domain::Domain;
use crate::prefix::Prefix;

/// What is asked for. Interfaces are those that this client opened.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Request {
    /// Nothing: an answer says that this one may ask.
    Hello {},
    /// A new interface; its descriptor comes with the answer.
    OpenTun {
        /// Bytes of the largest IP packet.
        mtu: u32,
    },
    /// The interface whose descriptor comes with the request is this client's, opened with a helper that is no more.
    ClaimTun {},
    /// What is left out stays.
    SetLink {
        /// Which.
        device: Device,
        /// Switched on.
        up: Option<bool>,
        /// Bytes of the largest IP packet.
        mtu: Option<u32>,
        /// Bytes of the largest super-packet.
        gso_max_size: Option<u32>,
    },
    /// Done also when it is gone.
    RemoveLink {
        /// Which.
        device: Device,
    },
    /// An address; it makes no route.
    AddAddress {
        /// Of which.
        device: Device,
        /// An address of one machine.
        address: IpAddr,
        /// 32 or 128.
        length: u8,
    },
    /// Done also when it is gone.
    RemoveAddress {
        /// Of which.
        device: Device,
        /// The address.
        address: IpAddr,
        /// As it was added.
        length: u8,
    },
    /// A route into an interface, never a default route and never over what the machine is connected to.
    AddRoute {
        /// Into which.
        device: Device,
        /// Where to.
        prefix: Prefix,
        /// Source of what this machine itself sends there.
        source: Option<IpAddr>,
    },
    /// Done also when it is gone.
    RemoveRoute {
        /// Into which.
        device: Device,
        /// Where to.
        prefix: Prefix,
        /// As it was added.
        source: Option<IpAddr>,
    },
    /// One of few settings of the kernel, switched on, or back to what it was.
    ChangeSetting {
        /// Which.
        name: Setting,
        /// A digit.
        value: String,
    },
    /// What may pass from interfaces of this client to elsewhere; replaces what was said by that name.
    SetPassage {
        /// Of this engine.
        name: TableName,
        /// What is reached from each interface.
        sites: Vec<Site>,
    },
    /// Done also when there is none.
    RemovePassage {
        /// Of this engine.
        name: TableName,
    },
    /// Rules of other programs that drop what passes; they come with the answer.
    FindFirewalls(Passing),
    /// What passes is let through there.
    OpenFirewalls(Passing),
    /// A socket that tells of every change of rules; it comes with the answer.
    WatchFirewalls {},
    /// Done also when nothing was let through.
    CloseFirewalls {
        /// Of this engine.
        name: TableName,
    },
    /// What goes to the internet goes through an interface.
    SetExit(Exit),
    /// Done also when there is none.
    RemoveExit {},
    /// The program at the other end of the connection that comes with the request goes past the exit.
    EnterOutside {
        /// Of this engine.
        name: TableName,
    },
    /// Programs that go past it; they come with the answer.
    ListOutside {
        /// Of this engine.
        name: TableName,
    },
    /// One of them goes the way of everything else; done also when it is gone.
    LeaveOutside {
        /// Of this engine.
        name: TableName,
        /// As it was listed.
        process: u32,
    },
    /// All of them do.
    CloseOutside {
        /// Of this engine.
        name: TableName,
    },
    /// systemd-resolved asks this client for names of these domains, or for all.
    SetDnsLink {
        /// By which.
        device: Device,
        /// An address of that interface.
        server: IpAddr,
        /// Without the leading dot.
        domains: Vec<Domain>,
        /// For all names.
        everything: bool,
    },
    /// Done also when there is none.
    RemoveDnsLink {
        /// By which.
        device: Device,
    },
    /// `/etc/resolv.conf` names this client first, at an address of this machine alone.
    SetDnsFile {
        /// On loopback.
        server: IpAddr,
    },
    /// Done also when it does not.
    RemoveDnsFile {},
    /// Sockets at the port of names, UDP and TCP; they come with the answer.
    ListenNames {
        /// On loopback, or of an interface of this client.
        address: IpAddr,
    },
    /// The socket that comes with the request carries networks: it goes past the exit.
    Mark {},
    /// Another connection, which comes with the answer and takes `Mark` alone.
    Marker {},
}

/// What passes out of interfaces of this client, and into them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Passing {
    /// Of this engine.
    pub name: TableName,
    /// Which interfaces.
    pub devices: Vec<Device>,
    /// Of what passes.
    pub families: Vec<Family>,
}

/// Families of packets, in the words of nft(8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4.
    Ip,
    /// IPv6.
    Ip6,
    /// Both.
    Inet,
}

/// The way of what goes to the internet.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Exit {
    /// None: there is none just now.
    pub interface: Option<Device>,
    /// Nothing goes another way when the interface is not there.
    pub strict: bool,
    /// What this machine is directly connected to is reached as ever.
    pub lan: bool,
    /// These alone; empty: everything.
    pub only: Vec<Prefix>,
    /// Everything but these.
    pub except: Vec<Prefix>,
    /// Prefixes that lead into interfaces of ours by routes of their own.
    pub inside: Vec<Prefix>,
}

/// What is reached from one interface.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Site {
    /// Which.
    pub device: Device,
    /// Where packets from it may go; nowhere else.
    pub routes: Vec<PassageRoute>,
}

/// Where packets may go.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PassageRoute {
    /// Length 0: everything of its family.
    pub prefix: Prefix,
    /// Leaves under this machine's own address.
    pub snat: bool,
    /// Sources that may; empty: all.
    pub allow: Vec<Prefix>,
}

/// Name of an interface of ours: `starmesh0`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Device(String);

/// Name of an engine's rules: `starmesh_` and eight hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct TableName(String);

/// A setting of the kernel that may be changed: its name below `/proc/sys`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Setting(String);

impl Setting {
    /// What it is switched on by.
    pub fn on(&self) -> &'static str {
        if self.0.ends_with("/accept_ra") || self.0.ends_with("/rp_filter") { "2" } else { "1" }
    }

    /// Below `/proc/sys`.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl Family {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Family::Ip => "ip",
            Family::Ip6 => "ip6",
            Family::Inet => "inet",
        }
    }
}

impl TableName {
    /// The table of a user's engine. That of another user has another name, whatever a client says.
    pub fn table_of(&self, uid: u32) -> String {
        format!("starmesh_u{uid}_{}", self.digits())
    }

    /// The control group of a user's engine.
    pub fn group_of(&self, uid: u32) -> String {
        format!("starmesh_outside_u{uid}_{}", self.digits())
    }

    fn digits(&self) -> &str {
        &self.0["starmesh_".len()..]
    }
}

impl TryFrom<String> for Device {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Device, Self::Error> {
        let number = text.strip_prefix("starmesh").ok_or("not an interface of ours")?;
        let is_number = (1..=6).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { Ok(Device(text)) } else { Err("not an interface of ours") }
    }
}

impl TryFrom<String> for TableName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<TableName, Self::Error> {
        let mark = text.strip_prefix("starmesh_").ok_or("not a table of ours")?;
        let is_mark = mark.len() == 8 && mark.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if is_mark { Ok(TableName(text)) } else { Err("not a table of ours") }
    }
}

impl TryFrom<String> for Setting {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Setting, Self::Error> {
        let parts: Vec<&str> = name.split('/').collect();
        let is_known = match parts.as_slice() {
            ["net", "ipv4", "ip_forward"] | ["net", "ipv6", "conf", "all", "forwarding"] => true,
            ["net", "ipv6", "conf", interface, "accept_ra"] => is_interface(interface),
            ["net", "ipv4", "conf", interface, "rp_filter"] => is_interface(interface),
            _ => false,
        };
        if is_known { Ok(Setting(name)) } else { Err("not a setting that may be changed") }
    }
}

impl From<Setting> for String {
    fn from(setting: Setting) -> String {
        setting.0
    }
}

/// The kernel lets a name be almost anything; what could mean another folder is refused.
fn is_interface(name: &str) -> bool {
    (1..=15).contains(&name.len())
        && name != "."
        && name != ".."
        && name.bytes().all(|byte| byte.is_ascii_graphic())
}

macro_rules! text {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

text!(Device);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::{Envelope, parse};
    use proptest::prelude::*;

    fn read(request: &str) -> Result<Envelope<Request>, String> {
        parse(format!(r#"{{"version":1,"id":7,"request":{request}}}"#).as_bytes())
    }

    #[test]
    fn a_request_is_read() {
        let read = read(r#"{"do":"addRoute","device":"starmesh0","prefix":"10.9.0.0/16"}"#).expect("read");
        assert_eq!(read.id, 7);
        assert!(matches!(read.request, Request::AddRoute { source: None, .. }));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for request in [
            r#"{"do":"run","command":"sh"}"#,
            r#"{"do":"removeExit","also":1}"#,
            r#"{"do":"openTun","mtu":1400,"name":"eth0"}"#,
            r#"{"do":"setLink","device":"eth0","up":true}"#,
            r#"{"do":"setLink","device":"starmesh0/../eth0","up":true}"#,
            r#"{"do":"addRoute","device":"starmesh0","prefix":"10.9.1.1/16"}"#,
            r#"{"do":"setPassage","name":"filter","sites":[]}"#,
            r#"{"do":"enterOutside","name":"../system.slice"}"#,
            r#"{"do":"enterOutside","name":"starmesh_0123abcd","process":1}"#,
            r#"{"do":"leaveOutside","name":"starmesh_0123abcd","process":"../1"}"#,
            r#"{"do":"openFirewalls","name":"starmesh_0123abcd","devices":["eth0"],"families":["ip"]}"#,
            r#"{"do":"openFirewalls","name":"starmesh_0123abcd","devices":[],"families":["bridge"]}"#,
            r#"{"do":"setDnsLink","device":"starmesh0","server":"10.9.1.1","domains":["a b"],"everything":false}"#,
            r#"{"do":"setDnsLink","device":"starmesh0","server":"10.9.1.1","domains":["--help"],"everything":false}"#,
        ] {
            assert!(read(request).is_err(), "{request}");
        }
        assert!(parse::<Request>(br#"{"version":2,"id":1,"request":{"do":"removeExit"}}"#).is_err());
    }

    #[test]
    fn settings_are_a_short_list() {
        let change = |name: &str| read(&format!(r#"{{"do":"changeSetting","name":"{name}","value":"1"}}"#));
        for name in [
            "net/ipv4/ip_forward",
            "net/ipv6/conf/all/forwarding",
            "net/ipv6/conf/eth0/accept_ra",
            "net/ipv4/conf/eth0.5/rp_filter",
        ] {
            assert!(change(name).is_ok(), "{name}");
        }
        for name in [
            "kernel/core_pattern",
            "net/ipv4/conf/../../../kernel/core_pattern",
            "net/ipv4/conf/../rp_filter",
            "net/ipv4/tcp_syncookies",
            "/net/ipv4/ip_forward",
            "net/ipv4/ip_forward/",
        ] {
            assert!(change(name).is_err(), "{name}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse::<Request>(&bytes);
        }

        #[test]
        fn nothing_put_into_a_field_makes_it_panic_or_leaves_the_pattern(text in ".{0,24}") {
            if let Ok(device) = Device::try_from(text.clone()) {
                prop_assert!(device.as_ref().starts_with("starmesh") && device.as_ref().len() <= 15);
            }
            if let Ok(setting) = Setting::try_from(format!("net/ipv4/conf/{text}/rp_filter")) {
                prop_assert_eq!(setting.name().split('/').count(), 5);
                prop_assert!(!setting.name().contains("/../"));
            }
        }
    }
}
