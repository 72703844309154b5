//! IP packets as the TUN gives and takes them: headers, checksums, cutting and joining of super-packets.

pub mod checksum;
pub mod coalesce;
pub mod flow;
pub mod fragment;
pub mod hop;
pub mod icmp;
pub mod ip;
pub mod mss;
pub mod reset;
pub mod segment;
pub mod vnet;
