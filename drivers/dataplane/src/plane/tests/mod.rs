//! Whole data planes over loopback, with socket pairs for TUNs.

mod churn;
mod packets;
mod paths;
mod punch;
mod relays;
mod robust;
mod sessions;
mod tcp;
mod world;
