//! Opened payloads: IP packets to the TUN in joined writes, probes answered, control taken.

use super::admission::{Admission, Lately, Receiver};
use super::broadcast;
use super::core::Core;
use super::forward;
use super::outbox::{Outbox, Outgoing};
use super::peer::{Heard, Peer};
use super::prober::Echo;
use super::punch::PUNCH;
use super::realm::Realm;
use super::receive::Batch;
use super::sending::send_sealed;
use crate::packet::checksum;
use crate::packet::coalesce::Run;
use crate::packet::ip::Header;
use crate::packet::mss;
use crate::refusals::Cause;
use crate::session::probe::{self, Counts, Probe};
use crate::session::{Keypair, Opened, RealmKind, Refused, Suite, control, part};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What one receiving thread has not written yet: one run, for one TUN.
#[derive(Default)]
pub struct Delivery {
    run: Run,
    realm: Option<Arc<Realm>>,
    /// What is passed on to other peers; made when the first packet is.
    onward: Option<Outbox>,
    lately: Lately,
}

impl Delivery {
    /// Takes what was opened of one batch. The ranges of `opens` begin at `base` in the slab.
    pub fn take(
        &mut self,
        core: &Core,
        slab: &mut [u8],
        base: usize,
        opens: &[Result<Opened, Refused>],
        (peer, keypair): (&Arc<Peer>, &Arc<Keypair>),
        batch: &Batch,
    ) {
        let mut heard = Heard::default();
        let mut authentic = false;
        let mut admission = Admission::new(peer, batch.now);
        let (mut packets, mut bytes) = (0, 0);
        let arrived = opens.iter().flatten().count() as u64;
        if arrived > 0
            && let Some(spread) = &*peer.outgoing.load()
            && let Some(way) = spread.way(&batch.route.endpoint)
        {
            way.hear(arrived, batch.now);
        }
        for opened in opens {
            let opened = match opened {
                Ok(opened) => opened,
                Err(refused) => {
                    core.refusals.count(Cause::Session(*refused));
                    continue;
                }
            };
            authentic = true;
            heard.add(opened);
            if heard.confirms {
                // The session stands before the packet that proved it is looked at.
                peer.heard(core, &batch.route, keypair.local_index(), std::mem::take(&mut heard), batch.now);
            }
            let payload = base + opened.payload.start..base + opened.payload.end;
            match slab[payload.clone()].first() {
                None => {}
                Some(0x40..=0x6f) => {
                    match self.take_packet(core, slab, payload, opened.partial_checksum, &mut admission) {
                        Ok(length) => {
                            packets += u64::from(length > 0);
                            bytes += length as u64;
                        }
                        Err(cause) => core.refusals.count(cause),
                    }
                }
                Some(&part::PART) => {
                    let whole = part::read(&slab[payload.clone()]).map(|part| peer.join(part, batch.now));
                    match whole {
                        Some(Some(whole)) => {
                            match self.take_joined(core, slab, whole, &mut admission, (keypair, batch)) {
                                Ok(length) => {
                                    packets += u64::from(length > 0);
                                    bytes += length as u64;
                                }
                                Err(cause) => core.refusals.count(cause),
                            }
                        }
                        Some(None) => {}
                        None => core.refusals.count(Cause::Inner),
                    }
                }
                Some(_) => take_inner(core, &mut slab[payload], (peer, keypair), batch),
            }
        }
        peer.traffic.count_received(packets, bytes);
        if authentic {
            let (port, endpoint) = (&batch.route.port, &batch.route.endpoint);
            port.note_authentic(endpoint.address, batch.now);
            if let (Some(mask), None) = (&batch.route.mask, endpoint.channel)
                && port.hops.learn(endpoint.address, mask)
            {
                peer.drive(core, None, |drive| drive.refresh());
            }
            peer.heard(core, &batch.route, keypair.local_index(), heard, batch.now);
        }
    }

    /// Writes what is left.
    pub fn flush(&mut self, core: &Core, slab: &mut [u8]) {
        if let Some(realm) = self.realm.take() {
            write_run(&mut self.run, core, &realm, slab);
        }
        if let Some(outbox) = &mut self.onward {
            core.refusals.add(Cause::Send, outbox.flush() as u64);
        }
    }

    /// Takes what came in two parts; bytes of the packet, 0 if it was none.
    fn take_joined(
        &mut self,
        core: &Core,
        slab: &mut [u8],
        mut whole: Vec<u8>,
        admission: &mut Admission<'_>,
        (keypair, batch): (&Arc<Keypair>, &Batch),
    ) -> Result<usize, Cause> {
        match whole.first() {
            Some(0x40..=0x6f) => {
                // The run lies in the slab; this packet does not.
                self.flush(core, slab);
                let all = 0..whole.len();
                let length = self.take_packet(core, &mut whole, all, false, admission)?;
                self.flush(core, &mut whole);
                Ok(length)
            }
            Some(&control::FIRST_BYTE) => {
                take_inner(core, &mut whole, (admission.peer, keypair), batch);
                Ok(0)
            }
            _ => Err(Cause::Inner),
        }
    }

    /// Checks a packet and adds it to the run, or passes it on; its length, 0 for what is for many.
    fn take_packet(
        &mut self,
        core: &Core,
        slab: &mut [u8],
        payload: Range<usize>,
        partial: bool,
        admission: &mut Admission<'_>,
    ) -> Result<usize, Cause> {
        let realm = &admission.peer.realm;
        if realm.kind == RealmKind::Router {
            return Err(Cause::RouterPacket);
        }
        let header = Header::parse(&slab[payload.clone()]).ok_or(Cause::Inner)?;
        if partial && header.checksum_offset().is_none() {
            return Err(Cause::Inner);
        }
        let packet = payload.start..payload.start + header.total;
        admission.check(core, (&slab[packet.clone()], &header), &mut self.lately)?;
        let (from, now) = (admission.peer, admission.now);
        let (counted, partial) = match admission.receiver(header.destination(&slab[packet.clone()])) {
            Receiver::Machine => (header.total, partial),
            Receiver::Many => (0, broadcast::receive(realm, &header, &mut slab[packet.clone()], partial)?),
            Receiver::Peer(to) => {
                let outbox = self.onward.get_or_insert_with(|| Outbox::new(None, false));
                let whole = (header, &mut slab[packet], partial);
                return forward::pass(core, outbox, (from, to), whole, now);
            }
        };
        let Some(link) = &realm.tun else { return Err(Cause::NoTun) };
        if let Some(nat) = &*realm.nat.load()
            && !nat.inbound(&mut slab[packet.clone()], partial, now)
        {
            return Err(Cause::NatInside);
        }
        if self.realm.as_ref().is_none_or(|current| !Arc::ptr_eq(current, realm)) {
            self.flush(core, slab);
            self.realm = Some(realm.clone());
        }
        if mss::is_syn(&slab[packet.clone()], &header)
            && let Some(spread) = &*admission.peer.outgoing.load()
        {
            mss::clamp(&mut slab[packet.clone()], &header, spread.mtu(), partial);
        }
        if !link.tun.has_offload() {
            if let (true, Some(offset)) = (partial, header.checksum_offset()) {
                checksum::complete(&mut slab[packet.clone()], header.length, offset);
            }
            write_run(&mut self.run, core, realm, slab);
            self.run.push(slab, packet, header, false, false);
            return Ok(counted);
        }
        let datagrams = link.tun.takes_datagrams();
        if !self.run.push(slab, packet.clone(), header, partial, datagrams) {
            write_run(&mut self.run, core, realm, slab);
            self.run.push(slab, packet, header, partial, datagrams);
        }
        Ok(counted)
    }
}

fn write_run(run: &mut Run, core: &Core, realm: &Realm, slab: &mut [u8]) {
    let Some(link) = &realm.tun else { return };
    run.finish(slab, |slab, vnet, first, more| {
        if link.tun.write(slab, vnet, first, more).is_err() {
            core.refusals.count(Cause::TunWrite);
        }
    });
}

/// A payload that is no IP packet. A stock peer has none.
fn take_inner(core: &Core, payload: &mut [u8], (peer, keypair): (&Arc<Peer>, &Arc<Keypair>), batch: &Batch) {
    let first = payload.first().copied();
    if keypair.suite() == Suite::WireGuard {
        core.refusals.count(Cause::Inner);
        return;
    }
    match first {
        Some(probe::PROBE | probe::ECHO) => match probe::read(payload) {
            Some(Probe::Ask(_)) => {
                let spread = peer.outgoing.load_full();
                let keypair =
                    spread.as_ref().map_or_else(|| keypair.clone(), |it| it.first().keypair.clone());
                let way = spread.and_then(|spread| spread.way(&batch.route.endpoint).cloned());
                let counts = way.as_ref().map(|way| Counts {
                    sent: way.sent.load(Ordering::Relaxed) + 1,
                    received: way.received.load(Ordering::Relaxed),
                });
                probe::into_echo(payload, counts);
                let outgoing = Arc::new(Outgoing { way, ..Outgoing::plain(keypair, batch.route.clone()) });
                if send_sealed(core, &outgoing, payload, batch.now) {
                    peer.wake(core);
                }
            }
            Some(Probe::Echo(PUNCH, _)) => {}
            Some(Probe::Echo(id, counts)) => {
                let (from, size) = (batch.route.endpoint, payload.len());
                let echo = Echo { id, from, counts, size, nanos: batch.nanos };
                let taken =
                    peer.drive(core, Some(&batch.route), |drive| drive.handle_echo(echo, &batch.route));
                if !taken {
                    core.refusals.count(Cause::Echo);
                }
            }
            None => core.refusals.count(Cause::Inner),
        },
        Some(control::FIRST_BYTE) => {
            let taken = peer.drive(core, Some(&batch.route), |drive| {
                drive.control(|control, now, out| control.handle(payload, now, out))
            });
            if !taken {
                core.refusals.count(Cause::Control);
            }
        }
        Some(0x30) => core.refusals.count(Cause::AppStream),
        _ => core.refusals.count(Cause::Inner),
    }
}
