//! By which masks those on the other side of a port's sockets are known.

use crate::mask::Mask;
use arc_swap::ArcSwap;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// Addresses remembered; beyond that some other one is forgotten, which is then known again by trying.
const LIMIT: usize = 16_384;
/// Masks of one address: it may be in several networks with this node.
const MASKS: usize = 4;

/// Read for each batch that comes or goes; changed when somebody authentic is first met somewhere.
#[derive(Default)]
pub struct Hops {
    known: ArcSwap<HashMap<SocketAddr, Arc<Hop>>>,
}

/// What is known of one address.
pub struct Hop {
    /// Authentic datagrams came from there under these; the latest first.
    pub masks: Vec<Arc<Mask>>,
    /// What goes there by no rule of its own goes under this one: the last authentic datagram came so.
    pub answer: Option<Arc<Mask>>,
}

impl Hops {
    pub fn find(&self, address: SocketAddr) -> Option<Arc<Hop>> {
        let known = self.known.load();
        // Nobody here is masked: then it costs nothing.
        if known.is_empty() { None } else { known.get(&address).cloned() }
    }

    /// The mask of what is sent there by no rule of its own.
    pub fn answer(&self, address: SocketAddr) -> Option<Arc<Mask>> {
        let known = self.known.load();
        if known.is_empty() { None } else { known.get(&address).and_then(|hop| hop.answer.clone()) }
    }

    /// The mask of what is asked of a host at a port where nobody was met yet: that of any other of its ports.
    pub fn answer_of_host(&self, address: SocketAddr) -> Option<Arc<Mask>> {
        let known = self.known.load();
        let same = |(other, hop): (&SocketAddr, &Arc<Hop>)| {
            (other.ip() == address.ip()).then(|| hop.answer.clone()).flatten()
        };
        self.answer(address).or_else(|| known.iter().find_map(same))
    }

    /// As [`Hops::note`], for every batch: nothing changes while what is sent there is masked in a way they know. True when
    /// it did.
    pub fn learn(&self, address: SocketAddr, mask: &Arc<Mask>) -> bool {
        let is_known = |hop: Arc<Hop>| hop.answer.is_some() && hop.masks.iter().any(|known| known.is(mask));
        let news = !self.find(address).is_some_and(is_known);
        if news {
            self.note(address, Some(mask));
        }
        news
    }

    /// Something authentic came from there, under this mask or bare.
    pub fn note(&self, address: SocketAddr, mask: Option<&Arc<Mask>>) {
        let hop = self.find(address);
        let is_known = match (&hop, mask) {
            (None, None) => true,
            (None, Some(_)) => false,
            (Some(hop), None) => hop.answer.is_none(),
            (Some(hop), Some(mask)) => hop.answer.as_ref().is_some_and(|answer| answer.is(mask)),
        };
        if is_known {
            return;
        }
        let before = hop.iter().flat_map(|hop| &hop.masks);
        let others = before.filter(|known| mask.is_none_or(|mask| !known.is(mask)));
        let masks = mask.into_iter().chain(others).take(MASKS).cloned().collect();
        let hop = Arc::new(Hop { masks, answer: mask.cloned() });
        self.known.rcu(|known| {
            let mut known = HashMap::clone(known);
            if known.len() >= LIMIT
                && !known.contains_key(&address)
                && let Some(other) = known.keys().next().copied()
            {
                known.remove(&other);
            }
            known.insert(address, hop.clone());
            known
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> SocketAddr {
        ((number + 0x0a00_0000).to_be_bytes(), 7743).into()
    }

    #[test]
    fn the_last_mask_answers_and_the_others_are_still_known() {
        let hops = Hops::default();
        let masks: Vec<_> = (0..6).map(|key| Arc::new(Mask::new(&[key; 32]))).collect();
        hops.note(address(1), None);
        assert!(hops.find(address(1)).is_none());
        for mask in &masks {
            hops.note(address(1), Some(mask));
        }
        let hop = hops.find(address(1)).expect("known");
        assert_eq!(hop.masks.len(), MASKS);
        assert!(hop.answer.as_ref().is_some_and(|answer| answer.is(&masks[5])));
        let beside = SocketAddr::new(address(1).ip(), 1);
        assert!(hops.answer(beside).is_none() && hops.answer_of_host(address(2)).is_none());
        assert!(hops.answer_of_host(beside).is_some_and(|answer| answer.is(&masks[5])));
        assert!(!hops.learn(address(1), &masks[4]));
        assert!(hops.answer(address(1)).is_some_and(|answer| answer.is(&masks[5])));
        hops.note(address(1), None);
        assert!(hops.answer(address(1)).is_none());
        assert_eq!(hops.find(address(1)).expect("known").masks.len(), MASKS);
        assert!(hops.learn(address(1), &masks[4]));
        assert!(hops.answer(address(1)).is_some_and(|answer| answer.is(&masks[4])));
    }

    #[test]
    fn no_more_addresses_are_remembered_than_the_limit() {
        let hops = Hops::default();
        let mask = Arc::new(Mask::new(&[1; 32]));
        let full = (0..LIMIT as u32).map(|number| {
            (address(number), Arc::new(Hop { masks: vec![mask.clone()], answer: Some(mask.clone()) }))
        });
        hops.known.store(Arc::new(full.collect()));
        hops.note(address(LIMIT as u32), Some(&mask));
        assert!(hops.answer(address(LIMIT as u32)).is_some());
        assert_eq!(hops.known.load().len(), LIMIT);
    }
}
