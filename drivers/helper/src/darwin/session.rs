//! One client on macOS: what it asks for is done as far as it may ask, and undone when it is gone.

use std::net::{IpAddr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::path::Path;

use crate::answer::{Done, Refusal};
use crate::conversation::answer_all;
use crate::darwin::request::{Device, Request};
use crate::darwin::{link, names, utun};

/// Answers a client until it is gone, then undoes what was done for it.
pub fn serve(socket: &OwnedFd) {
    let mut session = Session::default();
    answer_all(socket, |request, descriptors| session.perform(request, descriptors));
}

#[derive(Default)]
struct Session {
    /// Interfaces that this client opened, with their numbers. They live by descriptors that it alone has.
    links: Vec<(Device, u32)>,
}

impl Session {
    fn perform(&mut self, request: Request, descriptors: Vec<OwnedFd>) -> Result<Done, Refusal> {
        match request {
            Request::Hello {} => Ok(Done::default()),
            Request::OpenTun { mtu } => {
                let utun::Utun { fd, name } = utun::open()?;
                self.own(&name)?;
                link::set(&name, false, Some(mtu))?;
                Ok(Done { descriptors: vec![fd], ..named(&name) })
            }
            Request::ClaimTun {} => {
                let fd = descriptors.into_iter().next();
                let fd = fd.ok_or_else(|| Refusal::of("take an interface over", "none came along"))?;
                let name = utun::name_of(&fd)?;
                self.own(&name)?;
                Ok(named(&name))
            }
            Request::SetLink { device, up, mtu, .. } => {
                self.demand(&device)?;
                done(link::set(&device, up == Some(true), mtu))
            }
            Request::RemoveLink { device } => {
                if self.is_there(&device)? {
                    done(link::switch_off(&device))
                } else {
                    Ok(Done::default())
                }
            }
            Request::AddAddress { device, address, length } => {
                self.demand(&device)?;
                done(link::add_address(&device, address, length))
            }
            Request::RemoveAddress { device, address, .. } => {
                if self.is_there(&device)? {
                    link::remove_address(&device, address)?;
                }
                Ok(Done::default())
            }
            Request::AddRoute { device, prefix, .. } => {
                self.demand(&device)?;
                done(link::add_route(&device, prefix))
            }
            Request::RemoveRoute { device, prefix, .. } => {
                if self.is_there(&device)? {
                    link::remove_route(&device, prefix)?;
                }
                Ok(Done::default())
            }
            Request::SetDnsDomains { name, server, domains, .. } => {
                self.demand(&name)?;
                self.demand_address("look names up", server, Some(&name))?;
                done(names::set(Path::new(names::FOLDER), &name, server, &domains))
            }
            Request::RemoveDnsDomains { name } => {
                if self.is_own(&name) {
                    names::remove(Path::new(names::FOLDER), &name);
                }
                Ok(Done::default())
            }
            Request::ListenNames { address } => self.listen(address),
        }
    }

    fn own(&mut self, device: &Device) -> Result<(), Refusal> {
        let index = link::index_of(device.as_ref())
            .ok_or_else(|| Refusal::of("create a network interface", "it is gone already"))?;
        self.links.retain(|(name, _)| name != device);
        self.links.push((device.clone(), index));
        Ok(())
    }

    fn is_own(&self, device: &Device) -> bool {
        self.links.iter().any(|(name, _)| name == device)
    }

    /// Whether it is there; refused where it is not this client's.
    fn is_there(&self, device: &Device) -> Result<bool, Refusal> {
        let index = link::index_of(device.as_ref());
        let own = self.links.iter().find(|(name, _)| name == device).map(|(_, index)| *index);
        if index.is_some() && index != own {
            return Err(Refusal::of(
                format!("change the interface {device}"),
                "it belongs to another program",
            ));
        }
        Ok(index.is_some())
    }

    fn demand(&self, device: &Device) -> Result<(), Refusal> {
        if self.is_there(device)? {
            return Ok(());
        }
        Err(Refusal::of(format!("change the interface {device}"), "there is none"))
    }

    /// An address of this client, by this interface or by any.
    fn demand_address(&self, action: &str, address: IpAddr, device: Option<&Device>) -> Result<(), Refusal> {
        let is_own = link::addresses()?.iter().any(|held| {
            held.address == address
                && self.links.iter().any(|(name, index)| {
                    name.as_ref() == held.interface
                        && device.is_none_or(|device| device == name)
                        && link::index_of(name.as_ref()) == Some(*index)
                })
        });
        if is_own {
            Ok(())
        } else {
            Err(Refusal::of(action, format!("{address} is not an address of this client")))
        }
    }

    fn listen(&self, address: IpAddr) -> Result<Done, Refusal> {
        let action = "answer for names";
        self.demand_address(action, address, None)?;
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
        for (device, index) in &self.links {
            names::remove(Path::new(names::FOLDER), device);
            if link::index_of(device.as_ref()) == Some(*index) {
                let _ = link::switch_off(device);
            }
        }
    }
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
