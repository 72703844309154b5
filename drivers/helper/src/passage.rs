//! Rules for packets that pass through this machine: tables of nftables that are ours alone.

use crate::answer::Refusal;
use crate::nft;
use crate::prefix::Prefix;
use crate::request::Site;

/// Replaces a table by what these sites allow, in one step.
pub fn set(table: &str, sites: &[Site]) -> Result<(), Refusal> {
    nft::load(&format!("{}table inet {table} {{\n{}}}\n", cleared(table), rules(sites)))
}

/// Done also when there is none.
pub fn remove(table: &str) -> Result<(), Refusal> {
    nft::load(&cleared(table))
}

/// Declared first, so that the deletion finds it; all of it is one transaction.
fn cleared(table: &str) -> String {
    format!("table inet {table}\ndelete table inet {table}\n")
}

/// What begins at our interfaces passes to the routes named and nowhere else, refused with word of it; answers pass always.
fn rules(sites: &[Site]) -> String {
    let mut pass = vec!["ct state established,related accept".to_owned()];
    let mut translate = Vec::new();
    for Site { device, routes } in sites {
        for route in routes {
            let begin = format!("iifname \"{device}\" oifname != \"{device}\" {}", to(&route.prefix));
            if route.allow.is_empty() {
                pass.push(format!("{begin} accept"));
            }
            let of_family = route
                .allow
                .iter()
                .filter(|source| source.address.is_ipv4() == route.prefix.address.is_ipv4());
            pass.extend(of_family.map(|source| format!("{begin} {} saddr {source} accept", family(source))));
            if route.snat {
                translate.push(format!("{begin} masquerade"));
            }
        }
        pass.push(format!("iifname \"{device}\" reject with icmpx type admin-prohibited"));
    }
    chain("pass", "type filter hook forward priority filter; policy accept;", &pass)
        + &chain("translate", "type nat hook postrouting priority srcnat; policy accept;", &translate)
}

fn chain(name: &str, hook: &str, rules: &[String]) -> String {
    format!("chain {name} {{\n{hook}\n{}\n}}\n", rules.join("\n"))
}

fn to(prefix: &Prefix) -> String {
    if prefix.length > 0 {
        return format!("{} daddr {prefix}", family(prefix));
    }
    format!("meta nfproto {}", if prefix.address.is_ipv4() { "ipv4" } else { "ipv6" })
}

fn family(prefix: &Prefix) -> &'static str {
    if prefix.address.is_ipv4() { "ip" } else { "ip6" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_does_not_pass() {
        let sites: Vec<Site> = serde_json::from_str(
            r#"[{"device":"starmesh0","routes":[
                {"prefix":"192.168.1.0/24","snat":true,"allow":["10.9.1.1/32","fd00::1/128"]},
                {"prefix":"::/0","snat":false,"allow":[]}]}]"#,
        )
        .expect("sites");
        let text = rules(&sites);
        let pass: Vec<&str> = text.lines().skip(2).take(4).collect();
        assert_eq!(
            pass,
            [
                "ct state established,related accept",
                "iifname \"starmesh0\" oifname != \"starmesh0\" ip daddr 192.168.1.0/24 ip saddr 10.9.1.1/32 accept",
                "iifname \"starmesh0\" oifname != \"starmesh0\" meta nfproto ipv6 accept",
                "iifname \"starmesh0\" reject with icmpx type admin-prohibited",
            ]
        );
        assert_eq!(text.matches("masquerade").count(), 1);
    }
}
