//! From a name to a connection.

use std::time::Duration;

use http::{HeaderValue, header::USER_AGENT};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};

use super::{Error, Options, chain};

/// How long the opening of a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// A way to a cluster: plain data, from which a client can be made on any runtime.
#[derive(Clone, Debug)]
pub struct Connection {
    config: Config,
    /// Where it leads.
    pub address: String,
}

impl Connection {
    /// A client on the current runtime.
    ///
    /// # Errors
    ///
    /// The credentials cannot be used.
    pub fn client(&self) -> Result<Client, Error> {
        self.make(self.config.clone(), "stsspec")
    }

    /// A client of that name that repeats nothing by itself, for those who do it themselves.
    ///
    /// # Errors
    ///
    /// The credentials cannot be used.
    pub fn plain_client(&self, user_agent: &'static str) -> Result<Client, Error> {
        let mut config = self.config.clone();
        config.default_retry = false;
        self.make(config, user_agent)
    }

    fn make(&self, mut config: Config, user_agent: &'static str) -> Result<Client, Error> {
        let user_agent = HeaderValue::from_static(user_agent);
        config.headers.push((USER_AGENT, user_agent));
        Client::try_from(config).map_err(|error| Error::Config {
            what: format!("the credentials for {}", self.address),
            why: chain(&error),
        })
    }
}

/// Finds out where the options lead. Asks no cluster anything.
///
/// # Errors
///
/// No cluster is named, or the kubeconfig does not have it.
pub async fn connect(options: &Options) -> Result<Connection, Error> {
    let mut config = match (&options.kubeconfig, &options.context) {
        (None, None) => Config::incluster().map_err(|_| Error::Unnamed)?,
        (path, context) => {
            let what = match (path, context) {
                (Some(path), Some(context)) => {
                    format!("context {context:?} of the kubeconfig {}", path.display())
                }
                (Some(path), None) => format!("the kubeconfig {}", path.display()),
                (None, context) => format!("context {:?}", context.as_deref().unwrap_or_default()),
            };
            let told = |error: kube::config::KubeconfigError| Error::Config {
                what: what.clone(),
                why: chain(&error),
            };
            let kubeconfig = match path {
                Some(path) => Kubeconfig::read_from(path),
                None => Kubeconfig::read(),
            };
            let options = KubeConfigOptions {
                context: context.clone(),
                ..KubeConfigOptions::default()
            };
            Config::from_custom_kubeconfig(kubeconfig.map_err(told)?, &options)
                .await
                .map_err(told)?
        }
    };
    config.connect_timeout = Some(CONNECT);
    let address = config.cluster_url.to_string();
    Ok(Connection {
        config,
        address: address.trim_end_matches('/').to_owned(),
    })
}
