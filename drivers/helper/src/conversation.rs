//! Requests answered one after the other.

use std::os::fd::OwnedFd;

use serde::de::DeserializeOwned;

use crate::answer::{Done, Refusal, encode};
use crate::connection::{prepare, receive, send};
use crate::envelope::{Envelope, number_of, parse};

/// Answers requests until the other end is gone, or says what is none.
pub fn answer_all<Request: DeserializeOwned>(
    socket: &OwnedFd,
    mut perform: impl FnMut(Request, Vec<OwnedFd>) -> Result<Done, Refusal>,
) {
    prepare(socket);
    while let Some(received) = receive(socket) {
        let (id, result) = match parse(&received.bytes) {
            Ok(Envelope { id, request, .. }) => (id, perform(request, received.descriptors)),
            Err(detail) => match number_of(&received.bytes) {
                Some(id) => (id, Err(Refusal::of("do what was asked of the helper", detail))),
                None => return,
            },
        };
        let descriptors = result.as_ref().map_or(&[][..], |done| &done.descriptors);
        if !send(socket, &encode(id, &result), descriptors) {
            return;
        }
    }
}
