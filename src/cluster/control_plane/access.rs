//! The way to the API server of a control plane.

use http::{HeaderValue, header::USER_AGENT};
use kube::{Client, Config};

use super::Error;

/// How to reach the API server.
#[derive(Clone, Debug)]
pub struct Access {
    pub(super) server: String,
    pub(super) authority: String,
    pub(super) token: String,
}

impl Access {
    /// Where it is: `https://127.193.7.40:6443`.
    pub fn address(&self) -> &str {
        &self.server
    }

    /// The certificate of who vouches for it, as PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// A client with all rights and that name, for the current runtime.
    ///
    /// # Errors
    ///
    /// TLS cannot be set up.
    pub fn client(&self, user_agent: &'static str) -> Result<Client, Error> {
        self.client_with(Some((&self.token, user_agent)))
    }

    /// A client without any credentials of its own: those that are in its requests count.
    ///
    /// # Errors
    ///
    /// TLS cannot be set up.
    pub fn client_without_credentials(&self) -> Result<Client, Error> {
        self.client_with(None)
    }

    fn client_with(&self, own: Option<(&str, &'static str)>) -> Result<Client, Error> {
        let failed = |error: String| Error::Client(error);
        let server = self
            .server
            .parse()
            .map_err(|error: http::uri::InvalidUri| failed(error.to_string()))?;
        let mut config = Config::new(server);
        let authority = pem(&self.authority).map_err(failed)?;
        config.root_cert = Some(vec![authority]);
        if let Some((token, user_agent)) = own {
            config.auth_info.token = Some(token.to_owned().into());
            let user_agent = HeaderValue::from_static(user_agent);
            config.headers.push((USER_AGENT, user_agent));
        }
        // Whoever is refused is to see it.
        config.default_retry = false;
        // Whoever is refused is to see it.
        config.default_retry = false;
        Client::try_from(config).map_err(|error| failed(error.to_string()))
    }
}

/// The bytes of a certificate.
fn pem(text: &str) -> Result<Vec<u8>, String> {
    use rustls::pki_types::{CertificateDer, pem::PemObject as _};
    CertificateDer::from_pem_slice(text.as_bytes())
        .map(|der| der.to_vec())
        .map_err(|error| error.to_string())
}
