//! How much of an untrusted file is read, and what its decoding may cost.
//!
//! Every size is taken from the file's own structure and compared here before a decoder runs,
//! because the decoders of the `image` crate keep limits only in part (image-rs/image#3077: WebP
//! has none; #2513: PNG and TIFF of thirty bytes that claim gigabytes).

use super::error::{Fault, Problem};
use super::format::Format;
use super::outline::Outline;

/// Limits on one image file; the default suits a server with untrusted uploads.
///
/// ```
/// use praetor::imaging::Limits;
/// let thumbnails = Limits { pixels: 1_000_000, frames: 4, ..Limits::default() };
/// assert!(thumbnails.file_bytes == 64 * 1024 * 1024);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "callers name the limits they change")]
pub struct Limits {
    /// Largest file, in bytes; one more byte and it is refused. 64 MiB.
    pub file_bytes: u64,
    /// Most pixels a frame may have, and its canvas too. 100 million.
    pub pixels: u64,
    /// Most frames of an animation, or pages, that are kept to be judged. 16.
    pub frames: u32,
    /// Most frames that are decoded to find those that differ. 10 000.
    pub frames_read: u32,
    /// Most pixels that are composed over all frames of an animation, which bounds its time.
    /// 1 billion, about ten seconds.
    pub animation_pixels: u64,
    /// Most memory that decoding and its pictures may take together, in bytes. 2 GiB.
    pub memory_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 64 << 20,
            pixels: 100_000_000,
            frames: 16,
            frames_read: 10_000,
            animation_pixels: 1_000_000_000,
            memory_bytes: 2 << 30,
        }
    }
}

/// Bytes of the RGB picture that comes out, per pixel.
const PICTURE_BYTES: u64 = 3;

/// More than any decoder works with per pixel.
const MOST_WORKING_BYTES: u64 = 48;

/// Memory for profiles, texts and tables of a file.
const METADATA_BYTES: u64 = 64 << 20;

/// Bytes that a decoder holds at its peak per pixel of its largest frame, read from its source:
/// every buffer of an animation (canvas, frame, copy), the coefficients of a progressive JPEG, the
/// planes or transforms of a WebP. `bytes_per_pixel` is the decoder's own output.
fn working_bytes(format: Format, animated: bool, bytes_per_pixel: u64) -> u64 {
    match format {
        Format::Gif => 12,
        Format::Png if animated => 20,
        Format::WebP if animated => 18,
        Format::WebP => bytes_per_pixel + 5,
        Format::Jpeg => bytes_per_pixel + 8,
        Format::Tiff => 3 * bytes_per_pixel,
        Format::Png | Format::Bmp => 2 * bytes_per_pixel,
    }
}

impl Limits {
    /// Refuses an outline without pixels or with too many.
    pub(super) fn check_pixels(&self, format: Format, outline: &Outline) -> Result<(), Problem> {
        for size in [outline.canvas, outline.largest] {
            let (width, height) = size;
            if width == 0 || height == 0 {
                return Err(Problem::Corrupt { format, fault: Fault::NoPixels { width, height } });
            }
            if area(size) > self.pixels {
                return Err(Problem::TooManyPixels { width, height, limit: self.pixels });
            }
        }
        Ok(())
    }

    /// Refuses an outline whose first picture would take more memory than allowed; otherwise says
    /// how many pictures there is room for, at least one and at most `frames`.
    pub(super) fn room(
        &self,
        format: Format,
        outline: &Outline,
        bytes_per_pixel: u64,
    ) -> Result<usize, Problem> {
        let each = working_bytes(format, outline.frames > 1, bytes_per_pixel);
        let working = area(outline.largest).max(area(outline.canvas)).saturating_mul(each);
        let picture = area(outline.canvas).saturating_mul(PICTURE_BYTES).max(1);
        let needed = working.saturating_add(picture);
        if needed > self.memory_bytes {
            let limit_bytes = self.memory_bytes;
            return Err(Problem::TooMuchMemory { needed_bytes: Some(needed), limit_bytes });
        }
        let room = (self.memory_bytes - working) / picture;
        let room = room.clamp(1, u64::from(self.frames.max(1)));
        Ok(usize::try_from(room).unwrap_or(1))
    }

    /// How many frames of this outline are decoded, at least one.
    pub(super) fn frames_to_read(&self, outline: &Outline) -> u32 {
        let each = area(outline.canvas).max(area(outline.largest)).max(1);
        let affordable = u32::try_from(self.animation_pixels / each).unwrap_or(u32::MAX);
        outline.frames.min(self.frames_read).min(affordable).max(1)
    }

    /// Limits for the decoders that know any: enough for the outline and some metadata, so that a
    /// small picture can't bring a colour profile of gigabytes.
    pub(super) fn for_decoder(&self, outline: &Outline) -> image::Limits {
        let pixels = area(outline.largest).max(area(outline.canvas));
        let enough = pixels.saturating_mul(MOST_WORKING_BYTES).saturating_add(METADATA_BYTES);
        let mut limits = image::Limits::no_limits();
        limits.max_alloc = Some(enough.min(self.memory_bytes));
        limits
    }
}

/// Pixels of a size; no overflow, since both sides are 32 bits.
pub(super) fn area((width, height): (u32, u32)) -> u64 {
    u64::from(width) * u64::from(height)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(canvas: (u32, u32), frames: u32) -> Outline {
        Outline { frames, ..Outline::of_canvas(canvas) }
    }

    #[test]
    fn a_canvas_is_refused_before_it_is_allocated() {
        let limits = Limits::default();
        let bomb = outline((50_000, 50_000), 1);
        assert!(matches!(
            limits.check_pixels(Format::Png, &bomb),
            Err(Problem::TooManyPixels { width: 50_000, .. })
        ));
        let small = Limits { memory_bytes: 1_000, ..Limits::default() };
        assert!(matches!(
            small.room(Format::Png, &outline((100, 100), 1), 4),
            Err(Problem::TooMuchMemory { needed_bytes: Some(110_000), .. })
        ));
    }

    #[test]
    fn memory_bounds_the_pictures_kept() {
        let limits = Limits { memory_bytes: 100 * (12 + 3 * 5), ..Limits::default() };
        assert_eq!(limits.room(Format::Gif, &outline((10, 10), 90), 4).unwrap(), 5);
        assert_eq!(Limits::default().room(Format::Gif, &outline((10, 10), 90), 4).unwrap(), 16);
    }

    #[test]
    fn time_bounds_the_frames_read() {
        let limits = Limits { animation_pixels: 1_000, ..Limits::default() };
        assert_eq!(limits.frames_to_read(&outline((10, 10), 90)), 10);
        assert_eq!(limits.frames_to_read(&outline((1, 1), 1_000_000)), 1_000);
        assert_eq!(limits.frames_to_read(&outline((100, 100), 5)), 1);
    }
}
