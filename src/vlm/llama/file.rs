//! What a GGUF file says of itself, and by what it is known.

use std::io::Read;
use std::path::{Path, PathBuf};

use llama_cpp_2::gguf::GgufContext;

use super::{LoadError, worker};
use crate::ids::Hash;

/// Hash of a model: of each of its files its length, its first mebibyte (metadata) and 64 KiB at
/// sixty-three places, since hashing all of a 20 GB file would take longer than judging.
pub(super) fn sample(path: &Path) -> Result<Hash, LoadError> {
    let parts: Vec<Hash> =
        parts(path).iter().map(|part| sample_of_file(part)).collect::<Result<_, _>>()?;
    Ok(match parts.as_slice() {
        [whole] => *whole,
        _ => Hash::of_parts(parts.iter().map(|part| part.bytes().as_slice())),
    })
}

/// The files of a model: all that llama.cpp loads with the first of several, by its rule for their
/// names (`NAME-00001-of-00003.gguf`), or the file alone.
fn parts(path: &Path) -> Vec<PathBuf> {
    let split = || {
        let stem = path.file_name()?.to_str()?.strip_suffix(".gguf")?;
        let (rest, of) = stem.rsplit_once("-of-")?;
        let (name, first) = rest.rsplit_once('-')?;
        let count: u32 = (of.len() == 5).then(|| of.parse().ok()).flatten()?;
        let part = |number| path.with_file_name(format!("{name}-{number:05}-of-{of}.gguf"));
        (first == "00001").then(|| (1..=count).map(part).collect())
    };
    split().unwrap_or_else(|| vec![path.to_owned()])
}

fn sample_of_file(path: &Path) -> Result<Hash, LoadError> {
    use std::io::{Seek, SeekFrom};
    let unreadable = |error: std::io::Error| LoadError::Unreadable {
        path: path.to_owned(),
        detail: error.to_string(),
    };
    let mut file = fs_err::File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    let mut bytes = Vec::new();
    file.by_ref().take(1 << 20).read_to_end(&mut bytes).map_err(unreadable)?;
    if !bytes.starts_with(b"GGUF") {
        return Err(LoadError::NotGguf { path: path.to_owned() });
    }
    for place in 1..64 {
        file.seek(SeekFrom::Start(length / 64 * place)).map_err(unreadable)?;
        file.by_ref().take(1 << 16).read_to_end(&mut bytes).map_err(unreadable)?;
    }
    Ok(Hash::of_parts([length.to_le_bytes().as_slice(), &bytes]))
}

/// What a model calls itself, if its file says so.
pub fn name_in(model: &Path) -> Option<String> {
    let [name] = texts_in(model, ["general.name"]);
    name
}

/// What a file says under these keys, where that is a text.
pub(super) fn texts_in<const N: usize>(path: &Path, keys: [&str; N]) -> [Option<String>; N] {
    /// `GGUF_TYPE_STRING`; asking for the text of anything else would end the process.
    const TEXT: u32 = 8;
    // So that what llama.cpp says of a damaged file goes where the rest goes.
    let file = worker::backend().ok().and_then(|_| GgufContext::from_file(path));
    keys.map(|key| {
        let file = file.as_ref()?;
        let index = file.find_key(key);
        let is_text = index >= 0 && file.kv_type(index) == TEXT;
        is_text.then(|| file.val_str(index).map(str::to_owned)).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_split_model_counts() {
        let folder = tempfile::tempdir().unwrap();
        let part = |number: u32| folder.path().join(format!("m-0000{number}-of-00002.gguf"));
        fs_err::write(part(1), b"GGUF first").unwrap();
        fs_err::write(part(2), b"GGUF second").unwrap();
        let before = sample(&part(1)).unwrap();
        assert_ne!(before, sample_of_file(&part(1)).unwrap());
        fs_err::write(part(2), b"GGUF other weights").unwrap();
        assert_ne!(before, sample(&part(1)).unwrap());
        fs_err::remove_file(part(2)).unwrap();
        let missing = sample(&part(1)).unwrap_err();
        assert!(matches!(missing, LoadError::Unreadable { path, .. } if path == part(2)));
    }

    #[test]
    fn other_names_are_whole_models() {
        for name in ["m.gguf", "a-of-b.gguf", "m-00002-of-00002.gguf", "m-1-of-2.gguf"] {
            assert_eq!(parts(Path::new(name)), [PathBuf::from(name)], "{name}");
        }
    }
}
