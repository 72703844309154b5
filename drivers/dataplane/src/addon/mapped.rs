//! The calls of mapped ports.

use super::calls::{DataPlane, Refused, guard};
use super::text::read;
use crate::plane::{CallError, MappedProtocol, PortMap};
use napi_derive::napi;

#[napi(object, object_to_js = false)]
pub struct PortMapOptions {
    pub protocol: String,
    pub listen: String,
    pub target: String,
}

#[napi]
impl DataPlane {
    #[napi]
    pub fn map_port(&self, map: PortMapOptions) -> Result<u32, Refused> {
        guard(|| {
            let protocol = match map.protocol.as_str() {
                "tcp" => MappedProtocol::Tcp,
                "udp" => MappedProtocol::Udp,
                other => {
                    return Err(CallError::invalid(format!("a mapped port is tcp or udp, not {other:?}")));
                }
            };
            let place = |text: &str| read(text, "an address with a port such as 10.1.2.3:80");
            self.plane.map_port(&PortMap {
                protocol,
                listen: place(&map.listen)?,
                target: place(&map.target)?,
            })
        })
    }

    #[napi]
    pub fn unmap_port(&self, id: u32) -> Result<(), Refused> {
        guard(|| self.plane.unmap_port(id))
    }
}
