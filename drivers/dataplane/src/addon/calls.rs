//! `start` and the calls of a data plane. A panic inside one becomes an error of code `EPANIC`.

use super::text::{read, read_endpoint, read_key, read_prefixes};
use super::values::{self, Fields};
use crate::endpoint::Endpoint;
use crate::events::Events;
use crate::plane::{self, CallError, Confined, Place, Plane};
use crate::session::{Epoch, PeerKind, RealmKind};
use napi::bindgen_prelude::{Either, Function, Uint8Array, Unknown};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

/// An error as JavaScript gets it: `code` is an errno name.
pub type Refused = napi::Error<&'static str>;

/// Weak: a data plane alone does not keep Node alive.
type Wake = ThreadsafeFunction<(), Unknown<'static>, Vec<Fields>, napi::Status, false, true>;

/// Turns what went wrong into an error with a code.
pub fn guard<T>(call: impl FnOnce() -> Result<T, CallError>) -> Result<T, Refused> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Refused::new(error.code, error.message)),
        Err(panic) => Err(Refused::new("EPANIC", plane::panic_text(panic.as_ref()))),
    }
}

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

#[napi(object, object_to_js = false)]
pub struct PunchOptions {
    pub targets: Vec<String>,
    pub sockets: u32,
    pub per_second: u32,
    pub seconds: u32,
}

#[napi(object, object_to_js = false)]
pub struct EpochOptions {
    pub id: u32,
    pub key: String,
}

#[napi]
pub struct DataPlane {
    pub(super) plane: Plane,
    wake: Arc<Mutex<Option<Wake>>>,
}

#[napi]
pub fn start(events: Function<'_, Vec<Fields>, Unknown<'static>>) -> Result<DataPlane, Refused> {
    let wake: Arc<Mutex<Option<Wake>>> = Arc::default();
    let waking = wake.clone();
    let queue = Arc::new(Events::new(move || {
        if let Some(wake) = &*waking.lock().unwrap_or_else(PoisonError::into_inner) {
            wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }));
    let taken = queue.clone();
    let threadsafe = events
        .build_threadsafe_function::<()>()
        .weak::<true>()
        .build_callback(move |_| Ok(taken.take().into_iter().map(values::event).collect::<Vec<Fields>>()))
        .map_err(|error| Refused::new("EINVAL", error.reason.to_string()))?;
    *wake.lock().unwrap_or_else(PoisonError::into_inner) = Some(threadsafe);
    let plane = guard(|| Plane::start(queue))?;
    Ok(DataPlane { plane, wake })
}

#[napi]
impl DataPlane {
    #[napi]
    pub fn bind(&self, name: String, port: u32, address: Option<String>) -> Result<u32, Refused> {
        guard(|| {
            let place = match address {
                None => Place::Everywhere,
                // No name of an interface reads as an address: colons are not allowed in it, and who calls it 10.0.0.1
                // gets the address.
                Some(text) => text.parse().map_or_else(|_| Place::Device(text), Place::Address),
            };
            self.plane.bind(&name, read_port(port)?, place).map(u32::from)
        })
    }

    #[napi]
    pub fn unbind(&self, name: String) -> Result<(), Refused> {
        guard(|| self.plane.unbind(&name))
    }

    #[napi]
    pub fn mark_by(&self, fd: i32) {
        #[cfg(target_os = "linux")]
        // SAFETY: the caller gives the descriptor away, as the call says.
        crate::os::mark_by(unsafe { std::os::fd::FromRawFd::from_raw_fd(fd) });
        #[cfg(not(target_os = "linux"))]
        let _ = fd;
    }

    #[napi]
    pub fn speak_plain(&self, name: String, on: bool) -> Result<(), Refused> {
        guard(|| self.plane.speak_plain(&name, on))
    }

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
    pub fn stun(&self, socket: String, server: String) -> Result<(), Refused> {
        guard(|| {
            let server = read_endpoint(&server)?;
            if server.channel.is_some() {
                return Err(CallError::invalid("a STUN server is not behind a relay"));
            }
            self.plane.stun(&socket, server)
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
    pub fn set_relay_quota(&self, bytes_per_second: f64) -> Result<(), Refused> {
        guard(|| {
            if !(0.0..=1e12).contains(&bytes_per_second) {
                return Err(CallError::invalid(format!("{bytes_per_second} bytes a second is no quota")));
            }
            self.plane.set_relay_quota(bytes_per_second as u64);
            Ok(())
        })
    }

    #[napi]
    pub fn close_channels(&self, realm: String, peer: String) -> Result<(), Refused> {
        guard(|| self.plane.close_channels(&realm, &read_key(&peer, "the peer")?))
    }

    #[napi]
    pub fn packets(&self) -> Result<f64, Refused> {
        guard(|| self.plane.packets().map(|packets| packets as f64))
    }

    #[napi]
    pub fn counters(&self) -> Result<Fields, Refused> {
        guard(|| self.plane.counters().map(values::counters))
    }

    #[napi]
    pub fn stop(&self) -> Result<(), Refused> {
        let stopped = guard(|| {
            self.plane.stop();
            Ok(())
        });
        if let Some(wake) = self.wake.lock().unwrap_or_else(PoisonError::into_inner).take() {
            abort(wake);
        }
        stopped
    }
}

fn read_port(port: u32) -> Result<u16, CallError> {
    u16::try_from(port).map_err(|_| CallError::invalid(format!("{port} is no port")))
}

#[expect(deprecated, reason = "a mere release would let calls that wait through after stop")]
fn abort(wake: Wake) {
    // Closing already is as good.
    let _ = wake.abort();
}
