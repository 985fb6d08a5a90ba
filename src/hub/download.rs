//! Fetching one file: going on where it broke off, comparing what came, and putting it in place.

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use fs_err::{File, OpenOptions};
use reqwest::{Method, StatusCode};
use sha2::{Digest, Sha256};

use super::cache::is_sha256;
use super::client::{FIRST_WAIT, TRIES, accepted, words};
use super::{Cached, Cause, Client, HubError, Listed, Listing, Repository};

/// What a fetch is at; one file after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step<'a> {
    /// A file is begun, with so many bytes here from before.
    Begin {
        /// Its name.
        file: &'a str,
        /// Its size in bytes.
        size: u64,
        /// Bytes that need not be fetched.
        here: u64,
    },
    /// Another process is fetching this file; it is waited for.
    Waiting,
    /// So many more bytes have come.
    Came(u64),
    /// What is here is read, to be compared.
    Comparing,
    /// The server can't go on in the middle, so that the file is begun anew.
    Anew,
    /// The file is in place.
    Done,
}

/// What is fetched, and where it goes.
struct Task<'a> {
    repository: &'a Repository,
    commit: &'a str,
    file: &'a str,
    size: u64,
    tag: &'a str,
    incomplete: PathBuf,
    report: &'a dyn Fn(Step<'_>),
}

impl Task<'_> {
    fn cut(&self, got: u64, detail: String) -> Cause {
        Cause::Cut { file: self.file.to_owned(), got, size: self.size, detail }
    }
}

impl Client {
    /// Brings files of a listing into the cache, and compares what has come with the sizes and
    /// hashes that the hub tells; then the revision stands for that commit. Returns where they
    /// lie, in the same order.
    ///
    /// # Errors
    /// [`HubError`] for the first file that can't be had. What has come of it is kept.
    pub fn fetch(
        &self,
        repository: &Repository,
        listing: &Listing,
        files: &[&Listed],
        report: &dyn Fn(Step<'_>),
    ) -> Result<Vec<PathBuf>, HubError> {
        let failed = |cause| HubError::new(repository, cause);
        let fetched = files.iter().map(|listed| {
            self.fetch_one(repository, &listing.commit, listed, report).map_err(failed)
        });
        let paths = fetched.collect::<Result<Vec<PathBuf>, HubError>>()?;
        Cached::of(&self.hub, repository)
            .remember(repository.revision(), &listing.commit)
            .map_err(|error| failed(Cause::cache(&error)))?;
        Ok(paths)
    }

    fn fetch_one(
        &self,
        repository: &Repository,
        commit: &str,
        listed: &Listed,
        report: &dyn Fn(Step<'_>),
    ) -> Result<PathBuf, Cause> {
        let (size, tag) = self.told(repository, commit, listed)?;
        let (file, tag) = (listed.file.as_str(), tag.as_str());
        let cached = Cached::of(&self.hub, repository);
        let disk = |error: std::io::Error| Cause::cache(&error);
        let (blob, incomplete) = (cached.blob(tag), cached.incomplete(tag));
        for path in [&blob, &cached.lock(tag)] {
            fs_err::create_dir_all(path.parent().unwrap_or(path)).map_err(disk)?;
        }
        let lock = File::create(cached.lock(tag)).map_err(disk)?;
        if lock.file().try_lock().is_err() {
            report(Step::Waiting);
            lock.file().lock().map_err(disk)?;
        }
        if blob.exists() {
            report(Step::Begin { file, size, here: size });
            report(Step::Comparing);
            compare(file, &blob, size, if self.compares { tag } else { "" })?;
        } else {
            let task = Task { repository, commit, file, size, tag, incomplete, report };
            self.bring(&task)?;
            fs_err::rename(&task.incomplete, &blob).map_err(disk)?;
        }
        let path = cached.link(commit, file, tag).map_err(disk)?;
        report(Step::Done);
        Ok(path)
    }

    /// Makes the incomplete file whole and right.
    fn bring(&self, task: &Task<'_>) -> Result<(), Cause> {
        let disk = |error: std::io::Error| Cause::cache(&error);
        let mut out = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&task.incomplete)
            .map_err(disk)?;
        let mut here = out.metadata().map_err(disk)?.len();
        if here > task.size {
            // Not a beginning of it.
            out.set_len(0).map_err(disk)?;
            here = 0;
        }
        (task.report)(Step::Begin { file: task.file, size: task.size, here });
        let mut hash = Sha256::new();
        absorb(&mut out, &mut hash).map_err(disk)?;
        self.runtime.block_on(async {
            let (mut failures, mut wait) = (0, FIRST_WAIT);
            while here < task.size {
                let before = here;
                let broke = match self.stream(task, &mut out, &mut hash, &mut here).await {
                    Ok(None) => continue,
                    Ok(Some(broke)) => broke,
                    // What has come is kept, which is worth saying.
                    Err(Cause::Unreachable { detail }) if here > 0 => {
                        return Err(task.cut(here, detail));
                    }
                    Err(cause) => return Err(cause),
                };
                // What moved forward is no failure of the whole.
                (failures, wait) =
                    if here > before { (1, FIRST_WAIT) } else { (failures + 1, wait * 2) };
                if failures == TRIES {
                    return Err(task.cut(here, broke));
                }
                tokio::time::sleep(wait).await;
            }
            Ok(())
        })?;
        out.flush().and_then(|()| out.sync_all()).map_err(disk)?;
        same_hash(task.file, &task.incomplete, &hex(hash), task.tag)
    }

    /// Takes what one answer brings, and says what broke it off, if anything did.
    async fn stream(
        &self,
        task: &Task<'_>,
        out: &mut File,
        hash: &mut Sha256,
        here: &mut u64,
    ) -> Result<Option<String>, Cause> {
        let disk = |error: std::io::Error| Cause::cache(&error);
        let url = self.file_url(task.repository, task.commit, task.file)?;
        let mut response =
            accepted(self.send(Method::GET, url, Some(*here)).await?, Some(task.file))?;
        if *here > 0 && response.status() != StatusCode::PARTIAL_CONTENT {
            (task.report)(Step::Anew);
            out.set_len(0).and_then(|()| out.seek(SeekFrom::Start(0))).map_err(disk)?;
            (*hash, *here) = (Sha256::new(), 0);
        }
        let begun = *here;
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) => {
                    if *here + chunk.len() as u64 > task.size {
                        let got = (*here + chunk.len() as u64).to_string();
                        return Err(wrong_size(
                            task.file,
                            &task.incomplete,
                            format!("over {got}"),
                            task.size,
                        ));
                    }
                    out.write_all(&chunk).map_err(disk)?;
                    hash.update(&chunk);
                    *here += chunk.len() as u64;
                    (task.report)(Step::Came(chunk.len() as u64));
                }
                Ok(None) if *here < task.size && *here == begun => {
                    return Ok(Some("it ended early".to_owned()));
                }
                Ok(None) => return Ok(None),
                Err(error) => return Ok(Some(words(&error))),
            }
        }
    }
}

/// Compares a file that is there.
fn compare(file: &str, path: &Path, size: u64, tag: &str) -> Result<(), Cause> {
    let disk = |error: std::io::Error| Cause::cache(&error);
    let mut content = File::open(path).map_err(disk)?;
    let length = content.metadata().map_err(disk)?.len();
    if length != size {
        return Err(wrong_size(file, path, length.to_string(), size));
    }
    if !is_sha256(tag) {
        return Ok(());
    }
    let mut hash = Sha256::new();
    absorb(&mut content, &mut hash).map_err(disk)?;
    same_hash(file, path, &hex(hash), tag)
}

/// Small files are kept by git's own hash, which is not looked at.
fn same_hash(file: &str, path: &Path, got: &str, tag: &str) -> Result<(), Cause> {
    if !is_sha256(tag) || got == tag {
        return Ok(());
    }
    Err(Cause::Damaged {
        file: file.to_owned(),
        what: "SHA-256",
        got: got.to_owned(),
        expected: tag.to_owned(),
        path: path.to_owned(),
    })
}

fn wrong_size(file: &str, path: &Path, got: String, expected: u64) -> Cause {
    Cause::Damaged {
        file: file.to_owned(),
        what: "size",
        got,
        expected: expected.to_string(),
        path: path.to_owned(),
    }
}

/// Reads to the end.
fn absorb(content: &mut File, hash: &mut Sha256) -> std::io::Result<()> {
    let mut buffer = vec![0; 1 << 20];
    loop {
        match content.read(&mut buffer)? {
            0 => return Ok(()),
            read => hash.update(&buffer[..read]),
        }
    }
}

fn hex(hash: Sha256) -> String {
    use std::fmt::Write as _;
    hash.finalize().iter().fold(String::new(), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
