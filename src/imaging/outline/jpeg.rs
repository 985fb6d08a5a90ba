//! Segments of a JPEG: its size and its end.

use super::{Fault, Outline, Walk};

/// Walks all segments and scans up to the end marker; a JPEG without one counts as cut off, which
/// the decoder alone would fill with grey.
pub(super) fn outline(bytes: &[u8]) -> Result<Outline, Fault> {
    let mut walk = Walk::new(bytes, 2);
    let mut outline = Outline::of_canvas((0, 0));
    loop {
        match marker(&mut walk)? {
            // Without a length: temporary, restarts, start.
            0x01 | 0xD0..=0xD8 => {}
            0xD9 => return Ok(outline),
            frame @ 0xC0..=0xCF if !matches!(frame, 0xC4 | 0xC8 | 0xCC) => {
                let mut data = segment(&mut walk)?;
                data.take(1)?;
                let height = u32::from(data.u16_be()?);
                let size = (u32::from(data.u16_be()?), height);
                if outline.canvas == (0, 0) {
                    outline.canvas = size;
                }
                outline.meet(size);
            }
            _ => {
                segment(&mut walk)?;
            }
        }
    }
}

/// Finds the next marker, over fill bytes and over coded data with its stuffed zeros.
fn marker(walk: &mut Walk<'_>) -> Result<u8, Fault> {
    loop {
        let rest = walk.bytes.get(walk.at..).ok_or(Fault::Truncated)?;
        let escape = rest.iter().position(|&byte| byte == 0xFF).ok_or(Fault::Truncated)?;
        walk.at += escape + 1;
        match walk.u8()? {
            0 => {}
            0xFF => walk.at -= 1,
            marker => return Ok(marker),
        }
    }
}

fn segment<'b>(walk: &mut Walk<'b>) -> Result<Walk<'b>, Fault> {
    let size = usize::from(walk.u16_be()?);
    let size = size.checked_sub(2).ok_or_else(|| Fault::malformed("a segment of no length"))?;
    Ok(Walk::new(walk.take(size)?, 0))
}
