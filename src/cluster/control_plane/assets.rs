//! The programs of Kubernetes in a folder, as those who use envtest have them.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::Error;

/// The variable that names the folder where no argument does.
pub const VARIABLE: &str = "KUBEBUILDER_ASSETS";

/// Where the programs are, and which version they have.
#[derive(Clone, Debug)]
pub struct Assets {
    pub(super) etcd: PathBuf,
    pub(super) api_server: PathBuf,
    pub(super) controller_manager: PathBuf,
    /// Major and minor version of the API server.
    pub(super) version: (u16, u16),
}

impl Assets {
    /// Looks for them.
    ///
    /// # Errors
    ///
    /// One is missing, or the API server does not say its version.
    pub(super) async fn find(folder: &Path) -> Result<Self, Error> {
        let find = |name: &str| {
            let path = folder.join(name);
            match path.is_file() {
                true => Ok(path),
                false => Err(Error::Missing {
                    program: name.to_owned(),
                    folder: folder.display().to_string(),
                }),
            }
        };
        let api_server = find("kube-apiserver")?;
        Ok(Self {
            etcd: find("etcd")?,
            controller_manager: find("kube-controller-manager")?,
            version: version(&api_server).await?,
            api_server,
        })
    }
}

async fn version(api_server: &Path) -> Result<(u16, u16), Error> {
    let program = api_server.display().to_string();
    let failed = |source| Error::Start {
        program: program.clone(),
        source,
    };
    let output = Command::new(api_server)
        .arg("--version")
        .output()
        .await
        .map_err(failed)?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    parse(&said).ok_or(Error::Version { program, said })
}

/// `Kubernetes v1.37.2`
fn parse(said: &str) -> Option<(u16, u16)> {
    let version = said.strip_prefix("Kubernetes v")?;
    let mut parts = version.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_what_the_program_says() {
        assert_eq!(parse("Kubernetes v1.37.2"), Some((1, 37)));
        assert_eq!(parse("Kubernetes v1.35.0-rc.1+abc"), Some((1, 35)));
        assert_eq!(parse("etcd Version: 3.6.5"), None);
    }

    #[tokio::test]
    async fn a_folder_without_the_programs_is_said_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = Assets::find(folder.path()).await.expect_err("it is empty");
        let text = error.to_string();
        assert!(text.starts_with("there is no kube-apiserver in "), "{text}");
    }
}
