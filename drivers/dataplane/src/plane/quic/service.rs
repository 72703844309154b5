//! The thread that looks after all QUIC links: handshakes, what stands, what is over, what is wanted, what is due.

use super::channel::{Channel, Loss};
use super::hub::Hub;
use super::inbox::Inbox;
use super::link::Link;
use super::schedule::{Schedule, Work};
use super::wanted::{News, Wanted, Wish};
use crate::endpoint::{Carrier, Endpoint, Transport};
use crate::events::Event;
use crate::os::prefer_latency;
use crate::plane::core::{Bucket, Core, millis};
use crate::plane::links::Carry;
use crate::plane::receive::Receiver;
use crate::refusals::Cause;
use crate::session::Millis;
use quinn_proto::Incoming;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// A link without an authentic datagram is closed after this, and the oldest such when there are too many.
const ANONYMOUS: Millis = 10_000;
const MOST_ANONYMOUS: usize = 64;
/// One that carried some, after this long without any.
const IDLE: Millis = 600_000;
/// A handshake may take so long.
const OPENING: Millis = 5_000;
/// From so many open handshakes on, addresses are proved before anything is kept of them (RFC 9000 §8.1.2).
const UNPROVEN: usize = 16;
/// There are never more at once, nor in a second.
const MOST_OPENING: usize = 256;
const OPENINGS: u64 = 256;
/// Connections that share one link.
pub const MOST_CHANNELS: usize = 16;
/// How long the thread sleeps while something is wanted, and while there is anything.
const STEP: Duration = Duration::from_millis(50);
const SWEEP: Duration = Duration::from_secs(1);

/// A link is known by its port and the address at the other end.
type Place = (usize, SocketAddr);

/// Runs until stopped.
pub fn run(core: &Core, schedule: &Schedule) {
    prefer_latency();
    let mut service = Service {
        core,
        receiver: Receiver::new(core),
        inbox: Inbox::default(),
        opening: Vec::new(),
        openings: Bucket::new(OPENINGS),
        links: HashMap::new(),
        wanted: Vec::new(),
        swept: 0,
    };
    while let Some(todo) = schedule.wait(service.pause()) {
        for channel in todo.due {
            channel.handle_timeout();
        }
        for work in todo.work {
            service.take(work);
        }
        service.look_after(millis());
    }
    for (_, link) in service.links.values() {
        link.close();
    }
}

/// What the thread holds.
struct Service<'a> {
    core: &'a Core,
    receiver: Receiver<'a>,
    inbox: Inbox,
    /// Connections that others began and that do not stand yet.
    opening: Vec<Arc<Channel>>,
    openings: Bucket,
    links: HashMap<Place, (Arc<Hub>, Arc<Link>)>,
    wanted: Vec<Wanted>,
    swept: Millis,
}

impl Service<'_> {
    fn pause(&self) -> Option<Duration> {
        if !self.opening.is_empty() || self.wanted.iter().any(|wanted| !wanted.is_quiet()) {
            return Some(STEP);
        }
        (!self.links.is_empty()).then_some(SWEEP)
    }

    fn take(&mut self, work: Work) {
        match work {
            Work::Incoming(hub, incoming) => self.open(&hub, incoming),
            Work::Handshake(channel, event) => {
                self.inbox.handle(&channel, std::iter::once(event), 0);
                self.look(&channel);
                self.deliver();
            }
            Work::Look(channel) => self.look(&channel),
            Work::Connect(wish) => self.want(wish),
            Work::Forget(hub, remote) => self.forget(&hub, remote),
            Work::Close(hub, answer) => {
                self.close(&hub);
                // The caller waits for it.
                let _ = answer.send(());
            }
        }
    }

    /// Somebody begins a connection.
    fn open(&mut self, hub: &Arc<Hub>, incoming: Incoming) {
        let proven = incoming.remote_address_validated();
        let prove = !proven && self.opening.len() >= UNPROVEN;
        if self.opening.len() >= MOST_OPENING || !(prove || self.openings.take(millis())) {
            hub.ignore(incoming);
            self.core.refusals.count(Cause::Quic);
            return;
        }
        if let Some(channel) = hub.accept(incoming, prove) {
            channel.advance();
            self.opening.push(channel.clone());
            self.look(&channel);
        }
    }

    /// What a connection became.
    fn look(&mut self, channel: &Arc<Channel>) {
        let standing = channel.standing();
        let now = millis();
        if let Some(loss) = standing.lost {
            self.lose(channel, loss, now);
            return;
        }
        if standing.connected && !channel.stands() {
            self.link(channel, standing.remote, now);
        } else if channel.stands() && standing.moved && standing.remote != channel.name() {
            self.follow(channel, standing.remote);
        }
        self.tell(now);
    }

    /// A connection stands: it is a link, or part of the one to there.
    fn link(&mut self, channel: &Arc<Channel>, remote: SocketAddr, now: Millis) {
        self.opening.retain(|known| !Arc::ptr_eq(known, channel));
        let hub = channel.hub();
        let (_, link) = self.links.entry(place(hub, remote)).or_insert_with(|| {
            let link = Arc::new(Link::new(remote, now));
            (hub.clone(), link)
        });
        let link = link.clone();
        channel.set_name(remote);
        link.add(channel);
        let crowd = link.channels();
        if let Some(oldest) = crowd.get(MOST_CHANNELS) {
            oldest.close();
        }
        if crowd.len() == 1 {
            hub.port.links.insert(link);
            self.limit_anonymous();
        }
        channel.set_stands();
        for wanted in &mut self.wanted {
            wanted.handle_connected(channel, now);
        }
    }

    /// The other end of a connection moved: its link is known by the new address, and still found by the old.
    fn follow(&mut self, channel: &Arc<Channel>, remote: SocketAddr) {
        let hub = channel.hub();
        let Some((_, link)) = self.links.remove(&place(hub, channel.name())) else { return };
        if let Some((_, other)) = self.links.get(&place(hub, remote)) {
            // Who was there before is who moved there, by another connection.
            for moved in link.channels().iter().rev() {
                other.add(moved);
                moved.set_name(remote);
            }
            hub.port.links.replace(&(link as Arc<dyn Carry>), &(other.clone() as Arc<dyn Carry>));
            return;
        }
        link.move_to(remote);
        hub.port.links.insert(link.clone());
        self.links.insert(place(hub, remote), (hub.clone(), link));
    }

    fn lose(&mut self, channel: &Arc<Channel>, loss: Loss, now: Millis) {
        self.opening.retain(|known| !Arc::ptr_eq(known, channel));
        let place = place(channel.hub(), channel.name());
        if let Some((hub, link)) = self.links.get(&place)
            && !link.remove(channel)
        {
            hub.port.links.remove(&(link.clone() as Arc<dyn Carry>));
            self.links.remove(&place);
        }
        for wanted in &mut self.wanted {
            wanted.handle_lost(channel, loss, now);
        }
        self.tell(now);
    }

    fn want(&mut self, wish: Wish) {
        let now = millis();
        let known = self.wanted.iter_mut().find(|known| is_at(known, &wish.hub, wish.remote));
        if let Some(known) = known {
            if known.is_up() {
                self.core.tell(event(&known.hub, known.remote, News::Up));
            } else {
                known.hurry(now + wish.patience);
            }
            return;
        }
        let (hub, remote) = (wish.hub.clone(), wish.remote);
        match Wanted::new(wish, now) {
            Some(wanted) => self.wanted.push(wanted),
            None => self.core.tell(event(&hub, remote, News::Over("refused"))),
        }
    }

    fn forget(&mut self, hub: &Arc<Hub>, remote: SocketAddr) {
        let is_over = |wanted: &mut Wanted| is_at(wanted, hub, remote);
        self.wanted.extract_if(.., is_over).for_each(|wanted| wanted.give_up());
        if let Some((_, link)) = self.links.get(&place(hub, remote)) {
            link.close();
        }
    }

    /// Tells whoever asked what changed.
    fn tell(&mut self, now: Millis) {
        let core = self.core;
        self.wanted.retain_mut(|wanted| {
            let Some(news) = wanted.news(now) else { return true };
            core.tell(event(&wanted.hub, wanted.remote, news));
            let is_over = matches!(news, News::Over(_));
            if is_over {
                wanted.give_up();
            }
            !is_over
        });
    }

    fn look_after(&mut self, now: Millis) {
        let begun: Vec<Arc<Channel>> = self.wanted.iter_mut().flat_map(|wanted| wanted.step(now)).collect();
        begun.iter().for_each(|channel| channel.advance());
        self.tell(now);
        if now < self.swept + SWEEP.as_millis() as Millis {
            return;
        }
        self.swept = now;
        for late in self.opening.extract_if(.., |channel| now > channel.began + OPENING) {
            late.close();
        }
        for (_, link) in self.links.values() {
            let is_over = match link.heard() {
                Some(heard) => now > heard + IDLE,
                None => now > link.began + ANONYMOUS,
            };
            if is_over {
                link.close();
            }
        }
    }

    /// Of too many links that carried nothing of ours, the oldest goes.
    fn limit_anonymous(&self) {
        let anonymous = self.links.values().filter(|(_, link)| link.heard().is_none());
        let anonymous: Vec<&Arc<Link>> = anonymous.map(|(_, link)| link).collect();
        if anonymous.len() > MOST_ANONYMOUS
            && let Some(oldest) = anonymous.into_iter().min_by_key(|link| link.began)
        {
            oldest.close();
        }
    }

    /// Delivers what handshakes brought along, and answers.
    fn deliver(&mut self) {
        if let Some((port, mut arrivals)) = self.inbox.open() {
            self.receiver.take(&port, &mut arrivals);
            self.inbox.clear(arrivals);
        }
        self.inbox.answer();
    }

    fn close(&mut self, hub: &Arc<Hub>) {
        self.wanted.retain(|wanted| !Arc::ptr_eq(&wanted.hub, hub));
        self.opening.retain(|channel| !Arc::ptr_eq(channel.hub(), hub));
        let links = self.links.extract_if(|_, (of, _)| Arc::ptr_eq(of, hub));
        for (_, (_, link)) in links {
            hub.port.links.remove(&(link as Arc<dyn Carry>));
        }
        for channel in hub.take() {
            channel.close();
        }
    }
}

fn place(hub: &Arc<Hub>, remote: SocketAddr) -> Place {
    (Arc::as_ptr(hub) as usize, remote)
}

fn is_at(wanted: &Wanted, hub: &Arc<Hub>, remote: SocketAddr) -> bool {
    Arc::ptr_eq(&wanted.hub, hub) && wanted.remote == remote
}

fn event(hub: &Hub, remote: SocketAddr, news: News) -> Event {
    let remote = Endpoint { carrier: Carrier::Link(Transport::Quic), ..Endpoint::direct(remote) };
    let (up, reason) = match news {
        News::Up => (true, None),
        News::Down(reason) | News::Over(reason) => (false, Some(reason)),
    };
    Event::Link { socket: hub.port.name.clone(), remote, up, reason }
}
