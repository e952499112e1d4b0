//! An image with one static program and nothing else, as an OCI archive: made without a registry, a daemon or a network.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write},
    path::{Path, PathBuf},
};

use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

/// Where the program is in the image.
const PROGRAM: &str = "stsspec";

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program cannot be read, or the archive not be written.
    #[error("cannot make an image of {path}: {source}")]
    File {
        /// The program or the archive.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no program for Linux.
    #[error("{0} is no 64-bit Linux program, so it cannot be put in an image")]
    NoProgram(PathBuf),
    /// It needs shared libraries.
    #[error(
        "{0} needs shared libraries, which an image with nothing else lacks; build it as `cargo rustc --release --bin stsspec -- -C target-feature=+crt-static` does"
    )]
    Dynamic(PathBuf),
}

/// Writes an OCI archive of the name to `archive`. Its digest depends on the program only.
///
/// # Errors
///
/// The program is none, is linked dynamically, or a file cannot be read or written.
pub fn write(name: &str, program: &Path, archive: &Path) -> Result<(), Error> {
    let of = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::File { path, source }
    };
    let bytes = fs::read(program).map_err(of(program))?;
    match interpreter(&bytes) {
        None => return Err(Error::NoProgram(program.to_owned())),
        Some(true) => return Err(Error::Dynamic(program.to_owned())),
        Some(false) => {}
    }
    let file = File::create(archive).map_err(of(archive))?;
    layout(name, &bytes, file).map_err(of(archive))
}

/// Whether a 64-bit ELF program wants an interpreter, which loads shared libraries; none if it is no such program.
fn interpreter(program: &[u8]) -> Option<bool> {
    const INTERPRETER: u32 = 3;
    let number = |at: usize, bytes: usize| -> Option<u64> {
        let slice = program.get(at..at.checked_add(bytes)?)?;
        Some(
            slice
                .iter()
                .rev()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        )
    };
    if program.get(..6)? != [0x7f, b'E', b'L', b'F', 2, 1] {
        return None;
    }
    let (table, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    let kinds = (0..count).map(|entry| {
        let at = usize::try_from(table + entry * size).ok()?;
        number(at, 4)
    });
    let kinds: Option<Vec<u64>> = kinds.collect();
    Some(kinds?.contains(&u64::from(INTERPRETER)))
}

fn layout(name: &str, program: &[u8], out: impl Write) -> io::Result<()> {
    let mut layer = tar::Builder::new(Vec::new());
    add(&mut layer, PROGRAM, program, 0o755)?;
    let layer = layer.into_inner()?;
    let config = json!({
        "architecture": architecture(),
        "os": "linux",
        "config": {"Entrypoint": [format!("/{PROGRAM}")], "User": "65532:65532"},
        "rootfs": {"type": "layers", "diff_ids": [sha256(&layer)]},
        "history": [{"created": "1970-01-01T00:00:00Z"}],
    });
    let config = config.to_string().into_bytes();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": part("application/vnd.oci.image.config.v1+json", &config),
        "layers": [part("application/vnd.oci.image.layer.v1.tar", &layer)],
    });
    let manifest = manifest.to_string().into_bytes();
    let mut named = part("application/vnd.oci.image.manifest.v1+json", &manifest);
    named["platform"] = json!({"architecture": architecture(), "os": "linux"});
    named["annotations"] = json!({
        "io.containerd.image.name": name,
        "org.opencontainers.image.ref.name": name.rsplit(':').next(),
    });
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [named],
    });
    let mut archive = tar::Builder::new(out);
    add(
        &mut archive,
        "oci-layout",
        br#"{"imageLayoutVersion":"1.0.0"}"#,
        0o644,
    )?;
    add(
        &mut archive,
        "index.json",
        index.to_string().as_bytes(),
        0o644,
    )?;
    for blob in [&layer, &config, &manifest] {
        let name = sha256(blob).replace(':', "/");
        add(&mut archive, &format!("blobs/{name}"), blob, 0o644)?;
    }
    archive.into_inner()?.flush()
}

fn add(
    archive: &mut tar::Builder<impl Write>,
    name: &str,
    bytes: &[u8],
    mode: u32,
) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(mode);
    header.set_mtime(0);
    archive.append_data(&mut header, name, bytes.take(u64::MAX))
}

fn part(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": sha256(bytes), "size": bytes.len()})
}

fn sha256(bytes: &[u8]) -> String {
    let sum = digest(&SHA256, bytes);
    let hex: String = sum
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{hex}")
}

fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The head of a 64-bit ELF file with one program header of a kind.
    fn program(kind: u32) -> Vec<u8> {
        let mut bytes = vec![0; 64 + 56];
        bytes[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1]);
        bytes[32] = 64;
        bytes[54] = 56;
        bytes[56] = 1;
        bytes[64..68].copy_from_slice(&kind.to_le_bytes());
        bytes
    }

    #[test]
    fn what_needs_shared_libraries_is_known() {
        assert_eq!(interpreter(&program(1)), Some(false));
        assert_eq!(interpreter(&program(3)), Some(true));
        assert_eq!(interpreter(b"#!/bin/sh"), None);
        assert_eq!(interpreter(&program(1)[..80]), Some(false));
        assert_eq!(interpreter(&program(1)[..66]), None, "cut off");
    }

    #[test]
    fn the_same_program_gives_the_same_archive() {
        let once = || {
            let mut out = Vec::new();
            layout("localhost/x:1", &program(1), &mut out).expect("it is written to memory");
            out
        };
        let archive = once();
        assert_eq!(archive, once());
        let mut names = Vec::new();
        for entry in tar::Archive::new(archive.as_slice())
            .entries()
            .expect("a tar file")
        {
            let entry = entry.expect("an entry");
            names.push(entry.path().expect("a path").display().to_string());
        }
        assert_eq!(names[..2], ["oci-layout", "index.json"]);
        assert!(
            names[2..]
                .iter()
                .all(|name| name.starts_with("blobs/sha256/") && name.len() == 77)
        );
    }
}
