//! What a GGUF file says of itself, and by what it is known.

use std::io::Read;
use std::path::Path;

use llama_cpp_2::gguf::GgufContext;

use super::{LoadError, worker};
use crate::ids::Hash;

/// Hash of a model file's length, its first mebibyte (metadata) and 64 KiB at sixty-three places:
/// hashing all of a 20 GB file would take longer than judging.
pub(super) fn sample(path: &Path) -> Result<Hash, LoadError> {
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
