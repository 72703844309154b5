//! The calls of address translation.

use super::calls::{DataPlane, Refused, guard};
use super::text::read;
use crate::nat;
use crate::plane::CallError;
use crate::table::Prefix;
use napi_derive::napi;

#[napi(object, object_to_js = false)]
pub struct NatMap {
    pub inside: String,
    pub outside: String,
}

#[napi(object, object_to_js = false)]
pub struct MasqueradeOptions {
    pub from: Vec<String>,
    pub address4: Option<String>,
    pub address6: Option<String>,
    pub full_cone: bool,
}

#[napi(object, object_to_js = false)]
pub struct NatOptions {
    pub maps: Vec<NatMap>,
    pub masquerade: Option<MasqueradeOptions>,
}

#[napi]
impl DataPlane {
    #[napi]
    pub fn set_nat(&self, realm: String, options: Option<NatOptions>) -> Result<(), Refused> {
        guard(|| self.plane.set_nat(&realm, options.map(read_nat).transpose()?))
    }
}

fn read_nat(options: NatOptions) -> Result<nat::NatOptions, CallError> {
    let read_map = |map: &NatMap| {
        Ok(nat::Map { inside: read_prefix(&map.inside)?, outside: read_prefix(&map.outside)? })
    };
    Ok(nat::NatOptions {
        maps: options.maps.iter().map(read_map).collect::<Result<_, CallError>>()?,
        masquerade: options.masquerade.map(|masquerade| read_masquerade(&masquerade)).transpose()?,
    })
}

fn read_masquerade(options: &MasqueradeOptions) -> Result<nat::MasqueradeOptions, CallError> {
    let address4 = options.address4.as_deref().map(|text| read(text, "an IPv4 address"));
    let address6 = options.address6.as_deref().map(|text| read(text, "an IPv6 address"));
    Ok(nat::MasqueradeOptions {
        from: options.from.iter().map(|prefix| read_prefix(prefix)).collect::<Result<_, CallError>>()?,
        address4: address4.transpose()?,
        address6: address6.transpose()?,
        full_cone: options.full_cone,
    })
}

fn read_prefix(text: &str) -> Result<Prefix, CallError> {
    read(text, "a prefix such as 10.1.0.0/16")
}
