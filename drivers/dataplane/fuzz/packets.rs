//! Hands packets to a filter that knows some flows, one after the other, in and out. Nothing may panic, and nothing that has no
//! part in those flows may come in.

use starmesh_dataplane::filter::{Filter, Glance, Protocol, Rule};

/// Runs one input: packets, each behind two bytes of its length; the highest bit says that it goes out.
pub fn filter(bytes: &[u8]) {
    let rule =
        Rule { from: vec![], to: vec![], protocol: Protocol::Number(6), ports: vec![(22, 22)], allow: true };
    let open = Filter::new(&[rule], false, None);
    let closed = Filter::new(&[], false, None);
    let (mut now, mut rest, mut has_sent) = (1, bytes, false);
    let (mut out, mut back) = (Glance::default(), Glance::default());
    while let Some((head, more)) = rest.split_first_chunk::<2>() {
        let head = u16::from_be_bytes(*head);
        let (packet, more) = more.split_at(usize::from(head & 0x7fff).min(more.len()));
        if head & 0x8000 == 0 {
            open.inbound(packet, now, &mut back);
            assert!(has_sent || !closed.inbound(packet, now, &mut Glance::default()));
        } else {
            has_sent = true;
            open.outbound(packet, now, &mut out);
            closed.outbound(packet, now, &mut Glance::default());
        }
        (now, rest) = (now + 1_000, more);
    }
}
