//! Requests and answers inside a session: `0x20 ‖ kind ‖ id ‖ part ‖ parts ‖ JSON`, id little endian.
//!
//! Bit 7 of the kind marks what goes back: an answer, or with zero parts the note that a request has come whole and
//! is being worked on. The first part of a request that came before asks for its answer again.

#![forbid(unsafe_code)]

use std::collections::{BTreeMap, VecDeque};

use super::Millis;

/// First inner byte of a control message.
pub const FIRST_BYTE: u8 = 0x20;
/// Largest inner payload, header included.
pub const MAX_PART: usize = 1_200;
/// Largest body.
pub const MAX_BODY: usize = 65_536;
/// Largest kind of a request.
pub const MAX_KIND: u8 = 127;

/// One peer's control messages in both directions, with bounded memory.
pub struct Control {
    next_id: u32,
    asked: BTreeMap<u32, Asked>,
    /// Requests of the peer that came whole, oldest first.
    heard: VecDeque<Heard>,
    /// Messages of which parts are missing, oldest first.
    partial: VecDeque<Partial>,
}

/// What came of an input.
#[derive(Debug, PartialEq, Eq)]
pub enum ControlOutput {
    /// Seal and send this inner payload.
    Send(Vec<u8>),
    /// A new request of the peer; answer with [`Control::respond`] under this id.
    Request {
        /// The peer's request id.
        id: u32,
        /// Kind as the peer gave it.
        kind: u8,
        /// JSON text.
        body: String,
    },
    /// The end of one of our requests.
    Response {
        /// As [`Control::request`] returned it.
        id: u32,
        /// `None`: no answer after five repeats, or the session ended.
        body: Option<String>,
    },
}

/// Why a request or answer was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlError {
    /// Body over [`MAX_BODY`] or kind over [`MAX_KIND`].
    TooLarge,
    /// 64 requests, or 1 MB of them, wait already.
    Busy,
    /// No such request is open.
    Unknown,
}

impl Control {
    /// `first_id` is random, so that ids of an earlier run are not met again.
    pub fn new(first_id: u32) -> Control {
        Control {
            next_id: first_id,
            asked: BTreeMap::new(),
            heard: VecDeque::new(),
            partial: VecDeque::new(),
        }
    }

    /// Sends a request; returns its id. It ends in exactly one `Response`.
    pub fn request(
        &mut self,
        kind: u8,
        body: &str,
        now: Millis,
        out: &mut Vec<ControlOutput>,
    ) -> Result<u32, ControlError> {
        if kind > MAX_KIND || body.len() > MAX_BODY {
            return Err(ControlError::TooLarge);
        }
        let waiting: usize = self.asked.values().map(|asked| asked.body.len()).sum();
        if self.asked.len() >= MAX_REQUESTS || waiting + body.len() > MAX_WAITING {
            return Err(ControlError::Busy);
        }
        let id = self.next_id;
        self.next_id = self.next_id.wrapping_add(1);
        send_parts(kind, id, body, out);
        let asked =
            Asked { kind, body: body.to_owned(), is_heard: false, repeats: 0, next: now + FIRST_REPEAT };
        self.asked.insert(id, asked);
        Ok(id)
    }

    /// Answers a request of the peer; repeats of that request get the same answer for a minute.
    pub fn respond(
        &mut self,
        id: u32,
        body: &str,
        now: Millis,
        out: &mut Vec<ControlOutput>,
    ) -> Result<(), ControlError> {
        if body.len() > MAX_BODY {
            return Err(ControlError::TooLarge);
        }
        let heard = self
            .heard
            .iter_mut()
            .rev()
            .find(|heard| heard.id == id && heard.answer.is_none())
            .ok_or(ControlError::Unknown)?;
        send_parts(heard.kind | ANSWER, id, body, out);
        heard.answer = Some(body.to_owned());
        heard.forget_at = now + REMEMBERED;
        self.shed_answers();
        Ok(())
    }

    /// Takes an inner payload that starts with [`FIRST_BYTE`]; false when it is malformed or over the limits.
    pub fn handle(&mut self, payload: &[u8], now: Millis, out: &mut Vec<ControlOutput>) -> bool {
        let Some(part) = Part::parse(payload) else { return false };
        self.forget(now);
        match (part.kind & ANSWER != 0, part.parts) {
            (true, 0) => {
                if let Some(asked) =
                    self.asked.get_mut(&part.id).filter(|asked| asked.kind | ANSWER == part.kind)
                {
                    asked.is_heard = true;
                }
                true
            }
            (true, _) => self.handle_answer(&part, now, out),
            (false, _) => self.handle_request(&part, now, out),
        }
    }

    /// Repeats and gives up.
    pub fn handle_timeout(&mut self, now: Millis, out: &mut Vec<ControlOutput>) {
        self.forget(now);
        self.asked.retain(|id, asked| {
            if now < asked.next {
                return true;
            }
            if asked.repeats == REPEATS {
                out.push(ControlOutput::Response { id: *id, body: None });
                return false;
            }
            asked.repeats += 1;
            asked.next = now + (FIRST_REPEAT << asked.repeats);
            if asked.is_heard {
                out.extend(parts(asked.kind, *id, &asked.body).take(1).map(ControlOutput::Send));
            } else {
                send_parts(asked.kind, *id, &asked.body, out);
            }
            true
        });
    }

    /// When `handle_timeout` is due.
    pub fn deadline(&self) -> Option<Millis> {
        let repeats = self.asked.values().map(|asked| asked.next);
        let heard = self.heard.iter().map(|heard| heard.forget_at);
        repeats.chain(heard).chain(self.partial.iter().map(|partial| partial.forget_at)).min()
    }

    /// The session ended: every open request gets its `Response` of `None`, what the peer asked is forgotten.
    pub fn reset(&mut self, out: &mut Vec<ControlOutput>) {
        let open = std::mem::take(&mut self.asked);
        out.extend(open.into_keys().map(|id| ControlOutput::Response { id, body: None }));
        self.heard.clear();
        self.partial.clear();
    }

    /// Requests and unfinished messages of the peer that are held.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> (usize, usize) {
        (self.heard.len(), self.partial.len())
    }

    fn handle_answer(&mut self, part: &Part<'_>, now: Millis, out: &mut Vec<ControlOutput>) -> bool {
        if self.asked.get(&part.id).is_none_or(|asked| asked.kind | ANSWER != part.kind) {
            // A repeat of an answer that was taken already.
            return true;
        }
        match self.collect(part, now) {
            Collected::Refused => false,
            Collected::Missing => true,
            Collected::Whole(body) => {
                self.asked.remove(&part.id);
                out.push(ControlOutput::Response { id: part.id, body: Some(body) });
                true
            }
        }
    }

    fn handle_request(&mut self, part: &Part<'_>, now: Millis, out: &mut Vec<ControlOutput>) -> bool {
        let known = self.heard.iter().rev().find(|heard| heard.id == part.id && heard.matches(part));
        if let Some(heard) = known {
            match &heard.answer {
                _ if part.index != 0 => {}
                Some(answer) => send_parts(heard.kind | ANSWER, heard.id, answer, out),
                None => out.push(ControlOutput::Send(header(heard.kind | ANSWER, heard.id, 0, 0).to_vec())),
            }
            return true;
        }
        let body = match self.collect(part, now) {
            Collected::Refused => return false,
            Collected::Missing => return true,
            Collected::Whole(body) => body,
        };
        if self.heard.len() == MAX_HEARD {
            self.heard.pop_front();
        }
        self.heard.push_back(Heard {
            id: part.id,
            kind: part.kind,
            parts: part.parts,
            digest: digest(body.as_bytes().chunks(ROOM)),
            answer: None,
            forget_at: now + REMEMBERED,
        });
        out.push(ControlOutput::Request { id: part.id, kind: part.kind, body });
        true
    }

    /// Adds a part to its message.
    fn collect(&mut self, part: &Part<'_>, now: Millis) -> Collected {
        if part.parts == 1 {
            return Collected::whole(part.text.to_vec());
        }
        let at = self.partial.iter().position(|partial| partial.is_of(part)).unwrap_or_else(|| {
            if self.partial.len() == MAX_PARTIAL {
                self.partial.pop_front();
            }
            self.partial.push_back(Partial {
                id: part.id,
                kind: part.kind,
                missing: part.parts,
                parts: vec![None; usize::from(part.parts)],
                forget_at: now + COLLECTED_FOR,
            });
            self.partial.len() - 1
        });
        let partial = &mut self.partial[at];
        let slot = &mut partial.parts[usize::from(part.index)];
        if slot.is_none() {
            *slot = Some(part.text.to_vec());
            partial.missing -= 1;
        }
        if partial.missing > 0 {
            return Collected::Missing;
        }
        let whole =
            self.partial.remove(at).map(|partial| partial.parts.into_iter().flatten().collect::<Vec<_>>());
        Collected::whole(whole.unwrap_or_default().concat())
    }

    fn forget(&mut self, now: Millis) {
        self.heard.retain(|heard| now < heard.forget_at);
        self.partial.retain(|partial| now < partial.forget_at);
    }

    /// Keeps the remembered answers under their limit; the oldest go first.
    fn shed_answers(&mut self) {
        let size = |heard: &Heard| heard.answer.as_ref().map_or(0, String::len);
        let mut total: usize = self.heard.iter().map(size).sum();
        while total > MAX_ANSWERS {
            let Some(at) = self.heard.iter().position(|heard| heard.answer.is_some()) else { return };
            total -= self.heard.remove(at).as_ref().map_or(0, size);
        }
    }
}

/// One of our requests, not answered yet.
struct Asked {
    kind: u8,
    body: String,
    /// The peer has it whole; a repeat need only ask for the answer.
    is_heard: bool,
    repeats: u32,
    next: Millis,
}

/// A request of the peer that came whole.
struct Heard {
    id: u32,
    kind: u8,
    parts: u8,
    /// Of each part, so that another request under the same id is not taken for a repeat.
    digest: Vec<u64>,
    answer: Option<String>,
    forget_at: Millis,
}

impl Heard {
    fn matches(&self, part: &Part<'_>) -> bool {
        self.kind == part.kind
            && self.parts == part.parts
            && self.digest.get(usize::from(part.index)) == digest([part.text].into_iter()).first()
    }
}

struct Partial {
    id: u32,
    kind: u8,
    missing: u8,
    parts: Vec<Option<Vec<u8>>>,
    forget_at: Millis,
}

impl Partial {
    fn is_of(&self, part: &Part<'_>) -> bool {
        self.id == part.id && self.kind == part.kind && self.parts.len() == usize::from(part.parts)
    }
}

enum Collected {
    Missing,
    Whole(String),
    Refused,
}

impl Collected {
    fn whole(body: Vec<u8>) -> Collected {
        if body.len() > MAX_BODY {
            return Collected::Refused;
        }
        String::from_utf8(body).map_or(Collected::Refused, Collected::Whole)
    }
}

struct Part<'a> {
    kind: u8,
    id: u32,
    index: u8,
    parts: u8,
    text: &'a [u8],
}

impl Part<'_> {
    fn parse(payload: &[u8]) -> Option<Part<'_>> {
        let (&[FIRST_BYTE, kind, a, b, c, d, index, parts], text) = payload.split_first_chunk::<HEADER>()?
        else {
            return None;
        };
        let is_note = kind & ANSWER != 0 && parts == 0 && index == 0 && text.is_empty();
        let is_last = u16::from(index) + 1 == u16::from(parts);
        // All parts but the last are full, so that a body has one way of being cut.
        let is_part = index < parts
            && usize::from(parts) <= MAX_PARTS
            && (text.len() == ROOM || is_last && text.len() < ROOM && (!text.is_empty() || parts == 1));
        (is_note || is_part).then_some(Part {
            kind,
            id: u32::from_le_bytes([a, b, c, d]),
            index,
            parts,
            text,
        })
    }
}

fn send_parts(kind: u8, id: u32, body: &str, out: &mut Vec<ControlOutput>) {
    out.extend(parts(kind, id, body).map(ControlOutput::Send));
}

fn parts(kind: u8, id: u32, body: &str) -> impl Iterator<Item = Vec<u8>> {
    let count = body.len().div_ceil(ROOM).max(1);
    (0..count).map(move |index| {
        let text = &body.as_bytes()[index * ROOM..body.len().min((index + 1) * ROOM)];
        let count = u8::try_from(count).expect("a body within its limit has few parts");
        [&header(kind, id, u8::try_from(index).unwrap_or(count), count), text].concat()
    })
}

fn header(kind: u8, id: u32, index: u8, parts: u8) -> [u8; HEADER] {
    let [a, b, c, d] = id.to_le_bytes();
    [FIRST_BYTE, kind, a, b, c, d, index, parts]
}

/// Of each part (FNV-1a): tells repeats from other requests of the same authenticated peer, nothing more.
fn digest<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Vec<u64> {
    let hash = |part: &[u8]| {
        part.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        })
    };
    let mut digests: Vec<u64> = parts.map(hash).collect();
    if digests.is_empty() {
        digests.push(hash(&[]));
    }
    digests
}

const HEADER: usize = 8;
const ROOM: usize = MAX_PART - HEADER;
const MAX_PARTS: usize = MAX_BODY.div_ceil(ROOM);
const ANSWER: u8 = 0x80;

const FIRST_REPEAT: Millis = 250;
const REPEATS: u32 = 5;
/// How long the answer to a request is kept for its repeats, whose last comes after 8 s.
const REMEMBERED: Millis = 60_000;
const COLLECTED_FOR: Millis = 30_000;

const MAX_REQUESTS: usize = 64;
const MAX_WAITING: usize = 1 << 20;
const MAX_HEARD: usize = 64;
const MAX_PARTIAL: usize = 4;
const MAX_ANSWERS: usize = 256 * 1024;
