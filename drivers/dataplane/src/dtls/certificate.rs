//! What a server of DTLS shows: a certificate of its own making, or the user's.

use dimpl::DtlsCertificate;
use dimpl::certificate::generate_self_signed_certificate;
use dimpl::crypto::aws_lc_rs::default_provider;
use rustls::SignatureAlgorithm;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::fmt::Display;

/// One certificate with its private key.
pub struct Certificate(pub(super) DtlsCertificate);

impl Certificate {
    /// From PEM texts; of several certificates the first, for DTLS shows no more here. The error says what does not serve.
    pub fn parse(certificate: &str, key: &str) -> Result<Certificate, String> {
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes())
            .map_err(|error| unfit("the certificate", error))?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| unfit("the key", error))?;
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let fitting = CertifiedKey::from_der(vec![certificate.clone()], key.clone_key(), &provider)
            .map_err(|error| unfit("the certificate with its key", error))?;
        let private_key = key.secret_der().to_vec();
        let is_taken = default_provider().key_provider.load_private_key(&private_key).is_ok();
        if fitting.key.algorithm() != SignatureAlgorithm::ECDSA || !is_taken {
            return Err(unfit("the key", "kcp takes ECDSA keys on the curves P-256 and P-384 only"));
        }
        Ok(Certificate(DtlsCertificate { certificate: certificate.to_vec(), private_key }))
    }

    /// A new one that nobody else vouches for.
    pub fn make() -> Result<Certificate, String> {
        generate_self_signed_certificate().map(Certificate).map_err(|error| unfit("a new certificate", error))
    }
}

fn unfit(what: &str, error: impl Display) -> String {
    format!("{what} does not serve: {error}")
}
