//! The calls that concern address translation.

use super::calls::Plane;
use super::core::random_u32;
use super::options::{CallError, Called};
use crate::nat::{Nat, NatOptions};
use std::sync::Arc;

impl Plane {
    /// Translates as these options say from now on; `None`: not at all. A masquerade that stays keeps its sessions.
    pub fn set_nat(&self, realm: &str, options: Option<NatOptions>) -> Called<()> {
        let realm = self.realm(realm)?;
        let _changing = realm.change();
        let previous = realm.nat.load_full();
        let seed = u64::from(random_u32());
        let nat = options.map(|options| Nat::new(options, previous.as_deref(), seed)).transpose();
        realm.nat.store(nat.map_err(CallError::invalid)?.map(Arc::new));
        Ok(())
    }
}
