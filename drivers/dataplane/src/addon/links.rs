//! The calls of links and of the channels that a relay passes on by.

use super::calls::{DataPlane, Refused, guard, read_port};
use super::text::{read, read_endpoint, read_key};
use super::values::{self, Fields};
use crate::plane::{self, CallError};
use napi::bindgen_prelude::Either;
use napi_derive::napi;
use std::net::IpAddr;
use std::num::NonZeroU32;

#[napi(object, object_to_js = false)]
pub struct ListenOptions {
    pub port: u32,
    pub address: Option<String>,
    pub certificate: Option<String>,
    pub key: Option<String>,
}

#[napi(object, object_to_js = false)]
pub struct ConnectOptions {
    pub seconds: u32,
    pub profile: Option<String>,
    pub pin: Option<String>,
    pub server_name: Option<String>,
    pub channels: Option<u32>,
}

#[napi]
impl DataPlane {
    #[napi]
    pub fn listen_links(
        &self,
        socket: String,
        transport: String,
        options: ListenOptions,
    ) -> Result<u32, Refused> {
        guard(|| {
            let address = options.address.as_deref().map(|text| read::<IpAddr>(text, "an address"));
            let options = plane::ListenOptions {
                port: read_port(options.port)?,
                address: address.transpose()?,
                certificate: options.certificate,
                key: options.key,
            };
            self.plane.listen_links(&socket, read(&transport, "a transport")?, &options).map(u32::from)
        })
    }

    #[napi]
    pub fn connect_link(
        &self,
        socket: String,
        remote: String,
        options: ConnectOptions,
    ) -> Result<(), Refused> {
        guard(|| {
            let remote = read_endpoint(&remote)?;
            if remote.channel.is_some() || options.seconds > 300 {
                return Err(CallError::invalid("a link leads to an address, within 300 seconds"));
            }
            let profile = options.profile.as_deref().map(|text| {
                let refused = |()| CallError::invalid(format!("{text:?} is no profile of a link"));
                text.parse().map_err(refused)
            });
            let options = plane::ConnectOptions {
                profile: profile.transpose()?.unwrap_or_default(),
                pin: options.pin.map(|pin| read_key(&pin, "a pin")).transpose()?,
                server_name: options.server_name,
                channels: options.channels.unwrap_or(1) as usize,
                ..options.seconds.into()
            };
            self.plane.connect_link(&socket, remote, options)
        })
    }

    #[napi]
    pub fn close_link(&self, socket: String, remote: String) -> Result<(), Refused> {
        guard(|| self.plane.close_link(&socket, read_endpoint(&remote)?))
    }

    #[napi]
    pub fn open_stream(&self, socket: String, remote: String) -> Result<Either<i32, String>, Refused> {
        guard(|| {
            let end = self.plane.open_stream(&socket, read_endpoint(&remote)?)?;
            #[cfg(unix)]
            return Ok(Either::A(std::os::fd::IntoRawFd::into_raw_fd(end)));
            #[cfg(windows)]
            return Ok(Either::B(end));
        })
    }

    #[napi]
    pub fn tune_stream(&self, descriptor: i32) -> Result<(), Refused> {
        guard(|| {
            #[cfg(target_os = "linux")]
            if descriptor >= 0 {
                crate::plane::tune_descriptor(descriptor);
            }
            #[cfg(not(target_os = "linux"))]
            let _ = descriptor;
            Ok(())
        })
    }

    #[napi]
    pub fn open_channel(
        &self,
        realm: String,
        from: String,
        to: String,
        onward: Option<u32>,
    ) -> Result<Fields, Refused> {
        guard(|| {
            let ends = (read_key(&from, "the peer")?, read_key(&to, "the other peer")?);
            let onward = match onward.map(NonZeroU32::new) {
                Some(None) => return Err(CallError::invalid("0 is no label")),
                label => label.flatten(),
            };
            self.plane.open_channel(&realm, (&ends.0, &ends.1), onward).map(values::channels)
        })
    }

    #[napi]
    pub fn close_channels(&self, realm: String, peer: String) -> Result<(), Refused> {
        guard(|| self.plane.close_channels(&realm, &read_key(&peer, "the peer")?))
    }

    #[napi]
    pub fn set_relay_quota(&self, bytes_per_second: f64) -> Result<(), Refused> {
        guard(|| {
            if !(0.0..=1e12).contains(&bytes_per_second) {
                return Err(CallError::invalid(format!("{bytes_per_second} bytes a second is no quota")));
            }
            self.plane.set_relay_quota(bytes_per_second as u64);
            Ok(())
        })
    }
}
