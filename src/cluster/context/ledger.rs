//! What a run is about to make on a cluster, on disk before it is made: after a crash `clean` finds it there.
//!
//! A file for each run, a line of JSON for each thing. The file goes when nothing is left.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

/// Why there is no ledger.
#[derive(Debug, thiserror::Error)]
#[error(
    "the ledger of what is made cannot be kept in {}: {source}; XDG_STATE_HOME names another folder",
    path.display()
)]
pub struct Error {
    path: PathBuf,
    source: io::Error,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub struct Entry {
    /// Where it was to be made: the address of the API server.
    pub cluster: String,
    /// By which run.
    pub run: String,
    /// The namespace.
    pub namespace: String,
    /// It was there before, and only what is labelled in it is the run's.
    #[serde(default)]
    pub shared: bool,
}

/// The ledger of a run on its way.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    file: Mutex<File>,
}

impl Ledger {
    /// Begins the ledger of a run in a folder.
    ///
    /// # Errors
    ///
    /// The folder cannot be made or written to.
    pub fn open(folder: &Path, run: &str) -> Result<Self, Error> {
        let path = folder.join(format!("{run}.jsonl"));
        let open = || {
            fs::create_dir_all(folder)?;
            let file = OpenOptions::new().create(true).append(true).open(&path)?;
            // The name has to be on disk as well.
            File::open(folder)?.sync_all()?;
            Ok(file)
        };
        match open() {
            Ok(file) => Ok(Self {
                path,
                file: Mutex::new(file),
            }),
            Err(source) => Err(Error { path, source }),
        }
    }

    /// Enters a thing; it is on disk when this returns.
    ///
    /// # Errors
    ///
    /// The disk refuses it.
    pub fn enter(&self, entry: &Entry) -> Result<(), Error> {
        let mut line = serde_json::to_vec(entry).unwrap_or_default();
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let written = file.write_all(&line).and_then(|()| file.sync_all());
        written.map_err(|source| Error {
            path: self.path.clone(),
            source,
        })
    }

    /// Nothing of the run is left.
    pub fn forget(&self) {
        // One that stays leads `clean` to nothing, and goes then.
        let _ = fs::remove_file(&self.path);
    }
}

/// Everything that the ledgers of a folder say. Files and lines that are none say nothing.
pub fn read(folder: &Path) -> Vec<Entry> {
    let mut entries = Vec::new();
    for file in fs::read_dir(folder).into_iter().flatten().flatten() {
        let text = fs::read_to_string(file.path()).unwrap_or_default();
        entries.extend(
            text.lines()
                .filter_map(|line| serde_json::from_str::<Entry>(line).ok()),
        );
    }
    entries.sort();
    entries.dedup();
    entries
}

/// Removes the ledger of a run of which nothing is left.
pub fn forget(folder: &Path, run: &str) {
    let _ = fs::remove_file(folder.join(format!("{run}.jsonl")));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_entered_is_read_by_another_process() {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let entry = |run: &str, namespace: &str| Entry {
            cluster: "https://one".into(),
            run: run.into(),
            namespace: namespace.into(),
            shared: false,
        };
        let state = folder.path().join("deep/ledger");
        let ledger = Ledger::open(&state, "a1").expect("it can be kept");
        ledger.enter(&entry("a1", "x")).expect("it is entered");
        ledger.enter(&entry("a1", "y")).expect("it is entered");
        fs::write(state.join("b2.jsonl"), "{\"torn").expect("it is written");
        assert_eq!(read(&state), [entry("a1", "x"), entry("a1", "y")]);
        ledger.forget();
        assert_eq!(read(&state), []);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named() {
        let file = tempfile::NamedTempFile::new().expect("there is room for a file");
        let error = Ledger::open(file.path(), "a1")
            .expect_err("it is a file")
            .to_string();
        assert!(
            error.contains("XDG_STATE_HOME") && error.contains("a1.jsonl"),
            "{error}"
        );
    }
}
