//! Whole data planes over loopback, with socket pairs for TUNs.

mod churn;
mod packets;
mod relays;
mod robust;
mod sessions;
mod world;
