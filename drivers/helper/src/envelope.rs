//! The body of every request: the version, the number by which its answer is known, and what is asked for.

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Version of requests and answers.
pub const VERSION: u32 = 1;

/// A request and the number by which its answer is known.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope<Request> {
    /// `VERSION`.
    pub version: u32,
    /// Chosen by the client.
    pub id: u32,
    /// What is asked for.
    pub request: Request,
}

/// What is in a frame. The text says what is wrong with it.
pub fn parse<Request: DeserializeOwned>(bytes: &[u8]) -> Result<Envelope<Request>, String> {
    let envelope: Envelope<Request> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if envelope.version != VERSION {
        return Err(format!("version {} is not spoken here", envelope.version));
    }
    Ok(envelope)
}

/// The number of what may not be a request that is known here, or be of another version.
pub fn number_of(bytes: &[u8]) -> Option<u32> {
    serde_json::from_slice(bytes).ok().map(|Numbered { id }| id)
}

#[derive(Deserialize)]
struct Numbered {
    id: u32,
}
