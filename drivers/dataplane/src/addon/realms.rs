//! The calls of realms: their keys, their interface, their peers.

use super::calls::{DataPlane, Refused, guard, read_port};
use super::text::{read, read_key, read_prefixes};
use crate::plane::{self, CallError, Confined};
use crate::session::{Epoch, PeerKind, RealmKind};
use napi_derive::napi;

#[napi(object, object_to_js = false)]
pub struct TunOptions {
    pub fd: i64,
    pub mtu: u32,
    pub offload: bool,
}

#[napi(object, object_to_js = false)]
pub struct RealmOptions {
    pub realm: String,
    pub socket: String,
    pub kind: String,
    pub private_key: String,
    pub prologue: String,
    pub tun: Option<TunOptions>,
    pub stamp_floor_millis: f64,
    pub suites: Option<Vec<u8>>,
}

#[napi(object, object_to_js = false)]
pub struct PeerOptions {
    pub public_key: String,
    pub kind: String,
    pub allowed: Vec<String>,
    pub sources: Option<Vec<String>>,
    pub prologue: Option<String>,
    pub preshared_key: Option<String>,
    pub mask: Option<String>,
    pub keepalive_seconds: u32,
    pub forward: Option<bool>,
}

#[napi(object, object_to_js = false)]
pub struct BroadcastOptions {
    pub ports: Vec<u32>,
    pub subnets: Vec<String>,
    pub per_second: u32,
}

#[napi(object, object_to_js = false)]
pub struct EpochOptions {
    pub id: u32,
    pub key: String,
}

#[napi]
impl DataPlane {
    #[napi]
    pub fn open_realm(&self, options: RealmOptions) -> Result<(), Refused> {
        guard(|| {
            let kind = match options.kind.as_str() {
                "network" => RealmKind::Network,
                "router" => RealmKind::Router,
                other => {
                    return Err(CallError::invalid(format!("a realm is network or router, not {other:?}")));
                }
            };
            let tun = options.tun.map(|TunOptions { fd, mtu, offload }| {
                let mtu = u16::try_from(mtu).ok().filter(|mtu| *mtu >= 1_280);
                let mtu = mtu.ok_or_else(|| CallError::invalid("a TUN's MTU is 1280 to 65535"))?;
                Ok(plane::TunOptions { fd, mtu, offload })
            });
            self.plane.open_realm(plane::RealmOptions {
                kind,
                private_key: read_key(&options.private_key, "the private key")?,
                prologue: read_key(&options.prologue, "the prologue")?,
                tun: tun.transpose()?,
                stamp_floor_millis: options.stamp_floor_millis.max(0.0) as u64,
                suites: options.suites,
                realm: options.realm,
                socket: options.socket,
            })
        })
    }

    #[napi]
    pub fn close_realm(&self, realm: String) -> Result<(), Refused> {
        guard(|| self.plane.close_realm(&realm))
    }

    #[napi]
    pub fn set_epochs(&self, realm: String, epochs: Vec<EpochOptions>) -> Result<(), Refused> {
        guard(|| {
            let read_epoch = |epoch: &EpochOptions| {
                let id = u8::try_from(epoch.id).ok().filter(|id| *id > 0);
                let id =
                    id.ok_or_else(|| CallError::invalid(format!("{} is no epoch id (1 to 255)", epoch.id)))?;
                Ok(Epoch { id, key: read_key(&epoch.key, "the epoch key")? })
            };
            let epochs = epochs.iter().map(read_epoch).collect::<Result<Vec<Epoch>, CallError>>()?;
            self.plane.set_epochs(&realm, &epochs)
        })
    }

    #[napi]
    pub fn set_mask(&self, realm: String, keys: Vec<EpochOptions>, on: bool) -> Result<(), Refused> {
        guard(|| {
            let read_mask = |mask: &EpochOptions| {
                let id = u8::try_from(mask.id);
                let id = id.map_err(|_| CallError::invalid(format!("{} is no epoch id", mask.id)))?;
                Ok((id, read_key(&mask.key, "the mask key")?))
            };
            let keys = keys.iter().map(read_mask).collect::<Result<Vec<_>, CallError>>()?;
            self.plane.set_mask(&realm, &keys, on)
        })
    }

    #[napi]
    pub fn set_own(&self, realm: String, prefixes: Vec<String>) -> Result<(), Refused> {
        guard(|| self.plane.set_own(&realm, &read_prefixes(&prefixes)?))
    }

    #[napi]
    pub fn set_broadcast(&self, realm: String, options: Option<BroadcastOptions>) -> Result<(), Refused> {
        guard(|| {
            let read_options = |BroadcastOptions { ports, subnets, per_second }| {
                let ports = ports.into_iter().map(read_port).collect::<Result<Vec<u16>, CallError>>()?;
                Ok(plane::BroadcastOptions { ports, subnets: read_prefixes(&subnets)?, per_second })
            };
            self.plane.set_broadcast(&realm, options.map(read_options).transpose()?)
        })
    }

    #[napi]
    pub fn set_peer(&self, realm: String, peer: PeerOptions) -> Result<(), Refused> {
        guard(|| {
            let kind = match peer.kind.as_str() {
                "node" => PeerKind::Node,
                "router" => PeerKind::Router,
                "stock" => PeerKind::Stock,
                other => {
                    return Err(CallError::invalid(format!(
                        "a peer is node, router or stock, not {other:?}"
                    )));
                }
            };
            let key =
                |text: &Option<String>, what| text.as_ref().map(|text| read_key(text, what)).transpose();
            let seconds = peer.keepalive_seconds;
            self.plane.set_peer(
                &realm,
                plane::PeerOptions {
                    public_key: read_key(&peer.public_key, "the public key")?,
                    kind,
                    allowed: read_prefixes(&peer.allowed)?,
                    sources: read_prefixes(peer.sources.as_deref().unwrap_or_default())?,
                    prologue: key(&peer.prologue, "the prologue")?,
                    preshared_key: key(&peer.preshared_key, "the preshared key")?,
                    mask: key(&peer.mask, "the mask key")?,
                    keepalive_seconds: u16::try_from(seconds)
                        .map_err(|_| CallError::invalid(format!("{seconds} s is no keepalive")))?,
                    forward: peer.forward.unwrap_or(false),
                },
            )
        })
    }

    #[napi]
    pub fn confine_peer(
        &self,
        realm: String,
        peer: String,
        transport: Option<String>,
    ) -> Result<(), Refused> {
        guard(|| {
            let confined = match transport.as_deref() {
                None => None,
                Some("udp") => Some(Confined::Udp),
                Some(name) => Some(Confined::Link(read(name, "a transport")?)),
            };
            self.plane.confine_peer(&realm, &read_key(&peer, "the peer")?, confined)
        })
    }

    #[napi]
    pub fn remove_peer(&self, realm: String, peer: String) -> Result<(), Refused> {
        guard(|| self.plane.remove_peer(&realm, &read_key(&peer, "the peer")?))
    }
}
