//! Packets and the size of their path: TCP is cut to it, small ones go in two parts, of others the sender is told.

use super::convey::Origin;
use super::core::Core;
use super::mtu::FULL;
use super::outbox::{Outbox, Outgoing, Pushed};
use crate::packet::fragment;
use crate::packet::icmp;
use crate::packet::ip::{Header, Version};
use crate::packet::mss;
use crate::packet::segment::Cut;
use crate::refusals::Cause;
use crate::session::{Millis, Refused};
use std::sync::Arc;

/// Seals what one read of the TUN brought, or one packet of a peer, in a size that passes. `origin` is told of too large packets.
pub fn push(
    outbox: &mut Outbox,
    outgoing: &Arc<Outgoing>,
    (cut, packet): (&Cut, &[u8]),
    (core, origin): (&Core, &Origin<'_>),
    now: Millis,
) -> Result<Pushed, Refused> {
    let mtu = usize::from(outgoing.mtu);
    if cut.length(0) <= mtu {
        return outbox.push(outgoing, cut, packet, now);
    }
    if let Some(smaller) = cut.shrink(packet, mtu) {
        return outbox.push(outgoing, &smaller, packet, now);
    }
    let mut pushed = Pushed::default();
    for index in 0..cut.count {
        let mut whole = vec![0; cut.length(index)];
        cut.write(packet, index, &mut whole);
        cut.finish(&mut whole);
        pushed.add(push_large(outbox, outgoing, &whole, (core, origin), now)?);
    }
    Ok(pushed)
}

/// One finished packet that is no TCP of ours to cut.
fn push_large(
    outbox: &mut Outbox,
    outgoing: &Arc<Outgoing>,
    packet: &[u8],
    (core, origin): (&Core, &Origin<'_>),
    now: Millis,
) -> Result<Pushed, Refused> {
    // Nothing smaller may be asked of an IPv6 sender (RFC 8200), and IPv4 is treated alike.
    let carried = outgoing.mtu.max(FULL);
    if packet.len() <= usize::from(carried) {
        return outbox.push_inner(outgoing, packet, now);
    }
    let Some(header) = Header::parse(packet) else { return Ok(Pushed::default()) };
    if header.version == Version::V4 && fragment::is_allowed(packet) {
        let mut pushed = Pushed::default();
        for piece in fragment::cut(packet, &header, usize::from(outgoing.mtu)) {
            pushed.add(outbox.push_inner(outgoing, &piece, now)?);
        }
        return Ok(pushed);
    }
    core.refusals.count(Cause::TooBig);
    origin.tell(core, icmp::too_big(packet, &header, carried), now);
    Ok(Pushed::default())
}

/// Has the other end of a new TCP connection send no larger segments than pass.
pub fn clamp(packet: &mut [u8], header: &Header, mtu: usize, partial: bool) {
    if mss::is_syn(packet, header) {
        mss::clamp(packet, header, mtu, partial);
    }
}
