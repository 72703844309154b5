//! Events and counters as JavaScript values.

use super::text::write_key;
use crate::events::{Event, Measured};
use crate::plane::Counters;
use crate::session::Key;
use napi::bindgen_prelude::{Object, ToNapiValue};
use napi::{Env, sys};
use std::sync::Arc;

/// An object's fields in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Fields(Vec<(&'static str, Value)>);

/// What a field may hold.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Null,
    Flag(bool),
    Number(f64),
    Text(String),
    List(Vec<Fields>),
    Object(Fields),
}

impl ToNapiValue for Fields {
    unsafe fn to_napi_value(raw: sys::napi_env, fields: Fields) -> napi::Result<sys::napi_value> {
        let env = Env::from_raw(raw);
        let mut object = Object::new(&env)?;
        for (name, value) in fields.0 {
            match value {
                Value::Null => object.set(name, napi::bindgen_prelude::Null)?,
                Value::Flag(flag) => object.set(name, flag)?,
                Value::Number(number) => object.set(name, number)?,
                Value::Text(text) => object.set(name, text)?,
                Value::List(list) => object.set(name, list)?,
                Value::Object(fields) => object.set(name, fields)?,
            }
        }
        // SAFETY: `object` was made a few lines above, in this very environment.
        unsafe { Object::to_napi_value(raw, object) }
    }
}

/// One event as `DataPlaneEvent` describes it.
pub fn event(event: Event) -> Fields {
    match event {
        Event::Wanted { realm, peer } => of_peer("wanted", &realm, &peer, []),
        Event::Session { realm, peer, endpoint, suite, initiator, rekey } => {
            let fields = [
                ("endpoint", text(endpoint)),
                ("suite", number(suite)),
                ("initiator", Value::Flag(initiator)),
                ("rekey", Value::Flag(rekey)),
            ];
            of_peer("session", &realm, &peer, fields)
        }
        Event::Ended { realm, peer, reason } => of_peer("ended", &realm, &peer, [("reason", text(reason))]),
        Event::Heard { realm, peer, endpoint } => {
            of_peer("heard", &realm, &peer, [("endpoint", text(endpoint))])
        }
        Event::Proved { realm, peer, endpoint, rtt_millis } => {
            let fields = [("endpoint", text(endpoint)), ("rttMillis", number(rtt_millis))];
            of_peer("proved", &realm, &peer, fields)
        }
        Event::Lost { realm, peer, endpoint } => {
            of_peer("lost", &realm, &peer, [("endpoint", text(endpoint))])
        }
        Event::Measured { paths } => {
            let paths = paths.iter().map(measured).collect();
            Fields(vec![("kind", text("measured")), ("paths", Value::List(paths))])
        }
        Event::UnknownKey { realm, peer, endpoint } => {
            of_peer("unknownKey", &realm, &peer, [("endpoint", text(endpoint))])
        }
        Event::Request { realm, peer, id, kind, body } => {
            let fields = [("id", number(id)), ("type", number(kind)), ("body", Value::Text(body))];
            of_peer("request", &realm, &peer, fields)
        }
        Event::Response { realm, peer, id, body } => {
            let fields = [("id", number(id)), ("body", body.map_or(Value::Null, Value::Text))];
            of_peer("response", &realm, &peer, fields)
        }
        Event::Pong { id, sequence, rtt_millis, endpoint } => Fields(vec![
            ("kind", text("pong")),
            ("id", number(id)),
            ("sequence", number(sequence)),
            ("rttMillis", perhaps(rtt_millis)),
            ("endpoint", endpoint.map_or(Value::Null, text)),
        ]),
        Event::Mapped { socket, server, address } => Fields(vec![
            ("kind", text("mapped")),
            ("socket", text(socket)),
            ("server", text(server)),
            ("address", address.map_or(Value::Null, text)),
        ]),
        Event::Link { socket, remote, up, reason } => Fields(vec![
            ("kind", text("link")),
            ("socket", text(socket)),
            ("remote", text(remote)),
            ("up", Value::Flag(up)),
            ("reason", reason.map_or(Value::Null, text)),
        ]),
        Event::Failed { realm, message } => Fields(vec![
            ("kind", text("failed")),
            ("realm", realm.map_or(Value::Null, text)),
            ("message", Value::Text(message)),
        ]),
    }
}

/// All counters as `Counters` describes them.
pub fn counters(counters: Counters) -> Fields {
    let peers = counters.peers.iter().map(|peer| {
        Fields(vec![
            ("realm", text(&peer.realm)),
            ("peer", Value::Text(write_key(&peer.peer))),
            ("rxBytes", large(peer.rx_bytes)),
            ("txBytes", large(peer.tx_bytes)),
            ("rxPackets", large(peer.rx_packets)),
            ("txPackets", large(peer.tx_packets)),
            ("lastHandshakeMillis", peer.last_handshake_millis.map_or(Value::Null, large)),
            ("lastReceivedMillis", peer.last_received_millis.map_or(Value::Null, large)),
            ("suite", perhaps(peer.suite)),
        ])
    });
    let refused = counters.refused.iter().map(|(cause, count)| (*cause, large(*count)));
    let relayed =
        vec![("datagrams", large(counters.relayed_datagrams)), ("bytes", large(counters.relayed_bytes))];
    Fields(vec![
        ("peers", Value::List(peers.collect())),
        ("refused", Value::Object(Fields(refused.collect()))),
        ("relayed", Value::Object(Fields(relayed))),
    ])
}

/// A pair of relay channels.
pub fn channels((from, to): (u32, u32)) -> Fields {
    Fields(vec![("from", number(from)), ("to", number(to))])
}

fn measured(measured: &Measured) -> Fields {
    let measure = &measured.measure;
    Fields(vec![
        ("realm", text(&measured.realm)),
        ("peer", Value::Text(write_key(&measured.peer))),
        ("endpoint", text(measure.endpoint)),
        ("rttMillis", perhaps(measure.rtt_millis)),
        ("minRttMillis", perhaps(measure.min_rtt_millis)),
        ("loss", number(measure.loss)),
        ("jitterMillis", perhaps(measure.jitter_millis)),
        ("lossOut", perhaps(measure.loss_out)),
        ("lossIn", perhaps(measure.loss_in)),
        ("deliveredPerSecond", perhaps(measure.delivered)),
        ("mtu", perhaps(measure.mtu)),
        ("lastEchoMillis", measured.last_echo_millis.map_or(Value::Null, large)),
    ])
}

fn of_peer<const N: usize>(
    kind: &str,
    realm: &Arc<str>,
    peer: &Key,
    more: [(&'static str, Value); N],
) -> Fields {
    let mut fields =
        vec![("kind", text(kind)), ("realm", text(realm)), ("peer", Value::Text(write_key(peer)))];
    fields.extend(more);
    Fields(fields)
}

fn text(value: impl ToString) -> Value {
    Value::Text(value.to_string())
}

fn number(value: impl Into<f64>) -> Value {
    Value::Number(value.into())
}

/// Exact up to 2^53, which no counter of bytes reaches in a life.
fn large(value: u64) -> Value {
    Value::Number(value as f64)
}

fn perhaps(value: Option<impl Into<f64>>) -> Value {
    value.map_or(Value::Null, number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_the_fields_of_the_contract() {
        let told = Event::Response { realm: "net".into(), peer: [0; 32], id: 7, body: None };
        let expected = vec![
            ("kind", text("response")),
            ("realm", text("net")),
            ("peer", text("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")),
            ("id", number(7)),
            ("body", Value::Null),
        ];
        assert_eq!(event(told), Fields(expected));
    }
}
