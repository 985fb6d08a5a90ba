//! Blocks of a GIF: the screen, every image on it, and the trailer.

use super::{Fault, Outline, Walk};

/// Walks all blocks up to the trailer. Some writers leave it out; then frames may be missing, which
/// nobody can tell, and the end is noted as open.
pub(super) fn outline(bytes: &[u8]) -> Result<Outline, Fault> {
    let mut walk = Walk::new(bytes, 6);
    let mut outline = Outline::of_canvas(size(&mut walk)?);
    outline.frames = 0;
    let flags = walk.u8()?;
    walk.take(2)?;
    walk.take(colour_table(flags))?;
    loop {
        if walk.at == bytes.len() && outline.frames > 0 {
            outline.open_end = true;
            return Ok(outline);
        }
        match walk.u8()? {
            0x21 => {
                walk.u8()?;
                data_blocks(&mut walk)?;
            }
            0x2C => {
                walk.take(4)?;
                outline.meet(size(&mut walk)?);
                let flags = walk.u8()?;
                walk.take(colour_table(flags))?;
                walk.u8()?;
                data_blocks(&mut walk)?;
                outline.frames = outline.frames.saturating_add(1);
            }
            0x3B if outline.frames == 0 => return Err(Fault::malformed("no image in it")),
            0x3B => return Ok(outline),
            other => return Err(Fault::malformed(format!("unknown block {other:#04x}"))),
        }
    }
}

fn size(walk: &mut Walk<'_>) -> Result<(u32, u32), Fault> {
    Ok((u32::from(walk.u16_le()?), u32::from(walk.u16_le()?)))
}

/// Bytes of the colour table that flags announce.
fn colour_table(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

fn data_blocks(walk: &mut Walk<'_>) -> Result<(), Fault> {
    loop {
        match walk.u8()? {
            0 => return Ok(()),
            count => walk.take(usize::from(count))?,
        };
    }
}
