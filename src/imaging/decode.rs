//! From a file to its pictures: read within limits, walk the structure, decode, keep the frames
//! that differ.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use image::RgbImage;

use super::error::{DecodeError, Fault, Problem};
use super::file::{at, read};
use super::format::{Format, Recognised, recognise};
use super::frames::Opened;
use super::limits::Limits;
use super::outline::outline;
use super::source::Source;
use super::{Decoded, Picture};
use crate::ids::Hash;

/// Reads a file and decodes the pictures in it.
///
/// Blocks while it reads and decodes; takes no locks, so that many threads may call it. Folders,
/// pipes and devices are refused without opening them.
///
/// # Errors
/// [`DecodeError`] when there is no such file, it is no image, it is damaged, or it exceeds the
/// limits. A picture is whole or an error, never half of one.
pub fn decode(source: &Source, limits: &Limits) -> Result<Decoded, DecodeError> {
    let bytes = read(source.path(), limits);
    let pictures = bytes.and_then(|bytes| pictures(source, &bytes, limits));
    pictures.map_err(|problem| at(source, problem))
}

/// Decodes the pictures in a file's bytes; `source` is the name they go by.
///
/// # Errors
/// As [`decode`], less what concerns the file system.
///
/// ```
/// use praetor::imaging::{Limits, Source, decode_bytes};
/// let error = decode_bytes(&Source::new("upload-17"), b"%PDF-1.7", &Limits::default());
/// assert_eq!(error.unwrap_err().code(), "unsupported");
/// ```
pub fn decode_bytes(
    source: &Source,
    bytes: &[u8],
    limits: &Limits,
) -> Result<Decoded, DecodeError> {
    let fits = u64::try_from(bytes.len()).is_ok_and(|size| size <= limits.file_bytes);
    let checked = if fits {
        pictures(source, bytes, limits)
    } else {
        Err(Problem::TooLarge { limit_bytes: limits.file_bytes })
    };
    checked.map_err(|problem| at(source, problem))
}

fn pictures(source: &Source, bytes: &[u8], limits: &Limits) -> Result<Decoded, Problem> {
    if bytes.is_empty() {
        return Err(Problem::Empty);
    }
    let unsupported = |recognised: Recognised| Problem::Unsupported { recognised };
    let format = recognise(bytes).map_err(unsupported)?;
    // Decoders of untrusted data have panicked before (image-rs/image#2783).
    let kept = catch_unwind(AssertUnwindSafe(|| decode_as(format, bytes, limits)))
        .unwrap_or(Err(Problem::Corrupt { format, fault: Fault::Panicked }))?;
    let hash = Hash::of(bytes);
    let pictures = kept.frames.into_iter().map(|(frame, pixels)| Picture {
        source: source.clone(),
        hash,
        frame,
        pixels: Arc::new(pixels),
    });
    let pictures = pictures.collect();
    Ok(Decoded { hash, pictures, cut: kept.cut, animated: kept.animated })
}

/// The frames that are kept, each with its number.
struct Kept {
    frames: Vec<(u32, RgbImage)>,
    cut: bool,
    animated: bool,
}

fn decode_as(format: Format, bytes: &[u8], limits: &Limits) -> Result<Kept, Problem> {
    let outline = outline(format, bytes, limits.frames_read)
        .map_err(|fault| Problem::Corrupt { format, fault })?;
    limits.check_pixels(format, &outline)?;
    let bytes = &bytes[..outline.end.unwrap_or(bytes.len())];
    let opened = Opened { format, bytes, outline: &outline, limits };
    let room = limits.room(format, &outline, opened.bytes_per_pixel()?)?;
    let read = usize::try_from(limits.frames_to_read(&outline)).unwrap_or(usize::MAX);
    let animated = outline.frames > 1 || outline.still_apart;
    // The still image of an APNG comes before the frames that are counted.
    let read = read.saturating_add(usize::from(outline.still_apart));
    let (frames, different) = keep_different(opened, read, room)?;
    let unread = u32::try_from(read).is_ok_and(|read| read < outline.frames);
    let cut = unread || outline.open_end || different > frames.len();
    Ok(Kept { frames, cut, animated })
}

/// Keeps the frames that differ from all earlier ones; when there is no room for all of them,
/// those that lie evenly over the animation, its first and last included, so that what matters
/// can't hide behind a long harmless start. Only then the file is decoded a second time.
///
/// Also returns how many differ.
fn keep_different(
    opened: Opened<'_>,
    read: usize,
    room: usize,
) -> Result<(Vec<(u32, RgbImage)>, usize), Problem> {
    let mut seen = HashSet::new();
    let mut different = Vec::new();
    let mut kept = Vec::new();
    for (number, frame) in (0..).zip(opened.frames()?.take(read)) {
        let frame = frame?;
        if seen.insert(pixel_hash(&frame)) {
            different.push(number);
            if different.len() <= room {
                kept.push((number, frame));
            } else {
                kept = Vec::new();
            }
        }
    }
    if different.is_empty() {
        let fault = Fault::malformed("no frame in it");
        return Err(Problem::Corrupt { format: opened.format, fault });
    }
    if different.len() > room {
        let chosen: HashSet<u32> = spread(different.len(), room).map(|at| different[at]).collect();
        for (number, frame) in (0..).zip(opened.frames()?.take(read)) {
            if chosen.contains(&number) {
                kept.push((number, frame?));
            } else {
                frame?;
            }
        }
    }
    Ok((kept, different.len()))
}

fn pixel_hash(frame: &RgbImage) -> Hash {
    Hash::of_parts([frame.width().to_le_bytes().as_slice(), frame.as_raw()])
}

/// `room` places of `count`, evenly spread, the first and the last among them.
fn spread(count: usize, room: usize) -> impl Iterator<Item = usize> {
    let last = count.saturating_sub(1);
    let gaps = room.saturating_sub(1).max(1);
    (0..room.min(count)).map(move |nth| nth * last / gaps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_frames_reach_from_first_to_last() {
        assert_eq!(spread(100, 4).collect::<Vec<_>>(), [0, 33, 66, 99]);
        assert_eq!(spread(3, 2).collect::<Vec<_>>(), [0, 2]);
        assert_eq!(spread(5, 1).collect::<Vec<_>>(), [0]);
    }
}
