//! Reading files that nobody vouches for: only regular ones, and never more of them at once than is allowed.

use std::io::Read as _;
use std::path::Path;

use super::error::{DecodeError, Problem};
use super::limits::Limits;
use super::source::Source;
use crate::ids::{Hash, ImageHash};

/// A file's bytes, within the limit on them. Folders, pipes and devices are refused without opening them.
///
/// # Errors
/// [`DecodeError`] when there is no such file, it can't be read, or it is larger than allowed.
pub fn file_bytes(source: &Source, limits: &Limits) -> Result<Vec<u8>, DecodeError> {
    read(source.path(), limits).map_err(|problem| at(source, problem))
}

/// Hash of a file's bytes, of which a block is held at a time. Folders, pipes and devices are refused without
/// opening them.
///
/// # Errors
/// [`DecodeError`] when there is no such file or it can't be read.
pub fn file_hash(source: &Source) -> Result<ImageHash, DecodeError> {
    let hash = |path: &Path| {
        let (file, _) = open(path)?;
        Hash::of_reader(file).map_err(Problem::from_io)
    };
    hash(source.path()).map_err(|problem| at(source, problem))
}

pub(super) fn at(source: &Source, problem: Problem) -> DecodeError {
    DecodeError { path: source.path().to_owned(), problem }
}

/// Reads at most one byte more than allowed.
pub(super) fn read(path: &Path, limits: &Limits) -> Result<Vec<u8>, Problem> {
    let too_large = || Problem::TooLarge { limit_bytes: limits.file_bytes };
    let (file, length) = open(path)?;
    if length > limits.file_bytes {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    let most = limits.file_bytes.saturating_add(1);
    let count = file.take(most).read_to_end(&mut bytes).map_err(Problem::from_io)?;
    if u64::try_from(count).is_ok_and(|count| count <= limits.file_bytes) {
        Ok(bytes)
    } else {
        Err(too_large())
    }
}

/// A regular file, and how long it says it is.
fn open(path: &Path) -> Result<(fs_err::File, u64), Problem> {
    // Opening a pipe would wait for its writer, so look before.
    let metadata = fs_err::metadata(path).map_err(Problem::from_io)?;
    regular(&metadata)?;
    let file = fs_err::File::open(path).map_err(Problem::from_io)?;
    regular(&file.metadata().map_err(Problem::from_io)?)?;
    Ok((file, metadata.len()))
}

fn regular(metadata: &std::fs::Metadata) -> Result<(), Problem> {
    if metadata.is_file() {
        Ok(())
    } else {
        Err(Problem::NotAFile { kind: if metadata.is_dir() { "folder" } else { "pipe or device" } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_hashed_as_its_bytes_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        let bytes: Vec<u8> = (0..1_000_003_u32).map(|at| at.to_le_bytes()[1]).collect();
        fs_err::write(&path, &bytes).unwrap();
        let source = Source::new(&path);
        assert_eq!(file_hash(&source).unwrap(), Hash::of(&bytes));
        let tight = Limits { file_bytes: 1_000_002, ..Limits::default() };
        assert_eq!(file_bytes(&source, &tight).unwrap_err().code(), "too_large");
        assert_eq!(file_bytes(&source, &Limits::default()).unwrap(), bytes);
    }

    #[cfg(unix)]
    #[test]
    fn a_device_without_an_end_is_neither_read_nor_hashed() {
        let endless = Source::new("/dev/zero");
        assert_eq!(file_hash(&endless).unwrap_err().code(), "not_a_file");
        assert_eq!(file_bytes(&endless, &Limits::default()).unwrap_err().code(), "not_a_file");
    }
}
