//! What a file claims about itself, read from its structure before any decoder sees it.
//!
//! Decoders allocate by the sizes they meet on the way, and some go on with grey when the file
//! ends early. So each format's chunks, blocks or segments are walked here first: every size that
//! a decoder will meet, the number of frames, and whether the file ends where its structure says.
//! Walking costs one pass over the bytes and no memory.

mod gif;
mod jpeg;
mod png;
mod tiff;
mod webp;

pub(super) use tiff::point_to_page;

use super::error::Fault;
use super::format::Format;
use super::limits::area;

/// Sizes and counts that a file claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outline {
    /// Width and height of the picture as stored, in pixels.
    pub(super) canvas: (u32, u32),
    /// Size of the largest bitmap that a decoder will meet, which may exceed the canvas.
    pub(super) largest: (u32, u32),
    /// Frames of an animation or pages, at least one.
    pub(super) frames: u32,
    /// Where the directories of a TIFF's pages begin.
    pub(super) pages: Vec<u64>,
    /// Whether an APNG holds a still image that is not part of its animation.
    pub(super) still_apart: bool,
    /// Whether the file ends between two frames without saying that it has ended.
    pub(super) open_end: bool,
    /// Where the walk ended, if the format says so; decoders are not shown what follows.
    pub(super) end: Option<usize>,
}

impl Outline {
    pub(super) fn of_canvas(canvas: (u32, u32)) -> Self {
        Self {
            canvas,
            largest: canvas,
            frames: 1,
            pages: Vec::new(),
            still_apart: false,
            open_end: false,
            end: None,
        }
    }

    fn meet(&mut self, size: (u32, u32)) {
        if area(size) > area(self.largest) {
            self.largest = size;
        }
    }
}

/// Walks a file's structure; `most_pages` bounds the walk over a TIFF's pages.
pub(super) fn outline(format: Format, bytes: &[u8], most_pages: u32) -> Result<Outline, Fault> {
    match format {
        Format::Jpeg => jpeg::outline(bytes),
        Format::Png => png::outline(bytes),
        Format::WebP => webp::outline(bytes),
        Format::Gif => gif::outline(bytes),
        Format::Bmp => bitmap(bytes),
        Format::Tiff => tiff::outline(bytes, most_pages),
    }
}

/// A bitmap's size; its height is negative when its rows run from top to bottom.
fn bitmap(bytes: &[u8]) -> Result<Outline, Fault> {
    let mut walk = Walk::new(bytes, 14);
    let header = walk.u32_le()?;
    let canvas = if header == 12 {
        (u32::from(walk.u16_le()?), u32::from(walk.u16_le()?))
    } else {
        let (width, height) = (walk.u32_le()?.cast_signed(), walk.u32_le()?.cast_signed());
        let width = u32::try_from(width).map_err(|_| Fault::malformed("negative width"))?;
        (width, height.unsigned_abs())
    };
    Ok(Outline::of_canvas(canvas))
}

/// A place in bytes that moves forward; past the end is [`Fault::Truncated`], never a panic.
#[derive(Clone, Copy)]
struct Walk<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Walk<'b> {
    fn new(bytes: &'b [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    fn take(&mut self, count: usize) -> Result<&'b [u8], Fault> {
        let end = self.at.checked_add(count).ok_or(Fault::Truncated)?;
        let taken = self.bytes.get(self.at..end).ok_or(Fault::Truncated)?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        self.take(N)?.try_into().map_err(|_| Fault::Truncated)
    }

    fn u8(&mut self) -> Result<u8, Fault> {
        self.array().map(|[byte]| byte)
    }

    fn u16_le(&mut self) -> Result<u16, Fault> {
        self.array().map(u16::from_le_bytes)
    }

    fn u16_be(&mut self) -> Result<u16, Fault> {
        self.array().map(u16::from_be_bytes)
    }

    fn u24_le(&mut self) -> Result<u32, Fault> {
        self.array().map(|[a, b, c]| u32::from_le_bytes([a, b, c, 0]))
    }

    fn u32_le(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_le_bytes)
    }

    fn u32_be(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_be_bytes)
    }
}

/// A length in a file as a length in memory.
fn length(value: u32) -> Result<usize, Fault> {
    usize::try_from(value).map_err(|_| Fault::Truncated)
}
