//! The keypairs of one association: the one that sends, older ones that still receive, and those that wait for the
//! peer's proof.

use std::sync::Arc;

use super::association::Output;
use super::keypair::Keypair;
use super::{Key, Millis};

/// Where each keypair stands.
#[derive(Default)]
pub(super) struct Sessions {
    current: Option<Held>,
    previous: Vec<Held>,
    pending: Vec<Held>,
}

/// A keypair, and whether both ends began a handshake at the same time when it was made.
pub(super) struct Held {
    pub(super) keypair: Arc<Keypair>,
    pub(super) contested: bool,
}

impl Sessions {
    /// The keypair for outgoing data.
    pub(super) fn current(&self) -> Option<&Arc<Keypair>> {
        self.current.as_ref().map(|held| &held.keypair)
    }

    /// A keypair made by answering: it receives, but sends only once the peer proved that it has it. Several are kept,
    /// because the initiator may take the answer to an earlier message 1.
    pub(super) fn await_proof(&mut self, held: Held, out: &mut Vec<Output>) {
        out.push(Output::Install(Arc::clone(&held.keypair)));
        if self.pending.len() == MAX_PENDING {
            release(self.pending.remove(0), out);
        }
        self.pending.push(held);
    }

    pub(super) fn awaits_proof(&self, local_index: u32) -> bool {
        self.pending.iter().any(|held| held.keypair.local_index() == local_index)
    }

    /// Takes a pending keypair out, and drops those that are older.
    pub(super) fn take_proven(&mut self, local_index: u32, out: &mut Vec<Output>) -> Option<Held> {
        let at = self.pending.iter().position(|held| held.keypair.local_index() == local_index)?;
        let proven = self.pending.remove(at);
        for older in self.pending.drain(..at) {
            release(older, out);
        }
        Some(proven)
    }

    /// Makes a keypair current. Where both ends began at the same time, both choose the one that the end with the lower
    /// public key began, so that they send on the same and one of them is its initiator; the other one receives.
    pub(super) fn adopt(
        &mut self,
        held: Held,
        (own, peer): (&Key, &Key),
        now: Millis,
        out: &mut Vec<Output>,
    ) {
        let own_is_lower = own < peer;
        let older = match self.current.take() {
            Some(current)
                if current.keypair.is_usable(now)
                    && current.contested
                    && held.contested
                    && current.keypair.is_initiator() != held.keypair.is_initiator()
                    && current.keypair.is_initiator() == own_is_lower =>
            {
                self.current = Some(current);
                Some(held)
            }
            current => {
                out.push(Output::Current(Some(Arc::clone(&held.keypair))));
                self.current = Some(held);
                current
            }
        };
        self.previous.extend(older);
        if self.previous.len() > MAX_PREVIOUS {
            release(self.previous.remove(0), out);
        }
    }

    /// Drops what has expired; true when the current one was among it.
    pub(super) fn expire(&mut self, now: Millis, out: &mut Vec<Output>) -> bool {
        for list in [&mut self.previous, &mut self.pending] {
            for expired in list.extract_if(.., |held| !held.keypair.is_usable(now)) {
                release(expired, out);
            }
        }
        match self.current.take_if(|held| !held.keypair.is_usable(now)) {
            Some(expired) => {
                out.push(Output::Current(None));
                release(expired, out);
                true
            }
            None => false,
        }
    }

    /// When the next one expires.
    pub(super) fn expiry(&self) -> Option<Millis> {
        let all = self.current.iter().chain(&self.previous).chain(&self.pending);
        all.map(|held| held.keypair.expires_at()).min()
    }

    /// Drops all but what awaits its proof.
    pub(super) fn drop_proven(&mut self, out: &mut Vec<Output>) {
        if self.current.is_some() {
            out.push(Output::Current(None));
        }
        for held in self.current.take().into_iter().chain(self.previous.drain(..)) {
            release(held, out);
        }
    }

    /// Drops all.
    pub(super) fn clear(&mut self, out: &mut Vec<Output>) {
        self.drop_proven(out);
        for held in self.pending.drain(..) {
            release(held, out);
        }
    }
}

fn release(held: Held, out: &mut Vec<Output>) {
    held.keypair.retire();
    out.push(Output::Release(held.keypair.local_index()));
}

const MAX_PENDING: usize = 4;
const MAX_PREVIOUS: usize = 2;
