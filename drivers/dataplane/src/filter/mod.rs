//! The stateful packet filter of a realm: what peers may send to this machine, and to what lies behind it.
//!
//! Whatever leaves is let out and remembered; what comes is let in as an answer, or by the rules.

mod flow;
mod flows;
mod fragments;
mod glance;
mod index;
mod recency;
mod rules;
mod set;
mod subject;
#[cfg(test)]
mod tests;

use crate::session::Millis;
use flows::{Flows, Judge};
pub use glance::Glance;
use glance::Stream;
use rules::Rules;
pub use rules::{Protocol, Rule};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use subject::{Nature, Subject};

static GENERATIONS: AtomicU64 = AtomicU64::new(0);

/// Rules and the flows that are known under them.
pub struct Filter {
    rules: Rules,
    /// No other rules of this process have it.
    generation: u64,
    flows: Arc<Flows>,
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

    /// Notes an IP packet that goes to peers, so that answers to it may come. `glance`: for this direction alone.
    pub fn outbound(&self, packet: &[u8], now: Millis, glance: &mut Glance) {
        let stream = Stream::read(packet);
        if stream.is_some_and(|stream| glance.knows(&stream, self.generation, now)) {
            return;
        }
        let Some(subject) = Subject::read(packet) else { return };
        if matches!(subject.nature, Nature::Later | Nature::Single | Nature::Error(_)) {
            return;
        }
        self.flows.send(&subject, &self.judge(), now);
        if let Some(stream) = stream {
            glance.note(stream, self.generation, now);
        }
    }

    /// Whether an IP packet of a peer may come in. `glance`: for this direction alone.
    pub fn inbound(&self, packet: &[u8], now: Millis, glance: &mut Glance) -> bool {
        let stream = Stream::read(packet);
        if stream.is_some_and(|stream| glance.knows(&stream, self.generation, now)) {
            return true;
        }
        let allowed = self.admit(packet, now);
        if let (true, Some(stream)) = (allowed, stream) {
            glance.note(stream, self.generation, now);
        }
        allowed
    }

    fn admit(&self, packet: &[u8], now: Millis) -> bool {
        let Some(subject) = Subject::read(packet) else { return false };
        let judge = self.judge();
        let allowed = match &subject.nature {
            Nature::Later => {
                let fragments = &self.flows.fragments;
                return subject.fragment.is_some_and(|fragment| fragments.follow(&fragment, now));
            }
            // It goes to who sent what it is about.
            Nature::Error(about)
                if about.v6 == subject.ends.v6
                    && about.source == subject.ends.destination
                    && self.flows.is_known(about, &judge, now) =>
            {
                true
            }
            Nature::Error(_) | Nature::Single => self.rules.allow(&subject.ends),
            Nature::Plain | Nature::Tcp(_) => self.flows.receive(&subject, &judge, now),
        };
        if let Some(fragment) = subject.fragment {
            self.flows.fragments.decide(fragment, allowed, now);
        }
        allowed
    }

    fn judge(&self) -> Judge<'_> {
        Judge { generation: self.generation, rules: &self.rules }
    }
}
