//! One client: what it asks for is done as far as it may ask, and undone when it is gone.

use std::net::{IpAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair, sockopt};
use serde_json::{Value, json};

use crate::answer::{Done, Refusal};
use crate::conversation::answer_all;
use crate::exit::MARK;
use crate::firewall::{self, Opening};
use crate::link::{self, LinkChange};
use crate::machine::Machine;
use crate::record::{Changed, Record};
use crate::request::{Device, Passing, Request, Setting, Site, TableName};
use crate::{dns, nft, outside, passage, setting, tun};

/// Answers a client until it is gone, then undoes what was done for it.
pub fn serve(socket: &OwnedFd, uid: u32, machine: Arc<Machine>) {
    let mut session = Session::new(uid, machine);
    answer_all(socket, |request, descriptors| session.perform(request, descriptors));
}

struct Session {
    uid: u32,
    /// Tells it from other clients.
    number: u64,
    machine: Arc<Machine>,
    record: Record,
    /// Interfaces that this client opened, with their numbers.
    links: Vec<(Device, u32)>,
    /// Groups of programs that go past the exit.
    groups: Vec<String>,
}

impl Session {
    fn new(uid: u32, machine: Arc<Machine>) -> Session {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        let record = Record::new(machine.folder(), &format!("{}-{number}", std::process::id()));
        Session { uid, number, machine, record, links: vec![], groups: vec![] }
    }

    fn perform(&mut self, request: Request, descriptors: Vec<OwnedFd>) -> Result<Done, Refusal> {
        match request {
            Request::Hello {} => Ok(Done::default()),
            Request::OpenTun { mtu } => self.open(mtu),
            Request::ClaimTun {} => self.claim(descriptors),
            Request::SetLink { device, up, mtu, gso_max_size } => {
                let change = LinkChange { up: up == Some(true), mtu, gso_max_size };
                done(link::set(device.as_ref(), self.index_of(&device)?, change))
            }
            Request::RemoveLink { device } => match self.present(&device)? {
                Some(index) => done(link::remove(device.as_ref(), index)),
                None => Ok(Done::default()),
            },
            Request::AddAddress { device, address, length } => {
                done(link::add_address(device.as_ref(), self.index_of(&device)?, address, length))
            }
            Request::RemoveAddress { device, address, length } => match self.present(&device)? {
                Some(index) => done(link::remove_address(device.as_ref(), index, address, length)),
                None => Ok(Done::default()),
            },
            Request::AddRoute { device, prefix, source } => {
                done(link::add_route(device.as_ref(), self.index_of(&device)?, prefix, source))
            }
            Request::RemoveRoute { device, prefix, source } => match self.present(&device)? {
                Some(index) => done(link::remove_route(device.as_ref(), index, prefix, source)),
                None => Ok(Done::default()),
            },
            Request::ChangeSetting { name, value } => self.change(&name, &value),
            Request::SetPassage { name, sites } => self.pass(&name, &sites),
            Request::RemovePassage { name } => self.block(&name),
            Request::FindFirewalls(passing) => self.find_firewalls(&passing),
            Request::OpenFirewalls(passing) => self.open_firewalls(&passing),
            Request::WatchFirewalls {} => {
                self.demand_root("hear of changes of packet rules")?;
                Ok(Done { descriptors: vec![nft::watch()?], ..Done::default() })
            }
            Request::CloseFirewalls { name } => self.close_firewalls(&name),
            Request::SetExit(exit) => {
                if let Some(device) = &exit.interface {
                    self.index_of(device)?;
                }
                let strict = exit.strict;
                self.record.note(|changes| changes.exit = !strict);
                done(self.machine.set_exit(self.uid, self.number, &exit))
            }
            Request::RemoveExit {} => {
                self.machine.remove_exit(self.uid)?;
                self.record.note(|changes| changes.exit = false);
                Ok(Done::default())
            }
            Request::EnterOutside { name } => self.enter_outside(&name, descriptors),
            Request::ListOutside { name } => Ok(self.list_outside(&name)),
            Request::LeaveOutside { name, process } => {
                done(outside::leave(&name.group_of(self.uid), process.cast_signed()))
            }
            Request::CloseOutside { name } => {
                outside::close(&name.group_of(self.uid));
                Ok(Done::default())
            }
            Request::SetDnsLink { device, server, domains, everything } => {
                self.demand_root("look names up")?;
                self.demand_own(self.index_of(&device)?, server)?;
                done(dns::set_link(&device, server, &domains, everything))
            }
            Request::RemoveDnsLink { device } => {
                if self.machine.is_root() && self.present(&device)?.is_some() {
                    dns::remove_link(&device);
                }
                Ok(Done::default())
            }
            Request::SetDnsFile { server } => {
                self.demand_root("look names up")?;
                if server != dns::LOCAL {
                    return Err(Refusal::of("look names up", "names are answered for on loopback alone"));
                }
                self.record.note(|changes| changes.dns_file = true);
                done(dns::set_file())
            }
            Request::RemoveDnsFile {} => {
                if self.record.changes().dns_file {
                    dns::remove_file()?;
                    self.record.note(|changes| changes.dns_file = false);
                }
                Ok(Done::default())
            }
            Request::ListenNames { address } => self.listen(address),
            Request::Mark {} => mark(descriptors),
            Request::Marker {} => marker(),
        }
    }

    fn open(&mut self, mtu: u32) -> Result<Done, Refusal> {
        let tun::Tun { fd, name } = tun::open()?;
        let index = link::index_of(name.as_ref())
            .ok_or_else(|| Refusal::of("create a network interface", "it is gone already"))?;
        let change = LinkChange { up: false, mtu: Some(mtu), gso_max_size: None };
        link::set(name.as_ref(), index, change)?;
        self.links.push((name.clone(), index));
        Ok(Done { descriptors: vec![fd], ..named(&name) })
    }

    fn claim(&mut self, descriptors: Vec<OwnedFd>) -> Result<Done, Refusal> {
        let fd = descriptors.into_iter().next();
        let name = tun::name_of(fd.ok_or_else(|| Refusal::of("take an interface over", "none came along"))?)?;
        let index = link::index_of(name.as_ref())
            .ok_or_else(|| Refusal::of("take an interface over", "it is gone already"))?;
        self.links.retain(|(device, _)| *device != name);
        self.links.push((name.clone(), index));
        Ok(named(&name))
    }

    /// Number of an interface of this client; refused for all others.
    fn index_of(&self, device: &Device) -> Result<u32, Refusal> {
        self.present(device)?
            .ok_or_else(|| Refusal::of(format!("change the interface {device}"), "there is none"))
    }

    /// The same, none where the interface is gone.
    fn present(&self, device: &Device) -> Result<Option<u32>, Refusal> {
        let index = link::index_of(device.as_ref());
        let own = self.links.iter().find(|(name, _)| name == device).map(|(_, index)| *index);
        if index.is_some() && index != own {
            let action = format!("change the interface {device}");
            return Err(Refusal::of(action, "it belongs to another program"));
        }
        Ok(index)
    }

    fn demand_own(&self, index: u32, address: IpAddr) -> Result<(), Refusal> {
        let is_own = link::addresses()?.iter().any(|held| held.index == index && held.address == address);
        if is_own {
            Ok(())
        } else {
            Err(Refusal::of("look names up", format!("{address} is not its address")))
        }
    }

    fn demand_root(&self, action: &str) -> Result<(), Refusal> {
        if self.machine.is_root() {
            return Ok(());
        }
        Err(Refusal::of(
            action,
            "the helper has the right to interfaces and routes alone; for more it has to run as root",
        ))
    }

    /// Switches a setting on, or gives it back what it was.
    fn change(&mut self, name: &Setting, value: &str) -> Result<Done, Refusal> {
        let action = format!("set {} to {value}", name.name());
        self.demand_root(&action)?;
        let known = self.record.changes().settings.iter().find(|each| each.setting == *name).cloned();
        if let Some(known) = known.filter(|known| known.before == value) {
            known.undo();
            self.record.note(|changes| changes.settings.retain(|each| each.setting != *name));
            return Ok(Done::default());
        }
        let Some(before) = setting::read(name) else { return Err(Refusal::of(action, "there is none")) };
        if before == value {
            return Ok(Done::default());
        }
        if value != name.on() {
            return Err(Refusal::of(action, "it may be switched on alone"));
        }
        let change = Changed { setting: name.clone(), value: value.to_owned(), before };
        self.record.note(|changes| changes.settings.push(change));
        done(setting::write(name, value))
    }

    fn pass(&mut self, name: &TableName, sites: &[Site]) -> Result<Done, Refusal> {
        self.demand_root("set rules for packets that pass through")?;
        for site in sites {
            self.index_of(&site.device)?;
        }
        let table = name.table_of(self.uid);
        if !self.record.changes().tables.contains(&table) {
            self.record.note(|changes| changes.tables.push(table.clone()));
        }
        done(passage::set(&table, sites))
    }

    fn block(&mut self, name: &TableName) -> Result<Done, Refusal> {
        let table = name.table_of(self.uid);
        if self.record.changes().tables.contains(&table) {
            passage::remove(&table)?;
            self.record.note(|changes| changes.tables.retain(|each| *each != table));
        }
        Ok(Done::default())
    }

    /// Nothing where this process may not look; then it may not let through either.
    fn find_firewalls(&self, passing: &Passing) -> Result<Done, Refusal> {
        let mark = passing.name.table_of(self.uid);
        let found = if self.machine.is_root() { firewall::find(&opening(passing, &mark))? } else { vec![] };
        let all = found.iter().map(|each| json!({ "name": each.name, "open": each.open })).collect();
        let mut done = Done::default();
        done.fields.insert("firewalls".into(), Value::Array(all));
        Ok(done)
    }

    fn open_firewalls(&mut self, passing: &Passing) -> Result<Done, Refusal> {
        self.demand_root("let packets pass through other programs' rules")?;
        for device in &passing.devices {
            self.index_of(device)?;
        }
        let mark = passing.name.table_of(self.uid);
        if !self.record.changes().firewalls.contains(&mark) {
            self.record.note(|changes| changes.firewalls.push(mark.clone()));
        }
        done(firewall::open(&opening(passing, &mark)))
    }

    fn close_firewalls(&mut self, name: &TableName) -> Result<Done, Refusal> {
        let mark = name.table_of(self.uid);
        if self.record.changes().firewalls.contains(&mark) {
            firewall::close(&mark)?;
            self.record.note(|changes| changes.firewalls.retain(|each| *each != mark));
        }
        Ok(Done::default())
    }

    fn enter_outside(&mut self, name: &TableName, descriptors: Vec<OwnedFd>) -> Result<Done, Refusal> {
        let action = "let a program go past the exit";
        self.demand_root(action)?;
        let connection =
            descriptors.into_iter().next().ok_or_else(|| Refusal::of(action, "no connection came along"))?;
        let group = name.group_of(self.uid);
        if !self.groups.contains(&group) {
            self.groups.push(group.clone());
        }
        let process = outside::enter(&group, &connection)?;
        let mut done = Done::default();
        done.fields.insert("process".into(), process.into());
        Ok(done)
    }

    fn list_outside(&self, name: &TableName) -> Done {
        let all = outside::list(&name.group_of(self.uid))
            .iter()
            .map(|each| json!({ "process": each.process, "program": each.program }))
            .collect();
        let mut done = Done::default();
        done.fields.insert("programs".into(), Value::Array(all));
        done
    }

    fn listen(&self, address: IpAddr) -> Result<Done, Refusal> {
        let action = "answer for names";
        self.demand_root(action)?;
        let is_own = link::addresses()?
            .iter()
            .any(|held| held.address == address && self.links.iter().any(|(_, index)| *index == held.index));
        if !is_own && address != dns::LOCAL {
            return Err(Refusal::of(action, format!("{address} is not an address of this client")));
        }
        let refused = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                Refusal::of(action, "another program of this machine answers at port 53")
            }
            _ => Refusal::of(action, error.to_string()),
        };
        let datagrams = UdpSocket::bind((address, NAMES_PORT)).map_err(refused)?;
        let stream = TcpListener::bind((address, NAMES_PORT)).map_err(refused)?;
        Ok(Done { descriptors: vec![datagrams.into(), stream.into()], ..Done::default() })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.machine.leave(self.number);
        self.record.note(|changes| changes.exit = false);
        self.record.changes().undo();
        // Programs may go past a strict exit for as long as they run, also when the engine was killed meanwhile.
        for group in &self.groups {
            outside::sweep(group);
        }
        for (device, index) in &self.links {
            if link::index_of(device.as_ref()) == Some(*index) {
                let _ = link::remove(device.as_ref(), *index);
            }
        }
        self.record.forget();
    }
}

/// Marks a socket of the internet that came along: it carries networks.
fn mark(descriptors: Vec<OwnedFd>) -> Result<Done, Refusal> {
    let action = "mark a socket";
    let socket = descriptors.into_iter().next().ok_or_else(|| Refusal::of(action, "none came along"))?;
    let family = domain_of(&socket).ok_or_else(|| Refusal::of(action, "what came along is none"))?;
    if ![libc::AF_INET, libc::AF_INET6].contains(&family) {
        return Err(Refusal::of(action, "it is not one of the internet"));
    }
    nix::sys::socket::setsockopt(&socket, sockopt::Mark, &MARK)
        .map_err(|errno| Refusal::by_kernel(action, errno))?;
    Ok(Done::default())
}

fn domain_of(socket: &impl AsFd) -> Option<libc::c_int> {
    let mut domain: libc::c_int = 0;
    let mut length = size_of::<libc::c_int>() as libc::socklen_t;
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the kernel writes at most `length` bytes into `domain`; both outlive the call.
    let result = unsafe {
        libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_DOMAIN, (&raw mut domain).cast(), &raw mut length)
    };
    (result == 0).then_some(domain)
}

/// A connection that takes `Mark` alone, served until its other end is gone.
fn marker() -> Result<Done, Refusal> {
    let action = "mark sockets";
    let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)
        .map_err(|errno| Refusal::by_kernel(action, errno))?;
    let serve = move || {
        answer_all(&ours, |request, descriptors| match request {
            Request::Mark {} => mark(descriptors),
            _ => Err(Refusal::of("do what was asked of the helper", "here sockets are marked alone")),
        });
    };
    std::thread::Builder::new().spawn(serve).map_err(|error| Refusal::of(action, error.to_string()))?;
    Ok(Done { descriptors: vec![theirs], ..Done::default() })
}

fn opening<'a>(passing: &'a Passing, mark: &'a str) -> Opening<'a> {
    Opening { mark, devices: &passing.devices, families: &passing.families }
}

fn done(result: Result<(), Refusal>) -> Result<Done, Refusal> {
    result.map(|()| Done::default())
}

fn named(device: &Device) -> Done {
    let mut done = Done::default();
    done.fields.insert("name".into(), device.to_string().into());
    done
}

const NAMES_PORT: u16 = 53;
