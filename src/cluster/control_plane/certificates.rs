//! Keys, certificates and tokens of one control plane. They are made anew for each and live as long as it does.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio_rustls::TlsAcceptor;

use super::Error;

/// A certificate with its key, as PEM.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) certificate: String,
    pub(super) key: String,
}

/// Who vouches for the servers of a control plane.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn new() -> Result<Self, Error> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "stsspec-control-plane");
        Ok(Self(CertifiedIssuer::self_signed(
            params,
            KeyPair::generate()?,
        )?))
    }

    /// Its own certificate, as PEM.
    pub(super) fn certificate(&self) -> String {
        self.0.pem()
    }

    /// A server's certificate for these names and addresses.
    pub(super) fn server(&self, common_name: &str, names: &[&str]) -> Result<Pair, Error> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names)?;
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.0)?;
        Ok(Pair {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }
}

impl Pair {
    /// What a server shows whoever comes.
    pub(super) fn acceptor(&self) -> Result<TlsAcceptor, Error> {
        let failed = |error: String| Error::Tls(error);
        let certificates = CertificateDer::pem_slice_iter(self.certificate.as_bytes());
        let certificates = certificates
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| failed(error.to_string()))?;
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes())
            .map_err(|error| failed(error.to_string()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|config| {
                config
                    .with_no_client_auth()
                    .with_single_cert(certificates, key)
            })
            .map_err(|error| failed(error.to_string()))?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// A key that service account tokens are signed with, and the one that they are verified with, as PEM.
pub(super) fn signing_keys() -> Result<(String, String), Error> {
    let key = KeyPair::generate()?;
    Ok((key.serialize_pem(), key.public_key_pem()))
}

/// A token that nobody can guess.
pub(super) fn token() -> Result<String, Error> {
    let bytes = random::<32>()?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Bytes that nobody can guess, 32 at most: a fresh point of a curve is as random as the key behind it.
pub(super) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let key = KeyPair::generate()?;
    let bytes = key.public_key_raw();
    // The first byte tells how the point is written.
    Ok(std::array::from_fn(|at| bytes[at + 1]))
}
