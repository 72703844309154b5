//! Rules of other programs (Docker, ufw, firewalld) by which nothing passes through this machine unless they name it: ours go
//! into their chains, each with a comment that says whose they are.
//!
//! The same as `src-main/system/host-firewall.ts` does for an engine that runs as root.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::answer::Refusal;
use crate::nft;
use crate::request::{Device, Family};

/// What is to pass.
#[derive(Debug)]
pub struct Opening<'a> {
    /// Begins the comment of each rule of ours.
    pub mark: &'a str,
    /// Out of these interfaces, and into them.
    pub devices: &'a [Device],
    /// Families of what passes.
    pub families: &'a [Family],
}

/// A chain of another program that drops what passes.
#[derive(Debug, PartialEq, Eq)]
pub struct Firewall {
    /// `ip filter FORWARD`.
    pub name: String,
    /// All rules of the opening stand there.
    pub open: bool,
}

/// Chains that drop what passes.
pub fn find(opening: &Opening<'_>) -> Result<Vec<Firewall>, Refusal> {
    let closed = closed_chains(opening.families)?;
    let found = closed.iter().map(|each| Firewall { name: each.chain.name(), open: each.has_all(opening) });
    Ok(found.collect())
}

/// Puts the rules where they are missing, before all others; those of another opening with this mark go.
pub fn open(opening: &Opening<'_>) -> Result<(), Refusal> {
    let (kept, lacking): (Vec<Closed>, Vec<Closed>) =
        closed_chains(opening.families)?.into_iter().partition(|each| each.has_all(opening));
    let kept: Vec<String> = kept.iter().map(|each| each.place.name()).collect();
    let mut steps: Vec<String> = own_rules(opening.mark)?
        .iter()
        .filter(|rule| !kept.contains(&rule.place()))
        .map(Rule::deletion)
        .collect();
    for Closed { place, .. } in &lacking {
        steps.extend(comments(opening).map(|(word, device, comment)| {
            format!("insert rule {} {word} \"{device}\" counter accept comment \"{comment}\"", place.name())
        }));
    }
    carry_out(&steps)
}

/// Takes all rules with the mark away; also when they are gone already.
pub fn close(mark: &str) -> Result<(), Refusal> {
    let steps: Vec<String> = own_rules(mark)?.iter().map(Rule::deletion).collect();
    carry_out(&steps)
}

fn carry_out(steps: &[String]) -> Result<(), Refusal> {
    if steps.is_empty() { Ok(()) } else { nft::load(&format!("{}\n", steps.join("\n"))) }
}

/// A chain that drops what passes, and where rules for what passes belong, with what is in it.
struct Closed {
    chain: Chain,
    place: Chain,
    rules: Vec<Rule>,
}

impl Closed {
    /// Whether all rules of an opening stand, and nothing before them drops what they would let through.
    fn has_all(&self, opening: &Opening<'_>) -> bool {
        let begin = format!("{} ", opening.mark);
        let own = self.rules.iter().filter(|rule| rule.comment().starts_with(&begin)).count();
        let reached: Vec<&str> =
            self.rules.iter().take_while(|rule| !rule.ends_all()).map(Rule::comment).collect();
        own == 2 * opening.devices.len()
            && comments(opening).all(|(_, _, comment)| reached.contains(&comment.as_str()))
    }
}

/// The rules of an opening: what they match, and by what they are known.
fn comments<'a>(opening: &Opening<'a>) -> impl Iterator<Item = (&'static str, &'a Device, String)> {
    let mark = opening.mark;
    opening.devices.iter().flat_map(move |device| {
        [
            ("iifname", device, format!("{mark} from {device}")),
            ("oifname", device, format!("{mark} to {device}")),
        ]
    })
}

fn closed_chains(families: &[Family]) -> Result<Vec<Closed>, Refusal> {
    let chains: Vec<Chain> = all_chains()?
        .into_iter()
        .filter(|chain| chain.family == Family::Inet || families.contains(&chain.family))
        .collect();
    let mut closed = Vec::new();
    for chain in &chains {
        if chain.hook.as_deref() != Some("forward") || chain.table.as_ref().starts_with(OWN_TABLES) {
            continue;
        }
        let rules = rules_of(chain)?;
        if chain.policy.as_deref() != Some("drop") && !rules.iter().any(Rule::ends_all) {
            continue;
        }
        let users = chains.iter().find(|each| {
            each.name.as_ref() == USERS_CHAIN && each.family == chain.family && each.table == chain.table
        });
        let (place, rules) = match users.filter(|users| rules.iter().any(|rule| rule.jumps_to(&users.name))) {
            Some(users) => (users.clone(), rules_of(users)?),
            None => (chain.clone(), rules),
        };
        closed.push(Closed { chain: chain.clone(), place, rules });
    }
    Ok(closed)
}

fn all_chains() -> Result<Vec<Chain>, Refusal> {
    Ok(listed(nft::list(&["list", "chains"])?.as_deref(), "chain"))
}

/// None of a chain that is gone meanwhile.
fn rules_of(chain: &Chain) -> Result<Vec<Rule>, Refusal> {
    let words = ["list", "chain", chain.family.word(), chain.table.as_ref(), chain.name.as_ref()];
    Ok(listed(nft::list(&words)?.as_deref(), "rule"))
}

fn own_rules(mark: &str) -> Result<Vec<Rule>, Refusal> {
    let begin = format!("{mark} ");
    let mut own = Vec::new();
    for chain in all_chains()? {
        if chain.hook.as_deref() == Some("forward") || chain.name.as_ref() == USERS_CHAIN {
            own.extend(rules_of(&chain)?.into_iter().filter(|rule| rule.comment().starts_with(&begin)));
        }
    }
    Ok(own)
}

/// Chains or rules of what `nft --json` prints (libnftables-json(5)); what is anything else is passed over.
fn listed<Kind: for<'a> Deserialize<'a>>(text: Option<&[u8]>, kind: &str) -> Vec<Kind> {
    let ruleset: Option<Ruleset> = text.and_then(|text| serde_json::from_slice(text).ok());
    let entries = ruleset.map(|ruleset| ruleset.nftables).unwrap_or_default();
    entries
        .into_iter()
        .filter_map(|mut entry| entry.remove(kind))
        .filter_map(|value| serde_json::from_value(value).ok())
        .collect()
}

#[derive(Debug, Deserialize)]
struct Ruleset {
    nftables: Vec<Map<String, Value>>,
}

#[derive(Debug, Clone, Deserialize)]
struct Chain {
    family: Family,
    table: Word,
    name: Word,
    hook: Option<String>,
    policy: Option<String>,
}

impl Chain {
    fn name(&self) -> String {
        format!("{} {} {}", self.family.word(), self.table.as_ref(), self.name.as_ref())
    }
}

#[derive(Debug, Clone, Deserialize)]
struct Rule {
    family: Family,
    table: Word,
    chain: Word,
    handle: u64,
    comment: Option<String>,
    #[serde(default)]
    expr: Vec<Map<String, Value>>,
}

impl Rule {
    fn comment(&self) -> &str {
        self.comment.as_deref().unwrap_or_default()
    }

    fn place(&self) -> String {
        format!("{} {} {}", self.family.word(), self.table.as_ref(), self.chain.as_ref())
    }

    fn deletion(&self) -> String {
        format!("delete rule {} handle {}", self.place(), self.handle)
    }

    /// Nothing gets past it: it drops or refuses whatever comes.
    fn ends_all(&self) -> bool {
        let mut acts = self.expr.iter().filter(|each| !each.contains_key("counter"));
        let is_end = acts.next().is_some_and(|act| act.contains_key("drop") || act.contains_key("reject"));
        is_end && acts.next().is_none()
    }

    fn jumps_to(&self, name: &Word) -> bool {
        let target = |act: &Map<String, Value>| Some(act.get("jump")?.get("target")? == name.as_ref());
        self.expr.iter().any(|act| target(act) == Some(true))
    }
}

/// A word of nft that stands in a command as it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct Word(String);

impl TryFrom<String> for Word {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Word, Self::Error> {
        let is_begun = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
        let is_word = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_/.-".contains(&byte));
        if is_begun && is_word && text.len() <= LONGEST_WORD { Ok(Word(text)) } else { Err("not a word") }
    }
}

impl AsRef<str> for Word {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

const OWN_TABLES: &str = "starmesh";
/// Docker's, for what the machine's owner wants before all of Docker's own rules.
const USERS_CHAIN: &str = "DOCKER-USER";
const LONGEST_WORD: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn closed(rules: &str) -> Closed {
        let text = format!(r#"{{"nftables":[{{"metainfo":{{}}}},{rules}]}}"#);
        let chain = Chain {
            family: Family::Ip,
            table: "filter".to_owned().try_into().expect("a word"),
            name: "FORWARD".to_owned().try_into().expect("a word"),
            hook: Some("forward".into()),
            policy: Some("drop".into()),
        };
        Closed { chain: chain.clone(), place: chain, rules: listed(Some(text.as_bytes()), "rule") }
    }

    fn rule(comment: &str, act: &str) -> String {
        format!(
            r#"{{"rule":{{"family":"ip","table":"filter","chain":"FORWARD","handle":7,"comment":"{comment}","expr":[{{"counter":null}},{act}]}}}}"#
        )
    }

    #[test]
    fn an_opening_stands_where_nothing_before_it_drops() {
        let devices = [Device::try_from("starmesh0".to_owned()).expect("a device")];
        let opening = Opening { mark: "starmesh_u1_aa", devices: &devices, families: &[Family::Ip] };
        let from = rule("starmesh_u1_aa from starmesh0", r#"{"accept":null}"#);
        let to = rule("starmesh_u1_aa to starmesh0", r#"{"accept":null}"#);
        let drop = rule("", r#"{"drop":null}"#);
        assert!(closed(&format!("{from},{to},{drop}")).has_all(&opening));
        assert!(!closed(&format!("{from},{drop},{to}")).has_all(&opening));
        assert!(!closed(&from).has_all(&opening));
        assert!(!closed(&format!("{from},{to},{from}")).has_all(&opening));
        assert_eq!(closed(&from).rules[0].deletion(), "delete rule ip filter FORWARD handle 7");
    }

    #[test]
    fn what_would_mean_more_in_a_command_is_no_word() {
        for text in ["", "a b", "a;b", "a\nb", "-f", "{", "\"", "1a"] {
            assert!(Word::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_never_panics(text in "\\PC{0,80}", rules in "[\\[\\]{}\":,a-z0-9]{0,80}") {
            let whole = format!(r#"{{"nftables":[{{"chain":{rules}}},{{"rule":{rules}}}]}}"#);
            for printed in [&text, &whole] {
                let _: Vec<Chain> = listed(Some(printed.as_bytes()), "chain");
                let _: Vec<Rule> = listed(Some(printed.as_bytes()), "rule");
            }
        }
    }
}
