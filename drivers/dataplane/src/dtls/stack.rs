//! What all handshakes of this process share: the library's settings, a certificate of its own, cookies.

use super::certificate::Certificate;
use super::cookie::{Cookie, Cookies};
use dimpl::crypto::{CryptoProvider, HashAlgorithm, HmacProvider, aws_lc_rs};
use dimpl::{Config, CryptoError};
use std::cell::Cell;
use std::io;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// Made once for all handshakes of a process.
pub struct Stack {
    pub(super) config: Arc<Config>,
    /// Shown where the user gave none.
    pub certificate: Certificate,
    pub cookies: Cookies,
}

impl Stack {
    /// Draws a key and signs its certificate. `secret`: random, for cookies.
    pub fn new(secret: &[u8; 32]) -> io::Result<Stack> {
        let provider = CryptoProvider { hmac_provider: &ANSWERING, ..aws_lc_rs::default_provider() };
        let config = Config::builder()
            .with_crypto_provider(provider)
            .mtu(FLIGHT)
            .flight_start_rto(REPEAT)
            .flight_retries(REPEATS)
            .handshake_timeout(PATIENCE)
            .build();
        match (config, Certificate::make()) {
            (Ok(config), Ok(certificate)) => {
                Ok(Stack { config: Arc::new(config), certificate, cookies: Cookies::new(secret) })
            }
            _ => Err(io::Error::other("DTLS cannot be set up here")),
        }
    }
}

/// Has the library take this cookie for its own while `act` runs: it asks for one HMAC, over the ClientHello's random, and
/// would know only ClientHellos that one and the same of its servers has answered before.
pub(super) fn with_cookie<R>(cookie: &Cookie, act: impl FnOnce() -> R) -> R {
    ANSWER.set(Some(*cookie));
    let result = act();
    ANSWER.set(None);
    result
}

#[derive(Debug)]
struct Answering;

impl HmacProvider for Answering {
    fn hmac(
        &self,
        hash: HashAlgorithm,
        key: &[u8],
        data: &[u8],
        out: &mut [u8],
    ) -> Result<usize, CryptoError> {
        match (ANSWER.get(), out.first_chunk_mut()) {
            (Some(answer), Some(out)) => {
                *out = answer;
                Ok(out.len())
            }
            _ => HMAC.hmac(hash, key, data, out),
        }
    }
}

thread_local! {
    static ANSWER: Cell<Option<Cookie>> = const { Cell::new(None) };
}

static ANSWERING: Answering = Answering;
static HMAC: LazyLock<&'static dyn HmacProvider> =
    LazyLock::new(|| aws_lc_rs::default_provider().hmac_provider);

/// Bytes of the handshake's datagrams: they pass everywhere.
const FLIGHT: usize = 1_200;
/// First wait before a flight is repeated; it doubles.
const REPEAT: Duration = Duration::from_millis(250);
const REPEATS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(10);
