//! Pieces of packets without a transport header: they go where their first went.

use crate::session::Millis;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Packets in pieces that are remembered at one time, and how long (as long as Linux waits for all pieces).
const MOST: usize = 1_024;
const PATIENCE: Millis = 30_000;

/// Sender, receiver, protocol and identification of a packet in pieces.
pub type Whole = (IpAddr, IpAddr, u8, u32);

/// Where the pieces of packets go.
#[derive(Default)]
pub struct Pieces {
    known: Mutex<HashMap<Whole, (IpAddr, Millis)>>,
}

impl Pieces {
    /// The first piece gets that address. One too many is not remembered: its other pieces find nothing.
    pub fn note(&self, whole: Whole, address: IpAddr, now: Millis) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, (_, until)| now < *until);
        }
        if known.len() < MOST || known.contains_key(&whole) {
            known.insert(whole, (address, now + PATIENCE));
        }
    }

    /// The address that the first piece got.
    pub fn find(&self, whole: &Whole, now: Millis) -> Option<IpAddr> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(whole).filter(|(_, until)| now < *until).map(|(address, _)| *address)
    }
}
