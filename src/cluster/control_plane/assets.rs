//! The programs of Kubernetes in a folder, as those who use envtest have them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use tokio::process::Command;

use super::{Error, gates_of};

/// The variable that names the folder where no argument does.
pub const VARIABLE: &str = "KUBEBUILDER_ASSETS";

/// Where the programs are to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    /// The folder, as envtest's users have it.
    pub folder: PathBuf,
    /// The kube-controller-manager whose StatefulSet controller is the built-in one, if it is not that of the folder. Where
    /// its version is an older one the API server emulates that.
    pub controller_manager: Option<PathBuf>,
}

impl From<PathBuf> for Programs {
    fn from(folder: PathBuf) -> Self {
        Self {
            folder,
            controller_manager: None,
        }
    }
}

/// Where the programs are, and which version they have.
#[derive(Clone, Debug)]
pub(super) struct Assets {
    pub(super) etcd: PathBuf,
    pub(super) api_server: PathBuf,
    /// The one of the folder, which runs everything but the subject.
    pub(super) controller_manager: PathBuf,
    /// The one with the built-in StatefulSet controller.
    pub(super) built_in: PathBuf,
    /// Major and minor version of the API server, or the one that it emulates.
    pub(super) version: (u16, u16),
    /// It is not the API server's own.
    pub(super) emulated: bool,
    /// Gates that rows name, as the built-in controller has them by default; none if they are the version's.
    pub(super) gates: BTreeMap<String, bool>,
}

impl Assets {
    /// Looks for them.
    ///
    /// # Errors
    ///
    /// One is missing, or the API server does not say its version.
    pub(super) async fn find(programs: &Programs) -> Result<Self, Error> {
        let folder = &programs.folder;
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
        let controller_manager = find("kube-controller-manager")?;
        let own = version(&api_server).await?;
        let mut assets = Self {
            etcd: find("etcd")?,
            built_in: controller_manager.clone(),
            controller_manager,
            version: own,
            emulated: false,
            gates: BTreeMap::new(),
            api_server,
        };
        if let Some(built_in) = &programs.controller_manager {
            assets.version = version(built_in).await?.min(own);
            assets.emulated = assets.version != own;
            assets.gates = gates(&says(built_in, "--help").await?, own);
            assets.built_in.clone_from(built_in);
        }
        Ok(assets)
    }
}

async fn version(program: &Path) -> Result<(u16, u16), Error> {
    let said = says(program, "--version").await?.trim().to_owned();
    let program = program.display().to_string();
    parse(&said).ok_or(Error::Version { program, said })
}

/// What a program answers to an argument.
async fn says(program: &Path, argument: &str) -> Result<String, Error> {
    let failed = |source| Error::Start {
        program: program.display().to_string(),
        source,
    };
    let output = Command::new(program).arg(argument).output().await;
    let output = output.map_err(failed)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The gates that rows name, as a program's help says that they are by default:
/// `kube:MaxUnavailableStatefulSet=true|false (BETA - default=true)`.
fn gates(help: &str, newest: (u16, u16)) -> BTreeMap<String, bool> {
    let known = gates_of(newest);
    let told = help.lines().filter_map(|line| {
        let (name, rest) = line.trim().split_once("=true|false (")?;
        let name = name.rsplit(':').next()?;
        let (_, default) = rest.split_once("default=")?;
        known
            .contains(name)
            .then(|| (name.to_owned(), default.starts_with("true")))
    });
    told.collect()
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

    #[test]
    fn gates_are_as_the_help_says() {
        let help = "
                --feature-gates mapStringBool   A set of key=value pairs:
                    kube:MaxUnavailableStatefulSet=true|false (BETA - default=true)
                    kube:StatefulSetSemanticRevisionComparison=true|false (BETA - default=false)
                    kube:SomethingElse=true|false (ALPHA - default=false)";
        let wanted = [
            ("MaxUnavailableStatefulSet".to_owned(), true),
            ("StatefulSetSemanticRevisionComparison".to_owned(), false),
        ];
        assert_eq!(gates(help, (1, 37)), wanted.into());
    }

    #[tokio::test]
    async fn a_folder_without_the_programs_is_said_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let programs = Programs::from(folder.path().to_owned());
        let error = Assets::find(&programs).await.expect_err("it is empty");
        let text = error.to_string();
        assert!(text.starts_with("there is no kube-apiserver in "), "{text}");
    }
}
