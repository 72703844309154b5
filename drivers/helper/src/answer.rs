//! What a client is told: done, or why not, in the words and codes of all of Starmesh.

use std::os::fd::OwnedFd;

use nix::errno::Errno;
use serde_json::{Map, Value, json};

use crate::envelope::VERSION;

/// What was done, with what belongs to it.
#[derive(Debug, Default)]
pub struct Done {
    /// Fields of the answer.
    pub fields: Map<String, Value>,
    /// Descriptors that go with it.
    pub descriptors: Vec<OwnedFd>,
}

/// Why something was not done; `code` is one of `src-shared/errors.ts`.
#[derive(Debug)]
pub enum Refusal {
    /// This process may not.
    NoPrivilege,
    /// The machine is connected to it already.
    Overlap {
        /// What was asked for.
        range: String,
        /// What is there.
        local: String,
        /// Where it is.
        interface: String,
    },
    /// The system, or we, refuse it.
    System {
        /// What was to be done: “set up the interface starmesh0”.
        action: String,
        /// Why not.
        detail: String,
    },
}

impl Refusal {
    /// A refusal of our own.
    pub fn of(action: impl Into<String>, detail: impl Into<String>) -> Refusal {
        Refusal::System { action: action.into(), detail: detail.into() }
    }

    /// What the kernel refused.
    pub fn by_kernel(action: impl Into<String>, errno: Errno) -> Refusal {
        match errno {
            Errno::EPERM | Errno::EACCES => Refusal::NoPrivilege,
            Errno::EEXIST => Refusal::of(action, "there is one already"),
            _ => Refusal::of(action, errno.desc()),
        }
    }
}

/// The body of the frame that answers a request.
pub fn encode(id: u32, result: &Result<Done, Refusal>) -> Vec<u8> {
    let answer = match result {
        Ok(done) => json!({ "version": VERSION, "id": id, "done": done.fields }),
        Err(refusal) => json!({ "version": VERSION, "id": id, "error": error(refusal) }),
    };
    answer.to_string().into_bytes()
}

fn error(refusal: &Refusal) -> Value {
    match refusal {
        Refusal::NoPrivilege => json!({ "code": "no-privilege", "data": {} }),
        Refusal::Overlap { range, local, interface } => json!({
            "code": "range-overlaps",
            "data": { "range": range, "local": local, "interface": interface },
        }),
        Refusal::System { action, detail } => json!({
            "code": "system-refused",
            "data": { "action": action, "detail": detail },
        }),
    }
}
