//! Why a repository's files can't be had, in words that say how to mend it.

use std::path::PathBuf;

/// A repository whose files can't be had.
#[derive(Debug, thiserror::Error)]
#[error("can't fetch `{repository}`: {cause}")]
#[non_exhaustive]
pub struct HubError {
    /// `owner/name`, with its revision where one was asked for.
    pub repository: String,
    /// What stands in the way.
    pub cause: Box<Cause>,
}

impl HubError {
    /// An error about one repository; its name may be anything that somebody wrote.
    pub fn new(repository: &(impl ToString + ?Sized), cause: Cause) -> Self {
        Self { repository: shown(&repository.to_string()), cause: Box::new(cause) }
    }
}

/// What stands in the way of a repository's files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The text names none.
    #[error("not the name of a repository; write `owner/name` or `owner/name@revision`")]
    NotAName,
    /// The hub knows no such repository, or does not admit it.
    #[error("there is no such model; check the name, and set HF_TOKEN if it is private")]
    NoRepository,
    /// It knows the repository and not the revision.
    #[error("it has no such revision; check what stands behind `@`")]
    NoRevision,
    /// It knows the revision and not the file.
    #[error("it has no `{file}` at this revision")]
    NoFile {
        /// The file that was asked for.
        file: String,
    },
    /// The hub wants to know who asks, or does not let them in.
    #[error(
        "there is no such model, or it is private or gated; check the name, accept its terms on \
         the hub, and set HF_TOKEN to a token that may read it"
    )]
    NotAllowed,
    /// Too many requests.
    #[error("the hub asks to slow down; try again later")]
    Busy,
    /// No answer.
    #[error("the hub can't be reached ({detail}); check the network and HF_ENDPOINT")]
    Unreachable {
        /// What the system said.
        detail: String,
    },
    /// The connection broke, again and again.
    #[error(
        "the connection broke with {got} of {size} bytes of `{file}` here ({detail}); they are \
         kept, and the same command goes on from there"
    )]
    Cut {
        /// The file under way.
        file: String,
        /// Bytes that are here.
        got: u64,
        /// Bytes it has.
        size: u64,
        /// What the system said.
        detail: String,
    },
    /// What came is not what the hub said.
    #[error(
        "`{file}` is damaged: its {what} is {got}, and the hub says {expected}; remove `{path}` \
         and fetch it again", path = path.display()
    )]
    Damaged {
        /// The file.
        file: String,
        /// `size` or `SHA-256`.
        what: &'static str,
        /// What it is.
        got: String,
        /// What it should be.
        expected: String,
        /// Where it lies.
        path: PathBuf,
    },
    /// The cache can't be used.
    #[error("the cache can't be used: {detail}; set HF_HUB_CACHE to a folder that can be written")]
    Cache {
        /// What the system said, with the path.
        detail: String,
    },
    /// An answer that is none.
    #[error("the hub's answer can't be used: {detail}; check HF_ENDPOINT")]
    Malformed {
        /// What is wrong with it.
        detail: String,
    },
    /// The network is not to be used, and the cache does not have it.
    #[error("`{file}` is not in the cache, and HF_HUB_OFFLINE is set; fetch it once while online")]
    Offline {
        /// The file that is missing.
        file: String,
    },
    /// This build can't download.
    #[error("this build of praetor can't download (feature `hub`); name files on this machine")]
    NoDownloads,
}

#[cfg(feature = "hub")]
impl Cause {
    /// An error of the file system, whose words name the path.
    pub(super) fn cache(error: &std::io::Error) -> Self {
        Self::Cache { detail: shown(&error.to_string()) }
    }
}

/// A text as it may stand in an error: its first line, short, without control characters.
pub(super) fn shown(text: &str) -> String {
    first_line(text, 300)
}

/// The first line of a text that says anything, of so many characters at most and no control ones.
pub(crate) fn first_line(text: &str, most: usize) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let mut short: String = line.chars().filter(|c| !c.is_control()).take(most).collect();
    if short.len() < line.len() {
        short.push_str("..");
    }
    short
}
