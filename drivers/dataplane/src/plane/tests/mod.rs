//! Whole data planes over loopback, with socket pairs for TUNs.

mod broadcast;
mod churn;
mod filter;
mod forward;
mod kcp;
mod mapped;
mod masks;
mod packets;
mod paths;
mod plain;
mod punch;
mod quic;
mod relays;
mod robust;
mod sessions;
mod stranger;
mod streams;
mod tcp;
mod world;
