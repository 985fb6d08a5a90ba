//! From image files to what a model is shown.
//!
//! This room owns reading untrusted files within [`Limits`], their frames, their orientation, the
//! [`View`]s of a [`Picture`], and the way from command-line inputs to files ([`Sources`]). It
//! promises pictures that are whole, upright, RGB of 8 bits, and composed over white; what can't
//! be promised is a [`DecodeError`]. It never prints, keeps no state, and starts no threads.
//!
//! ```
//! use praetor::imaging::{Limits, Source, decode_bytes};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let mut png = std::io::Cursor::new(Vec::new());
//! # image::RgbImage::new(3, 2).write_to(&mut png, image::ImageFormat::Png)?;
//! let decoded = decode_bytes(&Source::new("upload-17"), png.get_ref(), &Limits::default())?;
//! let view = decoded.pictures[0].whole();
//! assert_eq!(view.pixels().dimensions(), (3, 2));
//! # Ok(())
//! # }
//! ```
//!
//! What is left open, and how it is bounded:
//! - The WebP decoder has no limits of its own. Its every size (canvas, frame, bitstream) is read
//!   from the chunks before, and its memory follows from those.
//! - A GIF's decoder knows a memory limit but no limit on work: each tiny frame costs a whole
//!   canvas. [`Limits::animation_pixels`] bounds their product.
//! - APNG of 16 bits a channel, and TIFF with a palette, YCbCr or floats of 16 bits, are refused as
//!   unsupported because their decoders are.
//! - PNG, WebP and JPEG without their end are refused even if all pixels are there, since nobody
//!   can tell. A GIF that ends after a whole frame is taken and marked as cut: such files exist.
//! - A JPEG whose data stops early but that carries its end marker is taken as it is: viewers show
//!   the missing part in grey, and so it is judged. Any other damage to a JPEG is an error, also
//!   where viewers would go on, since they go on in different ways.
//! - A decoder that panics is caught, but the process's panic hook still writes its message to
//!   standard error; a program that minds sets a hook of its own.

mod decode;
mod error;
mod file;
mod fill;
mod flatten;
mod format;
mod frames;
mod limits;
mod outline;
pub mod resample;
mod source;
mod sources;
mod view;

use std::sync::Arc;

use image::RgbImage;

use crate::ids::ImageHash;

pub use decode::{decode, decode_bytes};
pub use error::{DecodeError, Fault, Problem};
pub use file::{file_bytes, file_hash};
pub use fill::Fill;
pub use format::{Format, Recognised, begins_an_image};
pub use limits::Limits;
pub use source::{Shown, Source, shown};
pub use sources::{SourceError, Sources};
pub use view::{View, hash_of_pixels};

/// What was in an image file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Decoded {
    /// Hash of the file's bytes.
    pub hash: ImageHash,
    /// Frames or pages that differ from all earlier ones, in order; at least one.
    pub pictures: Vec<Picture>,
    /// Whether frames or pages may exist that differ from all of `pictures`: the limits left some
    /// out, or a GIF ends without its trailer.
    pub cut: bool,
    /// Whether the file holds more than one frame or page, be they alike or not.
    pub animated: bool,
}

/// One still picture of a file: upright, RGB of 8 bits a channel, composed over white.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "callers with pixels of their own make pictures")]
pub struct Picture {
    /// Where it came from.
    pub source: Source,
    /// Hash of the file's bytes, the same for all pictures of a file.
    pub hash: ImageHash,
    /// Which frame or page of the file, counted from zero; zero for a still image. In an APNG
    /// with a still image of its own that image is frame zero, before those of the animation.
    pub frame: u32,
    /// The pixels; at least one.
    pub pixels: Arc<RgbImage>,
}

impl Picture {
    /// The view of all of it.
    pub fn whole(&self) -> View {
        View::whole(Arc::clone(&self.pixels))
    }
}
