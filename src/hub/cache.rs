//! What of a repository lies in the cache.

use std::path::{Path, PathBuf};

use super::{Hub, Repository};

/// A repository's part of the cache.
#[derive(Clone, Debug)]
pub struct Cached {
    folder: PathBuf,
    #[cfg(feature = "hub")]
    locks: PathBuf,
}

/// A file of a snapshot whose content is there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stored {
    /// Its name in the repository, with `/` between folders.
    pub file: String,
    /// Where it lies.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// The SHA-256 that it was stored by: large files are.
    pub sha256: Option<String>,
}

impl Stored {
    /// The file of a snapshot's folder that lies there, if its content does.
    fn at(root: &Path, path: &Path) -> Option<Self> {
        let about = fs_err::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
        let names = path.strip_prefix(root).ok()?.components();
        let names: Vec<_> = names.map(|name| name.as_os_str().to_string_lossy()).collect();
        let file = names.join("/");
        Some(Self { file, path: path.to_owned(), size: about.len(), sha256: None }.with_tag())
    }

    /// The tag its content is kept by: a link ends at the content, which is named so.
    fn tag(&self) -> Option<String> {
        let target = fs_err::read_link(&self.path).ok()?;
        target.file_name().map(|name| name.to_string_lossy().into_owned())
    }

    fn with_tag(self) -> Self {
        let sha256 = self.tag().filter(|tag| is_sha256(tag));
        Self { sha256, ..self }
    }
}

impl Cached {
    /// The part of the cache that belongs to a repository; it need not be there.
    pub fn of(hub: &Hub, repository: &Repository) -> Self {
        let name = format!("models--{}--{}", repository.owner, repository.name);
        Self {
            folder: hub.cache.join(&name),
            #[cfg(feature = "hub")]
            locks: hub.cache.join(".locks").join(name),
        }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The commit that a revision stood for when it was last fetched.
    pub fn commit(&self, revision: &str) -> Option<String> {
        if is_commit(revision) && self.snapshot(revision).is_dir() {
            return Some(revision.to_owned());
        }
        let commit = fs_err::read_to_string(self.folder.join("refs").join(revision)).ok()?;
        let commit = commit.trim();
        is_commit(commit).then(|| commit.to_owned())
    }

    /// The folder of a commit's files.
    pub fn snapshot(&self, commit: &str) -> PathBuf {
        self.folder.join("snapshots").join(commit)
    }

    /// The files of a commit that are there, whole, by name.
    pub fn files(&self, commit: &str) -> Vec<Stored> {
        let root = self.snapshot(commit);
        let found = walkdir::WalkDir::new(&root).follow_links(true).sort_by_file_name();
        let entries = found.into_iter().filter_map(Result::ok);
        entries.filter_map(|entry| Stored::at(&root, entry.path())).collect()
    }

    /// One file of a commit, if it is there.
    pub fn file(&self, commit: &str, file: &str) -> Option<Stored> {
        let root = self.snapshot(commit);
        Stored::at(&root, &root.join(file))
    }

    /// Bytes that have come of a file whose download broke off.
    pub fn partial(&self, sha256: &str) -> Option<u64> {
        fs_err::metadata(self.incomplete(sha256)).ok().map(|about| about.len())
    }

    /// Where a file's content grows until it is whole; the hub's own tools go on from there too.
    pub(super) fn incomplete(&self, tag: &str) -> PathBuf {
        self.folder.join("blobs").join(format!("{tag}.incomplete"))
    }
}

#[cfg(feature = "hub")]
impl Cached {
    /// Where a file's content belongs.
    pub(super) fn blob(&self, tag: &str) -> PathBuf {
        self.folder.join("blobs").join(tag)
    }

    /// Whoever has locked this file is fetching the content.
    pub(super) fn lock(&self, tag: &str) -> PathBuf {
        self.locks.join(format!("{tag}.lock"))
    }

    /// Makes a content known as a file of a commit.
    pub(super) fn link(&self, commit: &str, file: &str, tag: &str) -> std::io::Result<PathBuf> {
        let path = self.snapshot(commit).join(file);
        if let Some(parent) = path.parent() {
            fs_err::create_dir_all(parent)?;
        }
        if self.file(commit, file).is_some_and(|stored| stored.tag().as_deref() == Some(tag)) {
            return Ok(path);
        }
        if fs_err::symlink_metadata(&path).is_ok() {
            fs_err::remove_file(&path)?;
        }
        #[cfg(unix)]
        {
            // Relative, so that the cache can be moved: up to the repository's folder, and down.
            let depth = file.split('/').count() + 1;
            let target = Path::new(&"../".repeat(depth)).join("blobs").join(tag);
            let linked = fs_err::os::unix::fs::symlink(target, &path);
            // Another process was quicker.
            let there = |error: &std::io::Error| error.kind() == std::io::ErrorKind::AlreadyExists;
            linked.or_else(|error| if there(&error) { Ok(()) } else { Err(error) })?;
        }
        #[cfg(not(unix))]
        fs_err::copy(self.blob(tag), &path)?;
        Ok(path)
    }

    /// Notes which commit a revision stands for now.
    pub(super) fn remember(&self, revision: &str, commit: &str) -> std::io::Result<()> {
        if is_commit(revision) {
            return Ok(());
        }
        let path = self.folder.join("refs").join(revision);
        if let Some(parent) = path.parent() {
            fs_err::create_dir_all(parent)?;
        }
        fs_err::write(path, commit)
    }
}

/// Whether a revision is a commit itself.
pub(super) fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Whether a tag is the content's SHA-256, as that of every large file is.
pub(super) fn is_sha256(tag: &str) -> bool {
    tag.len() == 64 && tag.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
