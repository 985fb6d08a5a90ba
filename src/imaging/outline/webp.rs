//! Chunks of a WebP: the canvas, every bitstream with its own size, and the frames.

use super::{Fault, Outline, Walk, length};
use crate::imaging::limits::area;

/// Walks all chunks within the size that the container claims; a chunk that reaches beyond means
/// that the file is cut off.
pub(super) fn outline(bytes: &[u8]) -> Result<Outline, Fault> {
    let mut walk = Walk::new(bytes, 4);
    let size = length(walk.u32_le()?)?;
    // Some writers leave out the byte that pads the last chunk.
    let missing = size.checked_add(8).ok_or(Fault::Truncated)?.saturating_sub(bytes.len());
    if missing > usize::from(!size.is_multiple_of(2)) {
        return Err(Fault::Truncated);
    }
    let end = (size + 8).min(bytes.len());
    let mut body = Walk::new(&bytes[..end], 12);
    let mut outline = Outline::of_canvas((0, 0));
    let mut frames = 0_u32;
    while let Some((name, mut data)) = chunk(&mut body)? {
        match &name {
            b"VP8X" => {
                data.take(4)?;
                let canvas = (data.u24_le()? + 1, data.u24_le()? + 1);
                if outline.canvas == (0, 0) {
                    outline.canvas = canvas;
                }
                outline.meet(canvas);
            }
            b"ANMF" => {
                frames = frames.saturating_add(1);
                data.take(6)?;
                outline.meet((data.u24_le()? + 1, data.u24_le()? + 1));
                data.take(4)?;
                while let Some((name, data)) = chunk(&mut data)? {
                    bitstream(&mut outline, name, data);
                }
            }
            _ => bitstream(&mut outline, name, data),
        }
    }
    outline.frames = frames.max(1);
    outline.end = Some(end);
    Ok(outline)
}

/// The next chunk's name and data; `None` at the end.
fn chunk<'b>(walk: &mut Walk<'b>) -> Result<Option<([u8; 4], Walk<'b>)>, Fault> {
    if walk.at >= walk.bytes.len() {
        return Ok(None);
    }
    let name = walk.array()?;
    let size = length(walk.u32_le()?)?;
    let data = walk.take(size)?;
    walk.at += size % 2;
    Ok(Some((name, Walk::new(data, 0))))
}

/// Notes the size of lossy or lossless data. Lossy data is looked for in every chunk, because the
/// decoder takes any chunk that follows an alpha chunk for lossy data, whatever its name.
fn bitstream(outline: &mut Outline, name: [u8; 4], mut data: Walk<'_>) {
    let Some(size) = (if &name == b"VP8L" { lossless(&mut data) } else { lossy(&mut data) }) else {
        return;
    };
    if area(outline.canvas) == 0 {
        outline.canvas = size;
    }
    outline.meet(size);
}

fn lossy(data: &mut Walk<'_>) -> Option<(u32, u32)> {
    data.take(3).ok()?;
    if data.array().ok()? != [0x9D, 0x01, 0x2A] {
        return None;
    }
    let mut side = || data.u16_le().ok().map(|side| u32::from(side & 0x3FFF));
    Some((side()?, side()?))
}

fn lossless(data: &mut Walk<'_>) -> Option<(u32, u32)> {
    data.take(1).ok()?;
    let sides = data.u32_le().ok()?;
    Some(((sides & 0x3FFF) + 1, (sides >> 14 & 0x3FFF) + 1))
}
