//! Who is at the other end: certificates of those that take connections, and what is asked of them by those that open.

use crate::crypto::hardware_aes;
use crate::session::Key;
use aws_lc_rs::digest::{SHA256, digest};
use quinn_proto::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, CipherSuite, ClientConfig, DigitallySignedStruct, Error, ServerConfig, SignatureScheme,
};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

/// What every HTTP/3 client and server names: so does this.
const PROTOCOL: &[u8] = b"h3";

/// What browsers offer, in their order; where nothing in hardware does AES, the one that needs none comes first.
static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    let order = |suite: CipherSuite| match suite {
        CipherSuite::TLS13_AES_128_GCM_SHA256 => 1,
        CipherSuite::TLS13_AES_256_GCM_SHA384 => 2,
        _ if hardware_aes() => 3,
        _ => 0,
    };
    provider.cipher_suites.sort_by_key(|suite| order(suite.suite()));
    Arc::new(provider)
});

/// A certificate with its private key.
pub struct Identity {
    /// How TLS is spoken as this one.
    pub tls: Arc<QuicServerConfig>,
    /// Known only to who has the private key, and the same after a restart.
    pub secret: Key,
}

impl Identity {
    /// From PEM texts: the certificate first, those that signed it behind. The error says what does not serve.
    pub fn parse(certificate: &str, key: &str) -> Result<Identity, String> {
        let chain = CertificateDer::pem_slice_iter(certificate.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| unfit("the certificate", error))?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| unfit("the key", error))?;
        Identity::of(chain, key)
    }

    /// A new one that nobody else vouches for.
    pub fn make() -> Result<Identity, String> {
        let made = rcgen::generate_simple_self_signed(vec!["starmesh".to_string()])
            .map_err(|error| unfit("a new certificate", error))?;
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        Identity::of(vec![made.cert.der().clone()], key.into())
    }

    fn of(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Identity, String> {
        let secret = sha256(key.secret_der());
        let mut tls = ServerConfig::builder_with_provider(PROVIDER.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(|error| unfit("the certificate with its key", error))?;
        tls.alpn_protocols = vec![PROTOCOL.to_vec()];
        tls.send_tls13_tickets = 0;
        let tls = QuicServerConfig::try_from(tls).map_err(|error| unfit("TLS", error))?;
        Ok(Identity { tls: Arc::new(tls), secret })
    }
}

/// What is asked of whom a connection is opened to.
#[derive(Debug)]
pub struct Expected {
    /// SHA-256 of the public key (SubjectPublicKeyInfo, DER) in its certificate; `None`: any, since the sessions inside
    /// authenticate both ends.
    pin: Option<Key>,
    /// Whether it showed another.
    refused: AtomicBool,
}

impl Expected {
    pub fn new(pin: Option<Key>) -> Arc<Expected> {
        Arc::new(Expected { pin, refused: AtomicBool::new(false) })
    }

    /// Whether some certificate was not the one that is pinned.
    pub fn is_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    /// How TLS is spoken with it. Every connection shows its certificate: nothing is resumed.
    pub fn tls(self: &Arc<Self>) -> Option<Arc<QuicClientConfig>> {
        let mut tls = ClientConfig::builder_with_provider(PROVIDER.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .ok()?
            .dangerous()
            .with_custom_certificate_verifier(self.clone())
            .with_no_client_auth();
        tls.alpn_protocols = vec![PROTOCOL.to_vec()];
        tls.resumption = Resumption::disabled();
        QuicClientConfig::try_from(tls).ok().map(Arc::new)
    }
}

impl ServerCertVerifier for Expected {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(pin) = self.pin else { return Ok(ServerCertVerified::assertion()) };
        let parsed = ParsedCertificate::try_from(certificate)?;
        if sha256(&parsed.subject_public_key_info()) == pin {
            return Ok(ServerCertVerified::assertion());
        }
        self.refused.store(true, Ordering::Relaxed);
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("QUIC has TLS 1.3 only".to_string()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &PROVIDER.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        PROVIDER.signature_verification_algorithms.supported_schemes()
    }
}

fn unfit(what: &str, error: impl fmt::Display) -> String {
    format!("{what} does not serve: {error}")
}

fn sha256(bytes: &[u8]) -> Key {
    let mut key = Key::default();
    key.copy_from_slice(digest(&SHA256, bytes).as_ref());
    key
}
