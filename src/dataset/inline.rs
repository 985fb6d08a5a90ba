//! What the text in an image's cell is: a path, the image itself in base64, or the number of the row that
//! has it.
//!
//! Nothing is guessed from how a text looks. Base64 is what decodes to the first bytes of an image: those
//! of a JPEG begin with `/9j/`, as a path may, and so a file of that name comes first.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::row::{Reach, image_path};
use super::{Content, Mistake};
use crate::imaging::{Source, begins_an_image};

/// With padding or without, as writers have it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Letters that are decoded to see what they are: three quarters as many bytes, of which an image's first
/// tell it. A multiple of four.
const FIRST_LETTERS: usize = 512;

/// No system has a path of more bytes.
const LONGEST_PATH: usize = 4096;

/// What a cell says of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// Where it is.
    Image(Content),
    /// That it is the one of the row with this index.
    Row(String),
}

/// Where the files of a dataset lie, and what its cells may say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// The folder that paths begin in.
    pub(super) folder: &'a Path,
    /// Whether they may leave it.
    pub(super) reach: Reach,
    /// Whether rows have an index, so that digits may name one.
    pub(super) indexed: bool,
}

/// Reads a cell.
pub(super) fn written(text: &str, place: Place<'_>) -> Result<Written, Mistake> {
    if let Some(image) = data_url(text) {
        return image.map(inside);
    }
    let is_row = place.indexed && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_image = begins_base64_of_an_image(text);
    let path = image_path(place.folder, text, place.reach);
    // A path costs no look at the disk, unless it could be something else.
    if (is_row || is_image)
        && !(text.len() <= LONGEST_PATH && path.as_ref().is_ok_and(|path| path.exists()))
    {
        return if is_row { Ok(Written::Row(text.to_owned())) } else { decoded(text).map(inside) };
    }
    if text.len() > LONGEST_PATH {
        let detail = "it is longer than any path and does not begin as an image does".to_owned();
        return Err(Mistake::Base64 { detail });
    }
    Ok(Written::Image(Content::File(Source::new(path?))))
}

fn inside(bytes: Vec<u8>) -> Written {
    Written::Image(Content::Bytes(Arc::from(bytes)))
}

/// The image of `data:image/png;base64,…` (RFC 2397); nothing where the text is no such address.
fn data_url(text: &str) -> Option<Result<Vec<u8>, Mistake>> {
    let scheme = text.get(..5).filter(|scheme| scheme.eq_ignore_ascii_case("data:"))?;
    let (kind, data) = text.get(scheme.len()..)?.split_once(',')?;
    let is_base64 = kind.rsplit(';').next().is_some_and(|end| end.eq_ignore_ascii_case("base64"));
    Some(if is_base64 {
        decoded(data)
    } else {
        Err(Mistake::Base64 { detail: "its `data:` address is not in base64".to_owned() })
    })
}

fn begins_base64_of_an_image(text: &str) -> bool {
    let first: Vec<u8> = letters(text.as_bytes()).take(FIRST_LETTERS).collect();
    // What is cut off has no padding; one letter too many would be no whole byte.
    let whole = if first.len() % 4 == 1 { first.len() - 1 } else { first.len() };
    BASE64.decode(&first[..whole]).is_ok_and(|bytes| begins_an_image(&bytes))
}

/// Line breaks are left out, which mail and some writers put in.
fn letters(text: &[u8]) -> impl Iterator<Item = u8> {
    text.iter().copied().filter(|byte| !byte.is_ascii_whitespace())
}

fn decoded(text: &str) -> Result<Vec<u8>, Mistake> {
    let letters: Vec<u8> = letters(text.as_bytes()).collect();
    BASE64.decode(letters).map_err(|error| {
        let detail = error.to_string();
        Mistake::Base64 { detail: detail.trim_end_matches('.').to_owned() }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The first bytes of a PNG, and some more.
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and what follows";

    fn read(text: &str, folder: &Path) -> Result<Written, Mistake> {
        written(text, Place { folder, reach: Reach::Within, indexed: true })
    }

    fn path(name: &str) -> Written {
        Written::Image(Content::File(Source::new(Path::new("data").join(name))))
    }

    #[test]
    fn base64_is_what_decodes_to_an_image() {
        let folder = Path::new("data");
        let text = BASE64.encode(PNG);
        let broken = format!("{}\n{}", &text[..10], &text[10..]);
        for text in [&text, text.trim_end_matches('='), &broken] {
            assert_eq!(read(text, folder).unwrap(), inside(PNG.to_vec()), "{text}");
        }
        for kind in ["data:image/png;base64,", "DATA:image/png;charset=x;base64,", "data:;base64,"]
        {
            let url = format!("{kind}{text}");
            assert_eq!(read(&url, folder).unwrap(), inside(PNG.to_vec()), "{url}");
        }
        // A JPEG's base64 looks like an absolute path, which this dataset may not have.
        let jpeg = BASE64.encode(b"\xFF\xD8\xFF\xE0 and so on");
        assert!(jpeg.starts_with("/9j/"));
        assert!(matches!(read(&jpeg, folder), Ok(Written::Image(Content::Bytes(_)))));
    }

    #[test]
    fn letters_that_are_no_image_are_a_path_and_a_file_comes_first() {
        for name in ["deadbeef", "a/b.png", "cat", "iVBORw.png"] {
            assert_eq!(read(name, Path::new("data")).unwrap(), path(name), "{name}");
        }
        let folder = tempfile::tempdir().unwrap();
        let text = BASE64.encode(&PNG[..12]);
        for name in [text.as_str(), "17"] {
            fs_err::write(folder.path().join(name), PNG).unwrap();
            let file = Written::Image(Content::File(Source::new(folder.path().join(name))));
            assert_eq!(read(name, folder.path()).unwrap(), file);
        }
    }

    #[test]
    fn digits_are_a_row_where_rows_have_an_index() {
        let folder = Path::new("data");
        assert_eq!(read("17", folder).unwrap(), Written::Row("17".to_owned()));
        let place = Place { folder, reach: Reach::Within, indexed: false };
        assert_eq!(written("17", place).unwrap(), path("17"));
    }

    #[test]
    fn what_can_not_be_decoded_is_a_mistake() {
        let text = BASE64.encode([PNG, &[7; 600]].concat());
        let damaged = format!("{}!{}", &text[..700], &text[700..]);
        for bad in
            ["data:image/png;base64,!!", "data:text/plain,hello", &damaged, &"x".repeat(5000)]
        {
            let error = read(bad, Path::new("data")).unwrap_err();
            assert_eq!(error.code(), "base64", "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in any::<String>()) {
            let _ = read(&text, Path::new("data"));
        }
    }
}
