//! How connections behave: sizes, times, congestion.

use super::identity::{Expected, Identity};
use crate::session::Key;
use aws_lc_rs::hmac;
use quinn_proto::congestion::BbrConfig;
use quinn_proto::{
    ClientConfig, EndpointConfig, HashedConnectionIdGenerator, IdleTimeout, MtuDiscoveryConfig, ServerConfig,
    TransportConfig, VarInt,
};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// A connection over which nothing came for so long is over.
const SILENCE: u32 = 15_000;
/// Whoever opened it speaks at least so often.
const KEEPALIVE: Duration = Duration::from_secs(5);
/// Round trip that is assumed before one was measured: a first datagram that was lost goes again after about three times it.
const ROUND_TRIP: Duration = Duration::from_millis(100);
/// Largest UDP payload on Ethernet, over IPv4 and IPv6.
const LARGEST: (u16, u16) = (1_472, 1_452);
/// Bytes in flight before anything was acknowledged.
const WINDOW: u64 = 256 << 10;
/// Bytes of streams that are taken; nobody of ours sends any.
const STREAMS: u32 = 16 << 10;
/// Bytes of datagrams that the connection itself holds, either way; what waits longer waits in a queue that drops.
pub const HELD: usize = 1 << 20;
/// Half-open connections that are held at once before their addresses are looked at.
const INCOMING: usize = 64;

/// What holds for all connections of one port. `secret`: known to nobody else; one that outlives a restart lets those who
/// did not notice it hear of it at once (RFC 9000 §10.3).
pub fn endpoint(secret: &Key) -> EndpointConfig {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let named = hmac::sign(&key, b"starmesh quic names");
    let mut number = [0u8; 8];
    number.copy_from_slice(&named.as_ref()[..8]);
    let names = u64::from_le_bytes(number);
    let mut endpoint = EndpointConfig::new(Arc::new(key));
    endpoint
        .cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(names)))
        .supported_versions(vec![VERSION])
        .grease_quic_bit(false);
    endpoint
}

/// QUIC version 1.
pub const VERSION: u32 = 1;

/// How connections of an address family are taken.
pub fn server(identity: &Identity, is_ipv4: bool) -> Arc<ServerConfig> {
    let mut server = ServerConfig::with_crypto(identity.tls.clone());
    server
        .transport_config(Arc::new(transport(is_ipv4)))
        .max_incoming(INCOMING)
        .incoming_buffer_size(16 << 10)
        .incoming_buffer_size_total(256 << 10);
    server.validation_token.sent(0);
    Arc::new(server)
}

/// How one is opened.
pub fn client(expected: &Arc<Expected>, remote: &SocketAddr) -> Option<ClientConfig> {
    let mut transport = transport(remote.is_ipv4());
    transport.keep_alive_interval(Some(KEEPALIVE));
    let mut client = ClientConfig::new(expected.tls()?);
    client.transport_config(Arc::new(transport));
    Some(client)
}

fn transport(is_ipv4: bool) -> TransportConfig {
    let mut congestion = BbrConfig::default();
    congestion.initial_window(WINDOW);
    let mut sizes = MtuDiscoveryConfig::default();
    sizes.upper_bound(if is_ipv4 { LARGEST.0 } else { LARGEST.1 });
    let mut transport = TransportConfig::default();
    transport
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(SILENCE))))
        .initial_rtt(ROUND_TRIP)
        .mtu_discovery_config(Some(sizes))
        .congestion_controller_factory(Arc::new(congestion))
        .stream_receive_window(VarInt::from_u32(STREAMS))
        .receive_window(VarInt::from_u32(STREAMS))
        .datagram_receive_buffer_size(Some(HELD))
        .datagram_send_buffer_size(HELD);
    transport
}
