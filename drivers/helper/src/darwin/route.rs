//! What route(8) of macOS is told and says.

use std::net::IpAddr;

use crate::darwin::request::Device;
use crate::prefix::Prefix;

/// The words by which a route into an interface is added or deleted.
pub fn words(verb: &str, prefix: Prefix, device: &Device) -> Vec<String> {
    let family = if prefix.address.is_ipv4() { "-inet" } else { "-inet6" };
    ["-n", verb, family, &prefix.to_string(), "-interface", device.as_ref()].map(str::to_owned).to_vec()
}

/// The words by which is asked where a prefix leads.
pub fn question(prefix: Prefix) -> Vec<String> {
    let family = if prefix.address.is_ipv4() { "-inet" } else { "-inet6" };
    ["-n", "get", family, &prefix.to_string()].map(str::to_owned).to_vec()
}

/// Whether what it answered is the route of exactly this beginning into this interface.
pub fn leads_into(answer: &str, prefix: Prefix, device: &Device) -> bool {
    let field = |name: &str| {
        answer.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(": ")).map(str::trim)
    };
    let destination = field("destination").and_then(|text| text.parse::<IpAddr>().ok());
    destination == Some(prefix.address) && field("interface") == Some(device.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ANSWER: &str =
        "   route to: 10.9.0.0\ndestination: 10.9.0.0\n       mask: 255.255.0.0\n  interface: utun4\n";

    fn device(name: &str) -> Device {
        Device::try_from(name.to_owned()).expect("a device")
    }

    #[test]
    fn only_our_own_route_is_ours() {
        let prefix = |text: &str| text.parse::<Prefix>().expect("a prefix");
        assert!(leads_into(ANSWER, prefix("10.9.0.0/16"), &device("utun4")));
        assert!(!leads_into(ANSWER, prefix("10.9.0.0/16"), &device("utun41")));
        assert!(!leads_into(ANSWER, prefix("10.8.0.0/16"), &device("utun4")));
        assert!(!leads_into(
            "destination: default\n  interface: utun4\n",
            prefix("10.9.0.0/16"),
            &device("utun4")
        ));
        assert_eq!(
            words("add", prefix("fd00::/8"), &device("utun4")),
            ["-n", "add", "-inet6", "fd00::/8", "-interface", "utun4"]
        );
    }

    proptest! {
        #[test]
        fn whatever_it_says_never_panics(text in "(destination: |interface: |10.9.0.0|utun4|\\n|.){0,20}") {
            let _ = leads_into(&text, "10.9.0.0/16".parse().expect("a prefix"), &device("utun4"));
        }
    }
}
