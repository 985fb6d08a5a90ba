//! Directories of a TIFF: one a page, chained by offsets.
//!
//! The `image` crate decodes the first page only. A page is chosen by writing its directory's
//! offset over that of the first, which costs nothing and keeps one decoder for all pages.

use super::{Fault, Outline};

/// Tags of a directory.
mod tag {
    pub(super) const KIND: u16 = 254;
    pub(super) const WIDTH: u16 = 256;
    pub(super) const HEIGHT: u16 = 257;
}

/// Bits of [`tag::KIND`] that mark a smaller version of another page, or a mask for one.
const DERIVED: u64 = 0b101;

/// Walks the chain of pages. Pages that are derived from another (thumbnails, masks) are passed
/// over, except the first; the walk ends after `most_pages`, and at a loop.
pub(super) fn outline(bytes: &[u8], most_pages: u32) -> Result<Outline, Fault> {
    let layout = Layout::of(bytes)?;
    let mut outline = Outline::of_canvas((0, 0));
    let mut visited = Vec::new();
    let mut next = layout.offset(bytes, layout.first_at())?;
    let most = usize::try_from(most_pages).unwrap_or(usize::MAX).saturating_add(1);
    while next != 0 && !visited.contains(&next) && visited.len() < most {
        visited.push(next);
        let page = match layout.page(bytes, next) {
            Ok(page) => page,
            Err(fault) if outline.pages.is_empty() => return Err(fault),
            Err(_) => return Err(Fault::Truncated),
        };
        if outline.pages.is_empty() {
            outline.canvas = page.size;
        }
        if outline.pages.is_empty() || page.kind & DERIVED == 0 {
            outline.meet(page.size);
            outline.pages.push(next);
        }
        next = page.next;
    }
    if outline.pages.is_empty() {
        return Err(Fault::malformed("no page in it"));
    }
    outline.frames = u32::try_from(outline.pages.len()).unwrap_or(u32::MAX);
    Ok(outline)
}

/// Makes `page` the first of the file, in a copy of it.
pub(in crate::imaging) fn point_to_page(bytes: &mut [u8], page: u64) -> Result<(), Fault> {
    let layout = Layout::of(bytes)?;
    let at = layout.first_at();
    let field = bytes.get_mut(at..at + layout.word()).ok_or(Fault::Truncated)?;
    let little = page.to_le_bytes();
    for (index, byte) in field.iter_mut().enumerate() {
        let from_end = layout.word() - 1 - index;
        *byte = little[if layout.big_endian { from_end } else { index }];
    }
    Ok(())
}

struct Page {
    size: (u32, u32),
    kind: u64,
    next: u64,
}

/// Byte order and width of offsets.
struct Layout {
    big_endian: bool,
    big_tiff: bool,
}

impl Layout {
    fn of(bytes: &[u8]) -> Result<Self, Fault> {
        match bytes {
            [order, _, a, b, ..] => {
                Ok(Self { big_endian: *order == b'M', big_tiff: *a == b'+' || *b == b'+' })
            }
            _ => Err(Fault::Truncated),
        }
    }

    /// Bytes of an offset.
    fn word(&self) -> usize {
        if self.big_tiff { 8 } else { 4 }
    }

    /// Where the offset of the first directory stands.
    fn first_at(&self) -> usize {
        self.word()
    }

    /// A number of up to eight bytes in the file's order.
    fn number(&self, bytes: &[u8], at: usize, width: usize) -> Result<u64, Fault> {
        let end = at.checked_add(width).ok_or(Fault::Truncated)?;
        let field = bytes.get(at..end).ok_or(Fault::Truncated)?;
        let push = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Ok(if self.big_endian {
            field.iter().fold(0, push)
        } else {
            field.iter().rev().fold(0, push)
        })
    }

    fn offset(&self, bytes: &[u8], at: usize) -> Result<u64, Fault> {
        self.number(bytes, at, self.word())
    }

    fn page(&self, bytes: &[u8], at: u64) -> Result<Page, Fault> {
        let at = usize::try_from(at).map_err(|_| Fault::Truncated)?;
        let (count_width, entry_width) = if self.big_tiff { (8, 20) } else { (2, 12) };
        let count = self.number(bytes, at, count_width)?;
        let entries = at.checked_add(count_width).ok_or(Fault::Truncated)?;
        let end = usize::try_from(count)
            .ok()
            .and_then(|count| count.checked_mul(entry_width))
            .and_then(|size| entries.checked_add(size))
            .filter(|&end| end <= bytes.len())
            .ok_or(Fault::Truncated)?;
        let mut page = Page { size: (0, 0), kind: 0, next: 0 };
        for entry in (entries..end).step_by(entry_width) {
            let name = self.number(bytes, entry, 2)?;
            let width = match self.number(bytes, entry + 2, 2)? {
                1 => 1,
                3 => 2,
                4 => 4,
                16 => 8,
                _ => continue,
            };
            let value = || self.number(bytes, entry + entry_width - self.word(), width);
            match u16::try_from(name) {
                Ok(tag::KIND) => page.kind = value()?,
                Ok(tag::WIDTH) => page.size.0 = side(value()?),
                Ok(tag::HEIGHT) => page.size.1 = side(value()?),
                _ => {}
            }
        }
        page.next = self.offset(bytes, end)?;
        Ok(page)
    }
}

/// A side too long for 32 bits is as good as the longest: both are refused.
fn side(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
