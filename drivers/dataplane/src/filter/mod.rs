//! The stateful packet filter of a realm: what peers may send to this machine, and to what lies behind it.
//!
//! Whatever leaves is let out and remembered; what comes is let in as an answer, or by the rules.

mod flow;
mod flows;
mod fragments;
mod index;
mod recency;
mod rules;
mod set;
mod subject;
#[cfg(test)]
mod tests;

use crate::session::Millis;
use flows::{Flows, Judge};
use rules::Rules;
pub use rules::{Protocol, Rule};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use subject::{Ends, FIN, Nature, RST, SYN, Subject};

static GENERATIONS: AtomicU64 = AtomicU64::new(0);

/// Rules and the flows that are known under them.
pub struct Filter {
    rules: Rules,
    /// No other rules of this process have it.
    generation: u64,
    flows: Arc<Flows>,
}

/// What one thread let pass last: the next packets of a stream are not looked up again within the millisecond.
#[derive(Default)]
pub struct Glance {
    last: Option<(Ends, u64, Millis)>,
}

impl Filter {
    /// The first rule that fits decides about what begins a flow, `otherwise` where none does. Flows known to the filter
    /// `before` are kept, those that these rules refuse end.
    #[must_use]
    pub fn new(rules: &[Rule], otherwise: bool, before: Option<&Filter>) -> Filter {
        Filter {
            rules: Rules::new(rules, otherwise),
            generation: GENERATIONS.fetch_add(1, Ordering::Relaxed),
            flows: before.map_or_else(|| Arc::new(Flows::new()), |before| before.flows.clone()),
        }
    }

    /// Notes an IP packet that goes to peers, so that answers to it may come.
    pub fn outbound(&self, packet: &[u8], now: Millis, glance: &mut Glance) {
        let Some(subject) = Subject::read(packet) else { return };
        if matches!(subject.nature, Nature::Later | Nature::Single | Nature::Error(_))
            || glance.fits(&subject, self.generation, now)
        {
            return;
        }
        self.flows.send(&subject, &self.judge(), now);
        glance.note(&subject, self.generation, now);
    }

    /// Whether an IP packet of a peer may come in.
    pub fn inbound(&self, packet: &[u8], now: Millis, glance: &mut Glance) -> bool {
        let Some(subject) = Subject::read(packet) else { return false };
        if let (Nature::Later, Some(fragment)) = (subject.nature, &subject.fragment) {
            return self.flows.fragments.follow(fragment, now);
        }
        let allowed = self.admit(&subject, now, glance);
        if let Some(fragment) = subject.fragment {
            self.flows.fragments.decide(fragment, allowed, now);
        }
        allowed
    }

    fn admit(&self, subject: &Subject, now: Millis, glance: &mut Glance) -> bool {
        if glance.fits(subject, self.generation, now) {
            return true;
        }
        let judge = self.judge();
        match &subject.nature {
            Nature::Later => false,
            // It goes to who sent what it is about.
            Nature::Error(about)
                if about.v6 == subject.ends.v6
                    && about.source == subject.ends.destination
                    && self.flows.is_known(about, &judge, now) =>
            {
                true
            }
            Nature::Error(_) | Nature::Single => self.rules.allow(&subject.ends),
            Nature::Plain | Nature::Tcp(_) => {
                let allowed = self.flows.receive(subject, &judge, now);
                if allowed {
                    glance.note(subject, self.generation, now);
                }
                allowed
            }
        }
    }

    fn judge(&self) -> Judge<'_> {
        Judge { generation: self.generation, rules: &self.rules }
    }
}

impl Glance {
    fn fits(&self, subject: &Subject, generation: u64, now: Millis) -> bool {
        self.last.is_some_and(|last| last == (subject.ends, generation, now)) && is_stream(subject)
    }

    fn note(&mut self, subject: &Subject, generation: u64, now: Millis) {
        if is_stream(subject) {
            self.last = Some((subject.ends, generation, now));
        }
    }
}

/// Neither begins nor ends anything, and is whole.
fn is_stream(subject: &Subject) -> bool {
    subject.fragment.is_none() && !subject.has_flag(SYN | FIN | RST)
}
