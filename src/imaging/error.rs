//! Why a file did not become a picture: one path, one problem, one stable code.

use std::io;
use std::path::PathBuf;

use super::format::{Format, Recognised};
use super::source::shown;

/// A file that could not be decoded.
///
/// Written as "what, where, how to mend it", with the path free of control characters.
#[derive(Debug, thiserror::Error)]
#[error("`{}`: {problem}", shown(path))]
#[expect(clippy::exhaustive_structs, reason = "a path and its problem, and never more")]
pub struct DecodeError {
    /// Which file, or the name under which bytes were given.
    pub path: PathBuf,
    /// What stood in the way.
    pub problem: Problem,
}

impl DecodeError {
    /// A word to count by; it stays the same from version to version.
    pub fn code(&self) -> &'static str {
        self.problem.code()
    }
}

/// What can stand between a file and its picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// No such file.
    #[error("there is no such file; check the path")]
    NotFound,
    /// The file may not be read.
    #[error("permission denied; allow praetor to read the file")]
    Permission,
    /// A folder, pipe, socket or device.
    #[error("is a {kind} and not a regular file; name an image file")]
    NotAFile {
        /// What it is.
        kind: &'static str,
    },
    /// A file without bytes.
    #[error("the file is empty; copy or download it again")]
    Empty,
    /// A file that is no image, or an image that no decoder here reads.
    #[error("{}", unsupported(recognised))]
    Unsupported {
        /// What its bytes say it is.
        recognised: Recognised,
    },
    /// More bytes than allowed.
    #[error("the file is larger than {limit_bytes} bytes; shrink it or raise the limit")]
    TooLarge {
        /// The limit in bytes.
        limit_bytes: u64,
    },
    /// More pixels than allowed, by the file's own account.
    #[error(
        "the image claims {width}x{height} pixels, and the limit is {limit}; scale it down or raise the limit"
    )]
    TooManyPixels {
        /// Claimed width in pixels.
        width: u32,
        /// Claimed height in pixels.
        height: u32,
        /// Most pixels a frame may have.
        limit: u64,
    },
    /// Decoding would take more memory than allowed.
    #[error(
        "decoding needs {} bytes of memory, and the limit is {limit_bytes}; scale it down or raise the limit",
        needed_bytes.map_or_else(|| "more".to_owned(), |bytes| bytes.to_string())
    )]
    TooMuchMemory {
        /// Estimated need in bytes; absent when the decoder itself stopped.
        needed_bytes: Option<u64>,
        /// The limit in bytes.
        limit_bytes: u64,
    },
    /// An image of a known format that is damaged or cut off.
    #[error("the {format} image is corrupt: {fault}; copy or export it again")]
    Corrupt {
        /// The format.
        format: Format,
        /// The damage.
        fault: Fault,
    },
    /// The file system failed.
    #[error("could not be read: {source}")]
    Unreadable {
        /// What the system said.
        source: io::Error,
    },
}

impl Problem {
    /// A word to count by; it stays the same from version to version.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Permission => "permission",
            Self::NotAFile { .. } => "not_a_file",
            Self::Empty => "empty",
            Self::Unsupported { .. } => "unsupported",
            Self::TooLarge { .. } => "too_large",
            Self::TooManyPixels { .. } => "too_many_pixels",
            Self::TooMuchMemory { .. } => "too_much_memory",
            Self::Corrupt { .. } => "corrupt",
            Self::Unreadable { .. } => "unreadable",
        }
    }

    /// Sorts what the file system says.
    pub(super) fn from_io(source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::NotFound,
            io::ErrorKind::PermissionDenied => Self::Permission,
            _ => Self::Unreadable { source },
        }
    }

    /// Sorts what a decoder says.
    pub(super) fn from_decoder(format: Format, error: &image::ImageError, limit: u64) -> Self {
        use image::ImageError as E;
        match error {
            E::Unsupported(said) => {
                let detail = shown(said.to_string()).to_string();
                Self::Unsupported { recognised: Recognised::Variant { format, detail } }
            }
            E::Limits(_) => Self::TooMuchMemory { needed_bytes: None, limit_bytes: limit },
            other => Self::Corrupt { format, fault: Fault::of(other) },
        }
    }
}

/// How an image is damaged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The file ends before the image does.
    #[error("the file is cut off before the end of the image")]
    Truncated,
    /// The image has no pixels.
    #[error("it is {width}x{height} pixels large")]
    NoPixels {
        /// Claimed width in pixels.
        width: u32,
        /// Claimed height in pixels.
        height: u32,
    },
    /// Its parts contradict each other or the format.
    #[error("{detail}")]
    Malformed {
        /// What the decoder said.
        detail: String,
    },
    /// The decoder panicked on it.
    #[error("the decoder gave up on it")]
    Panicked,
}

impl Fault {
    /// A contradiction, in words of our own.
    pub(super) fn malformed(detail: impl std::fmt::Display) -> Self {
        Self::Malformed { detail: shown(detail.to_string()).to_string() }
    }

    fn of(error: &image::ImageError) -> Self {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(error) = cause {
            if let Some(io) = error.downcast_ref::<io::Error>()
                && io.kind() == io::ErrorKind::UnexpectedEof
            {
                return Self::Truncated;
            }
            cause = error.source();
        }
        Self::malformed(error)
    }
}

fn unsupported(recognised: &Recognised) -> String {
    match recognised {
        Recognised::Image(name) => {
            format!("{name} images are not supported; convert to PNG or JPEG")
        }
        Recognised::Other(name) => format!("holds {name} and not an image"),
        Recognised::Variant { format, detail } => {
            format!("this kind of {format} is not supported ({detail}); convert to PNG or JPEG")
        }
        Recognised::Unknown => "is not an image in a format that is known; \
             supported are JPEG, PNG, WebP, GIF, BMP and TIFF"
            .to_owned(),
    }
}
