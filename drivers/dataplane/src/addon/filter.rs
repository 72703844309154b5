//! The calls about what peers may send, and about peers that cannot be reached.

use super::calls::{DataPlane, Refused, guard};
use super::text::{read_key, read_prefixes};
use crate::filter::{Protocol, Rule};
use crate::plane::CallError;
use napi::bindgen_prelude::Either;
use napi_derive::napi;

#[napi(object, object_to_js = false)]
pub struct FilterRule {
    pub from: Vec<String>,
    pub to: Vec<String>,
    pub protocol: Either<String, u32>,
    pub ports: Vec<Vec<u32>>,
    pub allow: bool,
}

#[napi(object, object_to_js = false)]
pub struct Filter {
    pub rules: Vec<FilterRule>,
    pub otherwise: bool,
}

#[napi]
impl DataPlane {
    #[napi]
    pub fn set_filter(&self, realm: String, filter: Option<Filter>) -> Result<(), Refused> {
        guard(|| {
            let Some(filter) = filter else { return self.plane.set_filter(&realm, None) };
            let rules = filter.rules.iter().map(read_rule).collect::<Result<Vec<Rule>, CallError>>()?;
            self.plane.set_filter(&realm, Some((&rules, filter.otherwise)))
        })
    }

    #[napi]
    pub fn set_unreachable(&self, realm: String, peers: Vec<String>) -> Result<(), Refused> {
        guard(|| {
            let keys = peers.iter().map(|peer| read_key(peer, "the peer")).collect::<Result<Vec<_>, _>>()?;
            self.plane.set_unreachable(&realm, &keys)
        })
    }
}

fn read_rule(rule: &FilterRule) -> Result<Rule, CallError> {
    let protocol = read_protocol(&rule.protocol)?;
    let ports = rule.ports.iter().map(|span| read_ports(span)).collect::<Result<Vec<_>, CallError>>()?;
    if !ports.is_empty() && !protocol.may_have_ports() {
        return Err(CallError::invalid("a rule with ports is about a protocol that has ports"));
    }
    Ok(Rule {
        from: read_prefixes(&rule.from)?,
        to: read_prefixes(&rule.to)?,
        protocol,
        ports,
        allow: rule.allow,
    })
}

fn read_protocol(protocol: &Either<String, u32>) -> Result<Protocol, CallError> {
    match protocol {
        Either::A(name) => match name.as_str() {
            "any" => Ok(Protocol::Any),
            "tcp" => Ok(Protocol::Number(6)),
            "udp" => Ok(Protocol::Number(17)),
            "icmp" => Ok(Protocol::Icmp),
            _ => Err(CallError::invalid(format!("{name:?} is no protocol: any, tcp, udp, icmp or a number"))),
        },
        Either::B(number) => {
            let number = u8::try_from(*number);
            number.map(Protocol::Number).map_err(|_| CallError::invalid("a protocol's number is 0 to 255"))
        }
    }
}

fn read_ports(span: &[u32]) -> Result<(u16, u16), CallError> {
    let port = |at: usize| span.get(at).and_then(|port| u16::try_from(*port).ok());
    match (port(0), port(1)) {
        (Some(first), Some(last)) if first <= last && span.len() == 2 => Ok((first, last)),
        _ => Err(CallError::invalid(format!("{span:?} are no ports: the first and the last of 0 to 65535"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn protocols() -> impl Strategy<Value = Either<String, u32>> {
        let names = prop_oneof![Just("any"), Just("tcp"), Just("udp"), Just("icmp"), Just("gre")];
        prop_oneof![names.prop_map(|name| Either::A(name.to_string())), (0u32..300).prop_map(Either::B)]
    }

    proptest! {
        #[test]
        fn any_rule_is_refused_or_taken_as_it_is(
            from in proptest::collection::vec("[0-9a-f./:]{0,12}", 0..2),
            protocol in protocols(),
            ports in proptest::collection::vec(proptest::collection::vec(0u32..70_000, 0..4), 0..3),
            allow in any::<bool>(),
        ) {
            let rule = FilterRule { from: from.clone(), to: vec![], protocol, ports: ports.clone(), allow };
            if let Ok(read) = read_rule(&rule) {
                let texts: Vec<u32> = read.ports.iter().flat_map(|(first, last)| [(*first).into(), (*last).into()]).collect();
                prop_assert_eq!(texts, ports.concat());
                prop_assert_eq!(read.from.len(), from.len());
                prop_assert!(ports.is_empty() || read.protocol.may_have_ports());
                prop_assert_eq!(read.allow, allow);
            }
        }
    }
}
