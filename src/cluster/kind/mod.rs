//! A cluster made with the `kind` command for a run, and removed after it.
//!
//! Everything here blocks: it happens before the first scenario and after the last one.

pub mod deploy;
pub mod image;

use std::{
    ffi::OsStr,
    io::Write as _,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::json;
use tempfile::TempDir;

/// The file in its temporary folder.
const KUBECONFIG: &str = "kubeconfig";

/// What is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The cluster's name.
    pub name: String,
    /// The node image; kind's own choice if none is given.
    pub node_image: Option<String>,
    /// Worker nodes, besides the one with the control plane.
    pub workers: usize,
    /// Whether its controller manager works on StatefulSets.
    pub controls_sets: bool,
    /// A cluster of the name that is there already is taken as it is, and none is removed.
    pub reuse: bool,
}

/// Why there is no cluster.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such command.
    #[error("cannot run `{program}`: {source}; tier kind needs {needs} in PATH")]
    NoCommand {
        /// Which.
        program: String,
        /// What is missing.
        needs: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// It failed.
    #[error("`{command}` failed: {said}")]
    Failed {
        /// The whole command.
        command: String,
        /// The last lines of what it said.
        said: String,
    },
    /// There is a cluster of that name.
    #[error(
        "there is a kind cluster {0:?} already; remove it with `kind delete cluster --name {0}`, or run with --reuse"
    )]
    IsThere(String),
    /// A temporary file cannot be written.
    #[error("cannot write a temporary file: {0}")]
    Temporary(#[from] std::io::Error),
    /// The image cannot be made.
    #[error(transparent)]
    Image(#[from] image::Error),
}

/// A cluster. It is removed when it is dropped, unless it is to be used again.
#[derive(Debug)]
pub struct Kind {
    options: Options,
    folder: TempDir,
    is_gone: bool,
}

impl Kind {
    /// Makes it and waits until its nodes are Ready.
    ///
    /// # Errors
    ///
    /// There is no `kind`, no container engine, no such image, or a cluster of that name and none is to be reused.
    pub fn create(options: Options) -> Result<Self, Error> {
        let folder = tempfile::tempdir()?;
        let kubeconfig = folder.path().join(KUBECONFIG);
        let name = &options.name;
        let clusters = kind(["get", "clusters"], None)?;
        match clusters.lines().any(|line| line.trim() == name) {
            true if !options.reuse => return Err(Error::IsThere(name.clone())),
            true => {
                let text = kind(["get", "kubeconfig", "--name", name], None)?;
                std::fs::write(&kubeconfig, text)?;
            }
            false => {
                let path = path(&kubeconfig);
                let mut arguments = vec!["create", "cluster", "--name", name, "--config", "-"];
                arguments.extend(["--kubeconfig", path.as_str(), "--wait", "180s"]);
                if let Some(image) = &options.node_image {
                    arguments.extend(["--image", image]);
                }
                // On failure kind itself removes what it made.
                kind(arguments, Some(&configuration(&options)))?;
            }
        }
        Ok(Self {
            options,
            folder,
            is_gone: false,
        })
    }

    /// Brings an image with that program to every node, under that name.
    ///
    /// # Errors
    ///
    /// The program is linked dynamically, or kind cannot load the image.
    pub fn load(&self, name: &str, program: &Path) -> Result<(), Error> {
        let archive = self.folder.path().join("image.tar");
        image::write(name, program, &archive)?;
        let cluster = &self.options.name;
        let archive = path(&archive);
        kind(["load", "image-archive", &archive, "--name", cluster], None).map(drop)
    }

    /// The kubeconfig that leads to it, as long as it is there.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join(KUBECONFIG)
    }

    /// The name of its context there.
    pub fn context(&self) -> String {
        format!("kind-{}", self.options.name)
    }

    /// Removes it, unless it is to be used again. Whether it is gone.
    ///
    /// # Errors
    ///
    /// kind cannot remove it.
    pub fn remove(&mut self) -> Result<bool, Error> {
        if self.is_gone || self.options.reuse {
            return Ok(self.is_gone);
        }
        self.is_gone = true;
        let kubeconfig = path(&self.kubeconfig());
        let name = &self.options.name;
        let arguments = [
            "delete",
            "cluster",
            "--name",
            name,
            "--kubeconfig",
            &kubeconfig,
        ];
        kind(arguments, None).map(|_| true)
    }
}

impl Drop for Kind {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            tracing::error!(%error, "the cluster is left behind");
        }
    }
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

/// kind's configuration, as JSON, which is YAML.
fn configuration(options: &Options) -> String {
    let mut control_plane = json!({"role": "control-plane"});
    if !options.controls_sets {
        // A patch replaces the whole list, so it names what kubeadm would have.
        let controllers = "*,bootstrapsigner,tokencleaner,-statefulset-controller";
        let patch = json!({
            "kind": "ClusterConfiguration",
            "apiVersion": "kubeadm.k8s.io/v1beta4",
            "controllerManager": {"extraArgs": [{"name": "controllers", "value": controllers}]},
        });
        control_plane["kubeadmConfigPatches"] = json!([patch.to_string()]);
    }
    let mut nodes = vec![control_plane];
    nodes.extend((0..options.workers).map(|_| json!({"role": "worker"})));
    json!({"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "nodes": nodes}).to_string()
}

/// Runs kind and gives what it printed. It is kept from signals of the terminal: the run decides when it ends.
fn kind<A: AsRef<OsStr>>(
    arguments: impl IntoIterator<Item = A>,
    input: Option<&str>,
) -> Result<String, Error> {
    let mut command = Command::new("kind");
    command
        .args(arguments)
        .stdin(if input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let missing = |source| Error::NoCommand {
        program: "kind".to_owned(),
        needs: "kind and a container engine (Docker, Podman or nerdctl)",
        source,
    };
    let mut child = command.spawn().map_err(missing)?;
    if let (Some(input), Some(mut pipe)) = (input, child.stdin.take()) {
        pipe.write_all(input.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let words: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines: Vec<&str> = said
        .lines()
        .filter(|line| line.starts_with("ERROR"))
        .collect();
    let said = match lines.is_empty() {
        true => said.lines().last().unwrap_or("nothing was said").to_owned(),
        false => lines.join("; "),
    };
    Err(Error::Failed {
        command: format!("kind {}", words.join(" ")),
        said,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_switches_the_controller_off_only_if_asked() {
        let options = |controls_sets, workers| Options {
            name: "x".to_owned(),
            node_image: None,
            workers,
            controls_sets,
            reuse: false,
        };
        let whole = configuration(&options(true, 1));
        assert!(!whole.contains("statefulset"), "{whole}");
        assert_eq!(whole.matches("role").count(), 2);
        let off = configuration(&options(false, 0));
        assert!(off.contains("-statefulset-controller"), "{off}");
        let read: serde_json::Value = serde_yaml::from_str(&off).expect("JSON is YAML");
        let patch = read["nodes"][0]["kubeadmConfigPatches"][0]
            .as_str()
            .expect("text");
        assert!(serde_json::from_str::<serde_json::Value>(patch).is_ok());
    }
}
