//! What a file is, told by its first bytes and never by its name.
//!
//! A PNG called `.jpg` is a PNG. Formats that praetor does not read are recognised too, so that
//! the error can say what the file is instead of what it is not.

use std::fmt;

/// As many of a file's first bytes as [`recognise`] looks at.
pub(super) const MAGIC_BYTES: usize = 512;

/// An image format that praetor decodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// JPEG, baseline and progressive; grey, YCbCr, RGB, CMYK and YCCK.
    Jpeg,
    /// PNG of every colour type, and APNG of 8 bits a channel.
    Png,
    /// WebP, lossy and lossless, still and animated.
    WebP,
    /// GIF, still and animated.
    Gif,
    /// Windows bitmap.
    Bmp,
    /// TIFF and `BigTIFF`, all pages.
    Tiff,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
        })
    }
}

/// What a file that can't be decoded turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recognised {
    /// An image in a format that praetor does not read, such as `HEIC`.
    Image(&'static str),
    /// No image, but something known, such as `PDF`.
    Other(&'static str),
    /// A readable format in a form that its decoder does not know.
    Variant {
        /// The container.
        format: Format,
        /// What the decoder said of it.
        detail: String,
    },
    /// Nothing known.
    Unknown,
}

/// Tells a file's kind from its first bytes; [`MAGIC_BYTES`] of them are enough.
pub(super) fn recognise(bytes: &[u8]) -> Result<Format, Recognised> {
    readable(bytes).ok_or_else(|| foreign(bytes))
}

/// Whether some first bytes are those of an image, also of one in a format that praetor does not read; 512 of
/// them are enough.
pub fn begins_an_image(bytes: &[u8]) -> bool {
    matches!(recognise(bytes), Ok(_) | Err(Recognised::Image(_)))
}

fn readable(bytes: &[u8]) -> Option<Format> {
    let is_webp = || bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    Some(match bytes {
        [0xFF, 0xD8, 0xFF, ..] => Format::Jpeg,
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Format::Png,
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Format::Gif,
        [b'I', b'I', b'*' | b'+', 0, ..] | [b'M', b'M', 0, b'*' | b'+', ..] => Format::Tiff,
        [b'B', b'M', ..] if is_bitmap(bytes) => Format::Bmp,
        _ if is_webp() => Format::WebP,
        _ => return None,
    })
}

/// `BM` opens many a text: the size of the second header must be one that exists.
fn is_bitmap(bytes: &[u8]) -> bool {
    matches!(bytes.get(14..18), Some([12 | 16 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]))
}

fn foreign(bytes: &[u8]) -> Recognised {
    use Recognised::{Image, Other, Unknown};
    match bytes {
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => match brand.get(..4) {
            Some(b"avif" | b"avis") => Image("AVIF"),
            Some(b"heic" | b"heix" | b"hevc" | b"heim" | b"heis" | b"mif1" | b"msf1") => {
                Image("HEIC")
            }
            _ => Other("MP4 or QuickTime"),
        },
        [0xFF, 0x0A, ..] | [0, 0, 0, 12, b'J', b'X', b'L', b' ', ..] => Image("JPEG XL"),
        [0xFF, 0x4F, 0xFF, 0x51, ..] | [0, 0, 0, 12, b'j', b'P', b' ', b' ', ..] => {
            Image("JPEG 2000")
        }
        [b'8', b'B', b'P', b'S', ..] => Image("Photoshop"),
        [0, 0, 1, 0, ..] => Image("ICO"),
        [0x76, 0x2F, 0x31, 0x01, ..] => Image("OpenEXR"),
        [b'%', b'P', b'D', b'F', ..] => Other("PDF"),
        [0x1A, 0x45, 0xDF, 0xA3, ..] => Other("WebM or Matroska"),
        [b'P', b'K', 3, 4, ..] => Other("ZIP"),
        _ => markup(bytes).unwrap_or(Unknown),
    }
}

fn markup(bytes: &[u8]) -> Option<Recognised> {
    let start = &bytes[..bytes.len().min(MAGIC_BYTES)];
    let text = String::from_utf8_lossy(start).to_ascii_lowercase();
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if !text.starts_with('<') {
        None
    } else if text.contains("<svg") {
        Some(Recognised::Image("SVG"))
    } else if text.starts_with("<!doctype html") || text.starts_with("<html") {
        Some(Recognised::Other("HTML"))
    } else {
        None
    }
}

/// Whether an extension is one of an image, readable or not.
///
/// Unreadable ones count: an image that is passed over in silence looks like an image that was
/// judged.
pub(super) fn is_image_extension(extension: &str) -> bool {
    const KNOWN: [&str; 21] = [
        "jpg", "jpeg", "jpe", "jfif", "png", "apng", "webp", "gif", "bmp", "dib", "tif", "tiff",
        "heic", "heif", "avif", "jxl", "jp2", "psd", "svg", "ico", "exr",
    ];
    KNOWN.iter().any(|known| known.eq_ignore_ascii_case(extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_files_are_called_by_their_name() {
        let cases: [(&[u8], Recognised); 7] = [
            (b"\0\0\0\x18ftypheic\0\0", Recognised::Image("HEIC")),
            (b"\0\0\0\x18ftypavif\0\0", Recognised::Image("AVIF")),
            (b"<?xml version='1.0'?>\n<svg width='1'>", Recognised::Image("SVG")),
            (b"\xef\xbb\xbf <!DOCTYPE html><html>", Recognised::Other("HTML")),
            (b"%PDF-1.7", Recognised::Other("PDF")),
            (b"BMW is a car, not a bitmap", Recognised::Unknown),
            (b"", Recognised::Unknown),
        ];
        for (bytes, kind) in cases {
            assert_eq!(recognise(bytes), Err(kind));
        }
    }

    #[test]
    fn extensions_count_in_any_case() {
        assert!(is_image_extension("JPeG") && is_image_extension("heic"));
        assert!(!is_image_extension("txt") && !is_image_extension(""));
    }
}
