//! The calls of sessions with peers: their paths, their handshakes, what is asked inside them.

use super::calls::{DataPlane, Refused, guard};
use super::text::{read_endpoint, read_key};
use crate::endpoint::Endpoint;
use crate::plane::{self, CallError};
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;

#[napi(object, object_to_js = false)]
pub struct PathOptions {
    pub endpoint: String,
    pub probe_millis: u32,
}

#[napi(object, object_to_js = false)]
pub struct Use {
    pub active: Vec<String>,
    pub standby: Vec<String>,
}

#[napi(object, object_to_js = false)]
pub struct PunchOptions {
    pub targets: Vec<String>,
    pub sockets: u32,
    pub per_second: u32,
    pub seconds: u32,
}

#[napi]
impl DataPlane {
    #[napi]
    pub fn set_paths(
        &self,
        realm: String,
        peer: String,
        paths: Vec<PathOptions>,
        used: Use,
    ) -> Result<(), Refused> {
        guard(|| {
            let read_path = |path: &PathOptions| {
                Ok(plane::PathOptions {
                    endpoint: read_endpoint(&path.endpoint)?,
                    probe_millis: path.probe_millis,
                })
            };
            let paths = paths.iter().map(read_path).collect::<Result<Vec<_>, CallError>>()?;
            let list = |texts: &[String]| {
                texts.iter().map(|text| read_endpoint(text)).collect::<Result<Vec<_>, CallError>>()
            };
            let used = plane::Use { active: list(&used.active)?, standby: list(&used.standby)? };
            self.plane.set_paths(&realm, &read_key(&peer, "the peer")?, &paths, &used)
        })
    }

    #[napi]
    pub fn handshake(
        &self,
        realm: String,
        peer: String,
        endpoints: Vec<String>,
        force: Option<bool>,
    ) -> Result<(), Refused> {
        guard(|| {
            let endpoints =
                endpoints.iter().map(|endpoint| read_endpoint(endpoint)).collect::<Result<Vec<_>, _>>()?;
            self.plane.handshake(&realm, &read_key(&peer, "the peer")?, &endpoints, force.unwrap_or(false))
        })
    }

    #[napi]
    pub fn handshake_message(&self, realm: String, peer: String) -> Result<Uint8Array, Refused> {
        guard(|| self.plane.handshake_message(&realm, &read_key(&peer, "the peer")?).map(Into::into))
    }

    #[napi]
    pub fn receive(&self, realm: String, from: String, datagram: Uint8Array) -> Result<(), Refused> {
        guard(|| self.plane.receive(&realm, read_endpoint(&from)?, &datagram))
    }

    #[napi]
    pub fn drop_sessions(&self, realm: String, peer: Option<String>) -> Result<(), Refused> {
        guard(|| {
            let key = peer.map(|peer| read_key(&peer, "the peer")).transpose()?;
            self.plane.drop_sessions(&realm, key.as_ref())
        })
    }

    #[napi]
    pub fn request(&self, realm: String, peer: String, kind: u32, body: String) -> Result<u32, Refused> {
        guard(|| self.plane.request(&realm, &read_key(&peer, "the peer")?, kind, &body))
    }

    #[napi]
    pub fn respond(&self, realm: String, peer: String, id: u32, body: String) -> Result<(), Refused> {
        guard(|| self.plane.respond(&realm, &read_key(&peer, "the peer")?, id, &body))
    }

    #[napi]
    pub fn ping(
        &self,
        realm: String,
        peer: String,
        count: u32,
        endpoint: Option<String>,
    ) -> Result<u32, Refused> {
        guard(|| {
            let endpoint = endpoint.map(|endpoint| read_endpoint(&endpoint)).transpose()?;
            self.plane.ping(&realm, &read_key(&peer, "the peer")?, count, endpoint)
        })
    }

    #[napi]
    pub fn punch(&self, realm: String, peer: String, options: PunchOptions) -> Result<(), Refused> {
        guard(|| {
            let targets = options.targets.iter().map(|target| {
                let target = read_endpoint(target)?;
                if target != Endpoint::direct(target.address) {
                    return Err(CallError::invalid("a probe is sent to an address alone"));
                }
                Ok(target)
            });
            let options = plane::PunchOptions {
                targets: targets.collect::<Result<_, _>>()?,
                sockets: options.sockets as usize,
                per_second: options.per_second,
                seconds: options.seconds,
            };
            self.plane.punch(&realm, &read_key(&peer, "the peer")?, &options)
        })
    }
}
