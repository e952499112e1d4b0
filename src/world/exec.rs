//! Commands inside pods.

use k8s_openapi::api::core::v1::Pod;
use kube::{Api, api::AttachParams};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

use super::World;
use crate::verdict::Stop;

impl World {
    fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.0.clone(), self.namespace())
    }

    /// Runs a command in the first container of a pod; what it printed, without the last line's end.
    ///
    /// # Errors
    ///
    /// Inconclusive if the cluster does not run it or it ends with an error: no row is about commands.
    pub async fn exec(&self, pod: &str, command: &[&str]) -> Result<String, Stop> {
        let run = async {
            let params = AttachParams::default()
                .stdin(false)
                .stdout(true)
                .stderr(true);
            let mut process = self
                .pods()
                .exec(pod, command.iter().copied(), &params)
                .await?;
            let status = process.take_status();
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let (stdout, stderr) = (process.stdout(), process.stderr());
            let reading = async {
                if let Some(mut stdout) = stdout {
                    let _ = stdout.read_to_end(&mut out).await;
                }
            };
            let complaining = async {
                if let Some(mut stderr) = stderr {
                    let _ = stderr.read_to_end(&mut err).await;
                }
            };
            futures::join!(reading, complaining);
            let ended = match status {
                Some(status) => status.await,
                None => None,
            };
            Ok::<_, kube::Error>((out, err, ended.and_then(|status| status.status)))
        };
        let said = command.join(" ");
        let (out, err, ended) = timeout(self.scene.deadlines.one_step, run)
            .await
            .map_err(|_| Stop::Inconclusive(format!("{said:?} in pod {pod:?} did not end")))??;
        if ended.as_deref() == Some("Failure") {
            let err = String::from_utf8_lossy(&err);
            return Err(Stop::Inconclusive(format!(
                "{said:?} in pod {pod:?} failed: {}",
                err.trim()
            )));
        }
        Ok(String::from_utf8_lossy(&out).trim_end().to_owned())
    }

    /// Sends a DNS message over TCP from inside a pod and takes the answer's bytes.
    ///
    /// # Errors
    ///
    /// No answer came, in words.
    pub(super) async fn exchange(
        &self,
        pod: &str,
        server: &str,
        question: &[u8],
    ) -> Result<Vec<u8>, String> {
        let run = async {
            let params = AttachParams::default()
                .stdin(true)
                .stdout(true)
                .stderr(false);
            let process = self.pods().exec(pod, ["nc", server, "53"], &params).await;
            let mut process = process.map_err(|error| error.to_string())?;
            let (Some(mut stdin), Some(mut stdout)) = (process.stdin(), process.stdout()) else {
                return Err("the command has no input or output".to_owned());
            };
            let length = u16::try_from(question.len()).map_err(|error| error.to_string())?;
            let mut framed = length.to_be_bytes().to_vec();
            framed.extend_from_slice(question);
            let told = |error: std::io::Error| error.to_string();
            stdin.write_all(&framed).await.map_err(told)?;
            stdin.flush().await.map_err(told)?;
            let mut length = [0; 2];
            stdout.read_exact(&mut length).await.map_err(told)?;
            let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
            stdout.read_exact(&mut answer).await.map_err(told)?;
            process.abort();
            Ok(answer)
        };
        timeout(self.scene.deadlines.quiet, run)
            .await
            .unwrap_or_else(|_| Err("no answer came in time".to_owned()))
    }
}
