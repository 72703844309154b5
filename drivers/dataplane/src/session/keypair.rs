//! Keys of one session and the packet path through them: sealing and opening in place, from any thread, without lock
//! or allocation.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::activity::Activity;
use super::aead::DataKey;
use super::handshake::DataKeys;
use super::lanes::{Received, SEQUENCE_BITS, Sent};
use super::message::{kind, u32_at, u64_at};
use super::{HEADER, Millis, Refused, Suite, TAG};

/// Keys of one session, usable from several threads at once.
pub struct Keypair {
    local_index: u32,
    remote_index: u32,
    suite: Suite,
    epoch: u8,
    initiator: bool,
    created: Millis,
    seal: DataKey,
    open: DataKey,
    sent: Sent,
    received: Received,
    /// Sending after this asks for a rekey, once.
    rekey_sent_at: AtomicU64,
    /// So does receiving after this.
    rekey_heard_at: AtomicU64,
    /// Refused from here on; 0 when used up or dropped.
    expires_at: AtomicU64,
    unconfirmed: AtomicBool,
    activity: Arc<Activity>,
}

/// A data message that was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Bytes from the start of the buffer.
    pub length: usize,
    /// A timer was armed or a rekey is due: look at [`super::Association::deadline`] anew.
    pub wake: bool,
}

/// A data message that opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Where the payload lies in the buffer; empty for a keepalive. Suite 0: with WireGuard's padding.
    pub payload: Range<usize>,
    /// Authenticated flag: the inner checksum is partial. Never set in suite 0.
    pub partial_checksum: bool,
    /// First authentic data of a session that this end answered: call [`super::Association::handle_confirmed`] now.
    pub confirms: bool,
    /// As [`Sealed::wake`].
    pub wake: bool,
}

/// What a handshake settled.
pub(super) struct Terms {
    pub(super) local_index: u32,
    pub(super) remote_index: u32,
    pub(super) suite: Suite,
    pub(super) epoch: u8,
    pub(super) initiator: bool,
    pub(super) created: Millis,
}

impl Keypair {
    /// A responder's keypair waits for its first authentic data.
    pub(super) fn new(terms: Terms, keys: &DataKeys, activity: Arc<Activity>) -> Keypair {
        let Terms { local_index, remote_index, suite, epoch, initiator, created } = terms;
        let (seal, open) = if initiator {
            (&keys.to_responder, &keys.to_initiator)
        } else {
            (&keys.to_initiator, &keys.to_responder)
        };
        let rekey_sent_after = match (initiator, suite) {
            (true, _) => Some(REKEY_AFTER),
            (false, Suite::WireGuard) => None,
            (false, Suite::Aes | Suite::ChaCha) => Some(RESPONDER_REKEY_AFTER),
        };
        let rekey_heard_after = initiator.then_some(REKEY_HEARD_AFTER);
        let at = |after: Option<Millis>| AtomicU64::new(after.map_or(NEVER, |after| created + after));
        Keypair {
            local_index,
            remote_index,
            suite,
            epoch,
            initiator,
            created,
            seal: DataKey::new(suite, seal),
            open: DataKey::new(suite, open),
            sent: Sent::new(),
            received: Received::new(),
            rekey_sent_at: at(rekey_sent_after),
            rekey_heard_at: at(rekey_heard_after),
            expires_at: at(Some(REJECT_AFTER)),
            unconfirmed: AtomicBool::new(!initiator),
            activity,
        }
    }

    /// The index under which data for us arrive.
    pub fn local_index(&self) -> u32 {
        self.local_index
    }

    /// The peer's index.
    pub fn remote_index(&self) -> u32 {
        self.remote_index
    }

    /// Its suite.
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// Id of the epoch that both ends hold; 0 in a router's session and with a stock peer.
    pub fn epoch(&self) -> u8 {
        self.epoch
    }

    /// Whether this end sent message 1.
    pub fn is_initiator(&self) -> bool {
        self.initiator
    }

    /// Whether it may still carry data.
    pub fn is_usable(&self, now: Millis) -> bool {
        now < self.expires_at()
    }

    /// Length of the datagram for a payload (suite 0 pads to 16).
    pub fn sealed_length(&self, payload: usize) -> usize {
        HEADER + self.padded(payload) + TAG
    }

    /// Seals in place. `buffer`: [`HEADER`] bytes of room, `payload` bytes, then room up to
    /// [`Keypair::sealed_length`]. `lane` < [`super::LANES`]; any thread may use any lane, one lane per sending thread
    /// keeps their counters apart.
    pub fn seal_in_place(
        &self,
        now: Millis,
        lane: u8,
        partial_checksum: bool,
        buffer: &mut [u8],
        payload: usize,
    ) -> Result<Sealed, Refused> {
        let length = self.sealed_length(payload);
        let message = buffer.get_mut(..length).ok_or(Refused::Buffer)?;
        message[HEADER + payload..length - TAG].fill(0);
        self.seal_segments(now, lane, partial_checksum, message, length)
    }

    /// Seals the segments of one super-packet: `buffer` is cut into chunks of `stride` bytes (the last may be
    /// shorter), each [`HEADER`] ‖ payload ‖ [`TAG`] with the payload in place. The result is ready for `UDP_SEGMENT`.
    /// In suite 0 payloads are multiples of 16, which the caller has padded with zeros.
    pub fn seal_segments(
        &self,
        now: Millis,
        lane: u8,
        partial_checksum: bool,
        buffer: &mut [u8],
        stride: usize,
    ) -> Result<Sealed, Refused> {
        let length = buffer.len();
        if partial_checksum && self.suite == Suite::WireGuard {
            return Err(Refused::Suite);
        }
        let count = self.segments(length, stride)?;
        let (mut counter, wake) = self.reserve(now, lane, count, length > count * (HEADER + TAG))?;
        let mut header = [0; HEADER];
        header[0] = kind::DATA;
        header[1] = u8::from(partial_checksum);
        header[4..8].copy_from_slice(&self.remote_index.to_le_bytes());
        for message in buffer.chunks_mut(stride) {
            header[8..].copy_from_slice(&counter.to_le_bytes());
            message[..HEADER].copy_from_slice(&header);
            if !self.seal.seal(counter, message) {
                return Err(Refused::Buffer);
            }
            counter += 1;
        }
        Ok(Sealed { length, wake })
    }

    /// Opens in place; the receiver index must be this keypair's.
    pub fn open_in_place(&self, now: Millis, datagram: &mut [u8]) -> Result<Opened, Refused> {
        if !self.is_usable(now) {
            return Err(Refused::Expired);
        }
        let authentic = self.authenticate(datagram)?;
        self.received.accept(authentic.lane, authentic.sequence)?;
        let noted = self.note_received(now, authentic.length > 0);
        Ok(authentic.opened(0, noted))
    }

    /// Opens the datagrams of one `UDP_GRO` buffer (chunks of `stride` bytes, the last may be shorter) and reports each
    /// in order, with ranges relative to `buffer`. A chunk with another receiver index gets [`Refused::Index`] and is
    /// left untouched: the caller looks it up anew.
    pub fn open_segments(
        &self,
        now: Millis,
        buffer: &mut [u8],
        stride: usize,
        mut each: impl FnMut(Result<Opened, Refused>),
    ) {
        if stride == 0 {
            return each(Err(Refused::Buffer));
        }
        let usable = self.is_usable(now);
        for (block, bytes) in buffer.chunks_mut(stride * BATCH).enumerate() {
            let mut results = [const { Err(Refused::Expired) }; BATCH];
            let mut count = 0;
            for (result, datagram) in results.iter_mut().zip(bytes.chunks_mut(stride)) {
                if usable {
                    *result = self.authenticate(datagram);
                }
                count += 1;
            }
            let results = &mut results[..count];
            self.drop_replays(results);
            let mut accepted = results.iter().flatten().peekable();
            let mut noted = match accepted.peek() {
                Some(_) => self.note_received(now, accepted.any(|authentic| authentic.length > 0)),
                None => Noted::default(),
            };
            for (index, result) in results.iter().enumerate() {
                each(match result {
                    Ok(authentic) => {
                        Ok(authentic.opened((block * BATCH + index) * stride, std::mem::take(&mut noted)))
                    }
                    Err(refused) => Err(*refused),
                });
            }
        }
    }

    pub(super) fn created(&self) -> Millis {
        self.created
    }

    pub(super) fn expires_at(&self) -> Millis {
        self.expires_at.load(Ordering::Relaxed)
    }

    /// No thread seals or opens with it from now on.
    pub(super) fn retire(&self) {
        self.expires_at.store(0, Ordering::Relaxed);
    }

    fn padded(&self, payload: usize) -> usize {
        match self.suite {
            Suite::WireGuard => payload.next_multiple_of(PADDING),
            Suite::Aes | Suite::ChaCha => payload,
        }
    }

    /// Number of chunks, each of a valid length.
    fn segments(&self, length: usize, stride: usize) -> Result<usize, Refused> {
        if stride < HEADER + TAG || length == 0 {
            return Err(Refused::Buffer);
        }
        let (last, even) = match length % stride {
            0 => (stride, true),
            rest => (rest, false),
        };
        let fits = |chunk: usize| chunk >= HEADER + TAG && self.padded(chunk) == chunk;
        if fits(last) && (even || fits(stride)) { Ok(length.div_ceil(stride)) } else { Err(Refused::Buffer) }
    }

    /// The first of `count` counters, and whether the caller has to look at the deadline.
    #[inline]
    fn reserve(&self, now: Millis, lane: u8, count: usize, data: bool) -> Result<(u64, bool), Refused> {
        if !self.is_usable(now) {
            return Err(Refused::Expired);
        }
        let lane = if self.suite == Suite::WireGuard { 0 } else { lane };
        let (first, audit) = self.sent.reserve(lane, count as u64)?;
        if audit {
            self.audit();
        }
        let mut wake = self.activity.note_sent(now, data);
        if now >= self.rekey_sent_at.load(Ordering::Relaxed) {
            wake |= self.want_rekey(&self.rekey_sent_at, now);
        }
        Ok((u64::from(lane) << SEQUENCE_BITS | first, wake))
    }

    #[cold]
    fn audit(&self) {
        let total = self.sent.total();
        if total >= REJECT_AFTER_MESSAGES {
            self.retire();
        }
        if total >= REKEY_AFTER_MESSAGES {
            self.rekey_sent_at.store(0, Ordering::Relaxed);
        }
    }

    #[cold]
    fn want_rekey(&self, due: &AtomicU64, now: Millis) -> bool {
        due.swap(NEVER, Ordering::Relaxed) != NEVER && self.activity.want_rekey(now)
    }

    /// Opens without looking at the replay window.
    #[inline]
    fn authenticate(&self, datagram: &mut [u8]) -> Result<Authentic, Refused> {
        let length = datagram.len().checked_sub(HEADER + TAG).ok_or(Refused::Malformed)?;
        let &mut [kind::DATA, flags, 0, 0, ..] = datagram else { return Err(Refused::Malformed) };
        if u32_at(datagram, 4) != self.local_index {
            return Err(Refused::Index);
        }
        let counter = u64_at(datagram, 8);
        let (lane, sequence, limit, known_flags) = match self.suite {
            Suite::WireGuard => (0, counter, WIREGUARD_LIMIT, 0),
            Suite::Aes | Suite::ChaCha => {
                let [.., lane] = counter.to_le_bytes();
                (lane, counter & ((1 << SEQUENCE_BITS) - 1), SEQUENCE_LIMIT, PARTIAL_CHECKSUM)
            }
        };
        if flags & !known_flags != 0 {
            return Err(Refused::Malformed);
        }
        if sequence >= limit {
            return Err(Refused::Expired);
        }
        if !self.open.open(counter, datagram) {
            return Err(Refused::Tag);
        }
        Ok(Authentic { lane, sequence, length, partial_checksum: flags & PARTIAL_CHECKSUM != 0 })
    }

    /// Refuses what was seen before. Neighbours mostly share a lane, whose lock is then taken once.
    fn drop_replays(&self, results: &mut [Result<Authentic, Refused>]) {
        let mut held: Option<(u8, std::sync::MutexGuard<'_, super::window::Window>)> = None;
        for result in results {
            let Ok(authentic) = result else { continue };
            if held.as_ref().is_none_or(|(lane, _)| *lane != authentic.lane) {
                held = None;
                let Some(window) = self.received.window(authentic.lane) else {
                    *result = Err(Refused::Lane);
                    continue;
                };
                held =
                    Some((authentic.lane, window.lock().unwrap_or_else(std::sync::PoisonError::into_inner)));
            }
            if let Some((_, window)) = &mut held
                && !window.accept(authentic.sequence)
            {
                *result = Err(Refused::Replay);
            }
        }
    }

    #[inline]
    fn note_received(&self, now: Millis, data: bool) -> Noted {
        let mut wake = self.activity.note_received(now, data);
        if now >= self.rekey_heard_at.load(Ordering::Relaxed) {
            wake |= self.want_rekey(&self.rekey_heard_at, now);
        }
        let confirms =
            self.unconfirmed.load(Ordering::Relaxed) && self.unconfirmed.swap(false, Ordering::Relaxed);
        Noted { confirms, wake }
    }

    #[cfg(test)]
    pub(super) fn skip(&self, lane: u8, count: u64) {
        self.sent.skip(lane, count);
    }
}

/// A message that opened, before it is known to be new.
struct Authentic {
    lane: u8,
    sequence: u64,
    length: usize,
    partial_checksum: bool,
}

impl Authentic {
    fn opened(&self, offset: usize, noted: Noted) -> Opened {
        let start = offset + HEADER;
        Opened {
            payload: start..start + self.length,
            partial_checksum: self.partial_checksum,
            confirms: noted.confirms,
            wake: noted.wake,
        }
    }
}

#[derive(Default)]
struct Noted {
    confirms: bool,
    wake: bool,
}

/// Age at which the initiator, when it sends, begins a new handshake.
pub(super) const REKEY_AFTER: Millis = 120_000;
/// Age at which a Starmesh responder does: only when the initiator should have and did not.
pub(super) const RESPONDER_REKEY_AFTER: Millis = 140_000;
/// Age at which the initiator does when it only receives.
pub(super) const REKEY_HEARD_AFTER: Millis = 165_000;
/// Age from which a keypair is refused.
pub(super) const REJECT_AFTER: Millis = 180_000;
/// Messages sent over all lanes after which either end begins a new handshake.
pub(super) const REKEY_AFTER_MESSAGES: u64 = 1 << 27;
/// 2^28, less what all lanes may send between two audits.
pub(super) const REJECT_AFTER_MESSAGES: u64 = (1 << 28) - (super::LANES as u64 + 1) * super::lanes::AUDIT;

/// No honest sender of suite 1 or 2 gets here.
const SEQUENCE_LIMIT: u64 = 1 << 28;
const WIREGUARD_LIMIT: u64 = u64::MAX - (1 << 13);
const PARTIAL_CHECKSUM: u8 = 1;
const PADDING: usize = 16;
const BATCH: usize = 64;
const NEVER: u64 = u64::MAX;
