//! The files a container sees: its own and those of the volumes mounted into it.
//!
//! Paths are absolute and plain (no `.`, `..` or double slash): [`plain`] makes them so. There are no links and no
//! permissions, but modes are remembered.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Why a file could not be used; what a program prints after the file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Neither file nor directory.
    #[error("No such file or directory")]
    NotFound,
    /// A file was needed.
    #[error("Is a directory")]
    IsDirectory,
    /// A directory was needed.
    #[error("Not a directory")]
    NotDirectory,
    /// It is mounted read-only.
    #[error("Read-only file system")]
    ReadOnly,
    /// Something has that name.
    #[error("File exists")]
    Exists,
    /// It still has entries.
    #[error("Directory not empty")]
    NotEmpty,
    /// A volume is mounted there.
    #[error("Device or resource busy")]
    Busy,
}

/// A file or a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The content of a file; None for a directory.
    pub bytes: Option<Vec<u8>>,
    /// The permission bits.
    pub mode: u32,
}

impl Entry {
    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.bytes.is_none()
    }

    fn directory() -> Self {
        Self {
            bytes: None,
            mode: 0o755,
        }
    }

    fn file(bytes: Vec<u8>) -> Self {
        Self {
            bytes: Some(bytes),
            mode: 0o644,
        }
    }
}

/// The plain form of a path, seen from a directory.
pub fn plain(directory: &str, path: &str) -> String {
    let whole = match path.starts_with('/') {
        true => path.to_owned(),
        false => format!("{directory}/{path}"),
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// The directory a plain path is in, and its name there.
pub fn split(path: &str) -> (&str, &str) {
    match path.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some((directory, name)) => (directory, name),
        None => ("/", path),
    }
}

/// A tree of files, shared by all who hold a clone: a container's own files, or a volume's.
#[derive(Clone, Debug, Default)]
pub struct Tree(Arc<Mutex<BTreeMap<String, Entry>>>);

impl Tree {
    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is at a path.
    pub fn entry(&self, path: &str) -> Option<Entry> {
        match path {
            "/" => Some(Entry::directory()),
            path => self.entries().get(path).cloned(),
        }
    }

    /// Makes the directory and those above it; a file in the way stays.
    pub fn make_directories(&self, path: &str) {
        let mut entries = self.entries();
        let mut made = String::new();
        for part in path.split('/').filter(|part| !part.is_empty()) {
            made = format!("{made}/{part}");
            entries.entry(made.clone()).or_insert_with(Entry::directory);
        }
    }

    /// Sets a file's content, with the directories above it.
    pub fn put(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.make_directories(split(path).0);
        let entry = Entry::file(bytes.into());
        self.entries().insert(path.to_owned(), entry);
    }

    /// Has exactly these files, each with its mode, in one step.
    pub fn replace(&self, files: &BTreeMap<String, (Vec<u8>, u32)>) {
        let fresh = Self::default();
        for (path, (bytes, mode)) in files {
            fresh.put(path, bytes.clone());
            if let Some(entry) = fresh.entries().get_mut(path) {
                entry.mode = *mode;
            }
        }
        let fresh = std::mem::take(&mut *fresh.entries());
        *self.entries() = fresh;
    }

    fn insert(&self, path: &str, entry: Entry) -> Result<(), FileError> {
        let above = self.entry(split(path).0).ok_or(FileError::NotFound)?;
        if !above.is_directory() {
            return Err(FileError::NotDirectory);
        }
        self.entries().insert(path.to_owned(), entry);
        Ok(())
    }

    fn names_in(&self, path: &str) -> BTreeSet<String> {
        let prefix = match path {
            "/" => "/".to_owned(),
            path => format!("{path}/"),
        };
        let entries = self.entries();
        let below = entries.range(prefix.clone()..).map(|(path, _)| path);
        let below = below.take_while(|path| path.starts_with(&prefix));
        let names = below.map(|path| &path[prefix.len()..]);
        names
            .filter(|name| !name.contains('/'))
            .map(str::to_owned)
            .collect()
    }

    fn remove(&self, path: &str) {
        let below = format!("{path}/");
        self.entries()
            .retain(|known, _| known != path && !known.starts_with(&below));
    }
}

/// A volume, or a part of it, at a place.
#[derive(Clone, Debug)]
pub struct Mount {
    /// Where it is seen.
    pub at: String,
    /// The volume's files.
    pub tree: Tree,
    /// Which part of them: `/` for all.
    pub part: String,
    /// Nothing can be written there.
    pub read_only: bool,
}

/// All files a container sees. Clones see the same.
#[derive(Clone, Debug, Default)]
pub struct Files {
    root: Tree,
    /// The deepest place comes first.
    mounts: Arc<Vec<Mount>>,
}

impl Files {
    /// A container's own files with the mounts over them.
    pub fn new(root: Tree, mut mounts: Vec<Mount>) -> Self {
        mounts.sort_by_key(|mount| std::cmp::Reverse(mount.at.len()));
        for mount in &mounts {
            root.make_directories(split(&mount.at).0);
            if mount.tree.entry(&mount.part).is_none() {
                mount.tree.make_directories(&mount.part);
            }
        }
        let mounts = Arc::new(mounts);
        Self { root, mounts }
    }

    /// The tree a path leads into, the path there, and whether it is read-only.
    fn locate(&self, path: &str) -> (&Tree, String, bool) {
        for mount in self.mounts.iter() {
            let rest = match path.strip_prefix(mount.at.as_str()) {
                Some(rest) if rest.is_empty() || rest.starts_with('/') => rest,
                _ => continue,
            };
            let place = plain(&mount.part, rest.trim_start_matches('/'));
            return (&mount.tree, place, mount.read_only);
        }
        (&self.root, path.to_owned(), false)
    }

    fn writable(&self, path: &str) -> Result<(&Tree, String), FileError> {
        match self.locate(path) {
            (_, _, true) => Err(FileError::ReadOnly),
            (tree, place, false) => Ok((tree, place)),
        }
    }

    /// What is at a path.
    pub fn entry(&self, path: &str) -> Option<Entry> {
        let (tree, place, _) = self.locate(path);
        tree.entry(&place)
    }

    /// Whether a directory is at that path.
    pub fn is_directory(&self, path: &str) -> bool {
        self.entry(path).is_some_and(|entry| entry.is_directory())
    }

    /// A file's content.
    ///
    /// # Errors
    /// There is none, or it is a directory.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let entry = self.entry(path).ok_or(FileError::NotFound)?;
        entry.bytes.ok_or(FileError::IsDirectory)
    }

    /// Sets a file's content, or adds to it.
    ///
    /// # Errors
    /// It is a directory or read-only, or the directory it should be in is not there.
    pub fn write(&self, path: &str, bytes: &[u8], append: bool) -> Result<(), FileError> {
        let (tree, place) = self.writable(path)?;
        match tree.entry(&place) {
            Some(entry) => {
                let mut entry = entry;
                let known = entry.bytes.as_mut().ok_or(FileError::IsDirectory)?;
                if !append {
                    known.clear();
                }
                known.extend_from_slice(bytes);
                tree.insert(&place, entry)
            }
            None => tree.insert(&place, Entry::file(bytes.to_vec())),
        }
    }

    /// Sets the permission bits.
    ///
    /// # Errors
    /// There is nothing there, or it is read-only.
    pub fn set_mode(&self, path: &str, mode: u32) -> Result<(), FileError> {
        let (tree, place) = self.writable(path)?;
        let mut entry = tree.entry(&place).ok_or(FileError::NotFound)?;
        entry.mode = mode;
        tree.insert(&place, entry)
    }

    /// The names in a directory, in order.
    ///
    /// # Errors
    /// There is none, or it is a file.
    pub fn list(&self, path: &str) -> Result<Vec<String>, FileError> {
        if !self.entry(path).ok_or(FileError::NotFound)?.is_directory() {
            return Err(FileError::NotDirectory);
        }
        let (tree, place, _) = self.locate(path);
        let mut names = tree.names_in(&place);
        let mounted = self.mounts.iter().map(|mount| split(&mount.at));
        let here = mounted.filter(|(directory, _)| *directory == path);
        names.extend(here.map(|(_, name)| name.to_owned()));
        Ok(names.into_iter().collect())
    }

    /// Makes a directory.
    ///
    /// # Errors
    /// Something has that name, the directory above is not there, or it is read-only.
    pub fn make_directory(&self, path: &str) -> Result<(), FileError> {
        if self.entry(path).is_some() {
            return Err(FileError::Exists);
        }
        let (tree, place) = self.writable(path)?;
        tree.insert(&place, Entry::directory())
    }

    /// Removes a file, or a directory with all that is in it.
    ///
    /// # Errors
    /// There is nothing there, a volume is mounted there or below, or it is read-only.
    pub fn remove(&self, path: &str) -> Result<(), FileError> {
        let below = format!("{path}/");
        let mounted = |mount: &Mount| mount.at == path || mount.at.starts_with(&below);
        if path == "/" || self.mounts.iter().any(mounted) {
            return Err(FileError::Busy);
        }
        let (tree, place) = self.writable(path)?;
        tree.entry(&place).ok_or(FileError::NotFound)?;
        tree.remove(&place);
        Ok(())
    }

    /// Copies a file, or a directory with all that is in it.
    ///
    /// # Errors
    /// As [`Files::read`] and [`Files::write`].
    pub fn copy(&self, from: &str, to: &str) -> Result<(), FileError> {
        let entry = self.entry(from).ok_or(FileError::NotFound)?;
        let Some(bytes) = entry.bytes else {
            if !self.is_directory(to) {
                self.make_directory(to)?;
            }
            for name in self.list(from)? {
                self.copy(&plain(from, &name), &plain(to, &name))?;
            }
            return Ok(());
        };
        self.write(to, &bytes, false)?;
        self.set_mode(to, entry.mode)
    }

    /// Every path below a directory, itself first, each directory before what is in it.
    pub fn walk(&self, path: &str) -> Vec<String> {
        let mut found = vec![path.to_owned()];
        if self.is_directory(path) {
            for name in self.list(path).unwrap_or_default() {
                found.extend(self.walk(&plain(path, &name)));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_plain() {
        let table = [
            ("/", "a", "/a"),
            ("/a/b", "../c", "/a/c"),
            ("/a", "/x//y/./z/", "/x/y/z"),
            ("/", "../..", "/"),
        ];
        for (directory, path, expected) in table {
            assert_eq!(plain(directory, path), expected);
        }
    }

    #[test]
    fn a_volume_covers_its_place_and_keeps_its_data() {
        let volume = Tree::default();
        let mount = |at: &str, part: &str, read_only| Mount {
            at: at.to_owned(),
            tree: volume.clone(),
            part: part.to_owned(),
            read_only,
        };
        let mounts = vec![mount("/data", "/", false), mount("/etc/two", "/two", true)];
        let files = Files::new(Tree::default(), mounts);
        files
            .write("/data/one", b"1", false)
            .expect("it is writable");
        files
            .write("/data/one", b"2", true)
            .expect("it is writable");
        files
            .write("/data/two/x", b"x", false)
            .expect("it is writable");
        assert_eq!(files.read("/etc/two/x"), Ok(b"x".to_vec()));
        assert_eq!(
            files.write("/etc/two/x", b"", false),
            Err(FileError::ReadOnly)
        );
        assert_eq!(
            files.list("/"),
            Ok(vec!["data".to_owned(), "etc".to_owned()])
        );
        assert_eq!(files.remove("/data"), Err(FileError::Busy));
        let next = Files::new(Tree::default(), vec![mount("/data", "/", false)]);
        assert_eq!(next.read("/data/one"), Ok(b"12".to_vec()));
    }

    #[test]
    fn a_file_needs_its_directory() {
        let files = Files::default();
        assert_eq!(files.write("/a/b", b"x", false), Err(FileError::NotFound));
        files.make_directory("/a").expect("it is free");
        files
            .write("/a/b", b"x", false)
            .expect("its directory is there");
        assert_eq!(files.write("/a", b"x", false), Err(FileError::IsDirectory));
        assert_eq!(files.make_directory("/a"), Err(FileError::Exists));
        files.copy("/a", "/c").expect("it is there");
        assert_eq!(files.walk("/c"), ["/c", "/c/b"]);
        files.remove("/a").expect("it is there");
        assert_eq!(files.read("/a/b"), Err(FileError::NotFound));
    }
}
