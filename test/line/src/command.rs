//! What can be typed, a command a line:
//!
//! - `set there|back|both KEY=NUMBER…`: from now on this and nothing else; answered `done`. Keys are the fields of
//!   [`Impairment`].
//! - `counters`: what happened since they were asked for before, as JSON.
//!
//! All else is answered `refused: …` and changes nothing.

use crate::impairment::Impairment;

/// A line that was understood.
#[derive(Debug, PartialEq)]
pub enum Command {
    Set { there: bool, back: bool, impairment: Impairment },
    Counters,
}

/// Reads a line; says why it is refused.
pub fn parse(line: &str) -> Result<Command, String> {
    let mut words = line.split_ascii_whitespace();
    match words.next() {
        Some("counters") => match words.next() {
            None => Ok(Command::Counters),
            Some(_) => Err("counters stands alone".into()),
        },
        Some("set") => {
            let (there, back) = match words.next() {
                Some("there") => (true, false),
                Some("back") => (false, true),
                Some("both") => (true, true),
                _ => return Err("set there, back or both".into()),
            };
            Ok(Command::Set { there, back, impairment: parse_impairment(words)? })
        }
        _ => Err("set or counters".into()),
    }
}

fn parse_impairment<'a>(words: impl Iterator<Item = &'a str>) -> Result<Impairment, String> {
    let mut impairment = Impairment::default();
    let mut seen = Vec::new();
    for word in words {
        let (key, value) = word.split_once('=').ok_or_else(|| format!("{word} is not KEY=NUMBER"))?;
        if seen.contains(&key) {
            return Err(format!("{key} twice"));
        }
        seen.push(key);
        match key {
            "delay" => impairment.delay = whole(key, value, MOST_MICROS)?,
            "jitter" => impairment.jitter = whole(key, value, MOST_MICROS)?,
            "loss" => impairment.loss = decimal(key, value, 1.0)?,
            "burst" => impairment.burst = decimal(key, value, 10_000.0)?,
            "late" => impairment.late = decimal(key, value, 1.0)?,
            "lateness" => impairment.lateness = whole(key, value, MOST_MICROS)?,
            "duplicate" => impairment.duplicate = decimal(key, value, 1.0)?,
            "rate" => impairment.rate = whole(key, value, 1_000_000_000_000)?,
            "queue" => impairment.queue = whole(key, value, MOST_MICROS)?,
            _ => return Err(format!("{key} is no key")),
        }
    }
    if impairment.rate > 0 && impairment.queue == 0 {
        return Err("a rate needs a queue".into());
    }
    Ok(impairment)
}

fn whole(key: &str, value: &str, most: u64) -> Result<u64, String> {
    let is_plain = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_plain.then(|| value.parse().ok()).flatten();
    number.filter(|&number| number <= most).ok_or_else(|| format!("{key} is a whole number up to {most}"))
}

fn decimal(key: &str, value: &str, most: f64) -> Result<f64, String> {
    let (before, after) = value.split_once('.').unwrap_or((value, "0"));
    let is_plain =
        [before, after].iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    let number = is_plain.then(|| value.parse().ok()).flatten();
    number.filter(|&number| number <= most).ok_or_else(|| format!("{key} is a number from 0 to {most}"))
}

/// A minute.
const MOST_MICROS: u64 = 60_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Chance;

    #[test]
    fn a_line_says_for_which_direction_and_what() {
        let impairment = Impairment {
            delay: 10_000,
            jitter: 200,
            loss: 0.05,
            burst: 4.0,
            late: 0.01,
            lateness: 3000,
            duplicate: 1.0,
            rate: 30_000_000,
            queue: 100_000,
        };
        let keys = "delay=10000 jitter=200 loss=0.05 burst=4 late=0.01 lateness=3000 duplicate=1.0 rate=30000000 \
                    queue=100000";
        for (word, there, back) in [("there", true, false), ("back", false, true), ("both", true, true)] {
            let parsed = parse(&format!("set {word} {keys}\n"));
            assert_eq!(parsed, Ok(Command::Set { there, back, impairment }));
        }
        assert_eq!(parse("counters\n"), Ok(Command::Counters));
    }

    #[test]
    fn all_else_is_refused() {
        for line in [
            "",
            "set",
            "set sideways",
            "set both delay",
            "set both delay=",
            "set both delay=-1",
            "set both delay=1.5",
            "set both delay=+1",
            "set both delay=60000001",
            "set both delay=99999999999999999999999",
            "set both delay=1 delay=1",
            "set both loss=1.1",
            "set both loss=nan",
            "set both loss=1e-3",
            "set both loss=.5",
            "set both loss=0.5.5",
            "set both speed=1",
            "set both rate=1000",
            "counters now",
            "stop",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    /// Lines of words, numbers and rubbish: whatever is understood is within its bounds.
    #[test]
    fn whatever_comes_is_understood_or_refused() {
        let parts = [
            "set",
            "there",
            "both",
            "counters",
            "delay",
            "loss",
            "rate",
            "queue",
            "burst",
            "=",
            "=0.5",
            "=7",
            " ",
            " ",
            "1",
            ".",
            "-",
            "e",
            "\u{0}",
            "é",
            "99999999999",
            "nan",
            "inf",
        ];
        let mut chance = Chance::new(1);
        let mut understood = 0;
        for _ in 0..200_000 {
            let begin = if chance.happens(0.5) { "set both " } else { "" };
            let line = (0..chance.up_to(8)).fold(String::from(begin), |line, _| {
                line + parts[chance.up_to(parts.len() as u64 - 1) as usize]
            });
            if let Ok(Command::Set { impairment, .. }) = parse(&line) {
                understood += 1;
                assert!((0.0..=1.0).contains(&impairment.loss) && impairment.delay <= MOST_MICROS, "{line}");
                assert!(impairment.rate == 0 || impairment.queue > 0, "{line}");
            }
        }
        assert!(understood > 100);
    }
}
