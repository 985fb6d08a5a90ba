//! Chunks of a PNG: its size, its frames if it is animated, and its end.

use super::{Fault, Outline, Walk, length};

/// Walks all chunks up to `IEND`; a PNG without one counts as cut off.
pub(super) fn outline(bytes: &[u8]) -> Result<Outline, Fault> {
    let mut walk = Walk::new(bytes, 8);
    let mut outline = Outline::of_canvas((0, 0));
    let (mut animated, mut frames, mut claimed, mut data_seen) = (false, 0, 0, false);
    loop {
        let size = length(walk.u32_be()?)?;
        let name: [u8; 4] = walk.array()?;
        let mut data = Walk::new(walk.take(size)?, 0);
        walk.take(4)?;
        match &name {
            b"IHDR" if outline.canvas == (0, 0) => {
                outline = Outline::of_canvas((data.u32_be()?, data.u32_be()?));
            }
            b"acTL" if !data_seen => {
                animated = true;
                claimed = data.u32_be()?;
            }
            b"fcTL" => {
                frames += 1;
                data.take(4)?;
                outline.meet((data.u32_be()?, data.u32_be()?));
            }
            b"IDAT" => {
                outline.still_apart |= !data_seen && frames == 0;
                data_seen = true;
            }
            b"IEND" => break,
            _ => {}
        }
    }
    // Viewers show as many frames as are claimed, and refuse more claims than frames.
    outline.frames = if animated { claimed } else { 1 };
    outline.still_apart &= animated;
    if animated && (claimed == 0 || claimed > frames) {
        return Err(Fault::malformed(format!(
            "{claimed} frames are claimed and {frames} are there"
        )));
    }
    Ok(outline)
}
