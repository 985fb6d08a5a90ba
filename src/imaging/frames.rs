//! Frames of a file, one after the other, each composed, upright and flattened.
//!
//! A stream decodes a frame when it is asked for and holds no more than its decoder does.

use std::borrow::Cow;
use std::io::Cursor;

use image::codecs::bmp::BmpDecoder;
use image::codecs::gif::GifDecoder;
use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::tiff::TiffDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{AnimationDecoder as _, DynamicImage, ImageDecoder, ImageResult, RgbImage};

use super::error::{Fault, Problem};
use super::flatten::flatten;
use super::format::Format;
use super::limits::{Limits, area};
use super::outline::{Outline, point_to_page};

/// Frames in the file's order; each decoded when asked for.
pub(super) type Frames<'b> = Box<dyn Iterator<Item = Result<RgbImage, Problem>> + 'b>;

/// A file whose structure is known and within the limits.
#[derive(Clone, Copy)]
pub(super) struct Opened<'b> {
    pub(super) format: Format,
    pub(super) bytes: &'b [u8],
    pub(super) outline: &'b Outline,
    pub(super) limits: &'b Limits,
}

impl<'b> Opened<'b> {
    /// Bytes per pixel that the decoder gives out, known from the header.
    pub(super) fn bytes_per_pixel(&self) -> Result<u64, Problem> {
        let colour = match self.format {
            Format::Jpeg => JpegDecoder::new(self.cursor()).map(|d| d.color_type()),
            Format::Bmp => BmpDecoder::new(self.cursor()).map(|d| d.color_type()),
            Format::Tiff => TiffDecoder::new(self.cursor()).map(|d| d.color_type()),
            Format::Png => self.png().map(|d| d.color_type()),
            Format::WebP | Format::Gif => return Ok(4),
        };
        colour.map(|colour| u64::from(colour.bytes_per_pixel())).map_err(|e| self.problem(&e))
    }

    /// Begins at the first frame.
    pub(super) fn frames(self) -> Result<Frames<'b>, Problem> {
        if self.outline.pages.len() > 1 {
            return Ok(self.pages());
        }
        let animated = self.outline.frames > 1 || self.outline.still_apart;
        match self.format {
            Format::Gif => self.gif(),
            Format::Png if animated => self.apng(),
            Format::WebP => self.webp(),
            _ => Ok(Box::new(std::iter::once_with(move || self.still(self.bytes)))),
        }
    }

    fn cursor(&self) -> Cursor<&'b [u8]> {
        Cursor::new(self.bytes)
    }

    fn problem(&self, error: &image::ImageError) -> Problem {
        Problem::from_decoder(self.format, error, self.limits.memory_bytes)
    }

    fn png(&self) -> ImageResult<PngDecoder<Cursor<&'b [u8]>>> {
        PngDecoder::with_limits(self.cursor(), self.decoder_limits())
    }

    fn decoder_limits(&self) -> image::Limits {
        self.limits.for_decoder(self.outline)
    }

    /// Refuses a decoder that reads another size from the file than the outline did; none is known,
    /// and none shall cost more than the limits allow.
    fn agree(&self, decoder: &impl ImageDecoder) -> Result<(), Problem> {
        let (width, height) = decoder.dimensions();
        let most = area(self.outline.largest).max(area(self.outline.canvas));
        if area((width, height)) > most {
            return Err(Problem::TooManyPixels { width, height, limit: most });
        }
        Ok(())
    }

    /// The one image of a file, or the first page.
    fn still(&self, bytes: &[u8]) -> Result<RgbImage, Problem> {
        let cursor = Cursor::new(bytes);
        match self.format {
            Format::Jpeg => self.jpeg(bytes),
            Format::Png => self.upright(PngDecoder::with_limits(cursor, self.decoder_limits())),
            Format::WebP => self.upright(WebPDecoder::new(cursor)),
            Format::Gif => self.upright(GifDecoder::new(cursor)),
            Format::Bmp => self.upright(BmpDecoder::new(cursor)),
            Format::Tiff => self.upright(TiffDecoder::new(cursor)),
        }
    }

    fn upright(&self, decoder: ImageResult<impl ImageDecoder>) -> Result<RgbImage, Problem> {
        let mut decoder = decoder.map_err(|e| self.problem(&e))?;
        self.agree(&decoder)?;
        decoder.set_limits(self.decoder_limits()).map_err(|e| self.problem(&e))?;
        let orientation = orientation(&mut decoder);
        let image = DynamicImage::from_decoder(decoder).map_err(|e| self.problem(&e))?;
        Ok(flatten(image, orientation))
    }

    /// Decodes strictly: the lenient decoder stops at the first damage and leaves the rest grey,
    /// where browsers go on, so that a crafted file could show people what the judge never sees.
    fn jpeg(&self, bytes: &[u8]) -> Result<RgbImage, Problem> {
        use zune_jpeg::zune_core::bytestream::ZCursor;
        use zune_jpeg::zune_core::colorspace::ColorSpace;
        use zune_jpeg::zune_core::options::DecoderOptions;

        let mut header = JpegDecoder::new(Cursor::new(bytes)).map_err(|e| self.problem(&e))?;
        self.agree(&header)?;
        let orientation = orientation(&mut header);
        let (width, height) = header.dimensions();
        let options = DecoderOptions::default()
            .set_strict_mode(true)
            .set_max_width(usize::MAX)
            .set_max_height(usize::MAX)
            .jpeg_set_out_colorspace(ColorSpace::RGB);
        let corrupt = |fault| Problem::Corrupt { format: Format::Jpeg, fault };
        let pixels = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(bytes), options)
            .decode()
            .map_err(|error| corrupt(Fault::malformed(error)))?;
        let image = RgbImage::from_raw(width, height, pixels)
            .ok_or_else(|| corrupt(Fault::malformed("its rows do not fill its size")))?;
        Ok(flatten(image.into(), orientation))
    }

    fn gif(self) -> Result<Frames<'b>, Problem> {
        let mut decoder = GifDecoder::new(self.cursor()).map_err(|e| self.problem(&e))?;
        self.agree(&decoder)?;
        decoder.set_limits(self.decoder_limits()).map_err(|e| self.problem(&e))?;
        Ok(self.composed(decoder.into_frames(), Orientation::NoTransforms))
    }

    /// The frames of the animation, and before them the still image that programs show which do
    /// not know APNG, if it is another.
    fn apng(self) -> Result<Frames<'b>, Problem> {
        let mut decoder = self.png().map_err(|e| self.problem(&e))?;
        self.agree(&decoder)?;
        let orientation = orientation(&mut decoder);
        let frames = decoder.apng().map_err(|e| self.problem(&e))?.into_frames();
        let frames = self.composed(frames, orientation);
        if self.outline.still_apart {
            let still = std::iter::once_with(move || self.still(self.bytes));
            return Ok(Box::new(still.chain(frames)));
        }
        Ok(frames)
    }

    fn webp(self) -> Result<Frames<'b>, Problem> {
        let mut decoder = WebPDecoder::new(self.cursor()).map_err(|e| self.problem(&e))?;
        if !decoder.has_animation() {
            return Ok(Box::new(std::iter::once_with(move || self.still(self.bytes))));
        }
        self.agree(&decoder)?;
        let orientation = orientation(&mut decoder);
        Ok(self.composed(decoder.into_frames(), orientation))
    }

    fn composed(self, frames: image::Frames<'b>, orientation: Orientation) -> Frames<'b> {
        Box::new(frames.map(move |frame| {
            let frame = frame.map_err(|error| self.problem(&error))?;
            Ok(flatten(frame.into_buffer().into(), orientation))
        }))
    }

    fn pages(self) -> Frames<'b> {
        let mut bytes: Cow<'b, [u8]> = Cow::Borrowed(self.bytes);
        Box::new(self.outline.pages.iter().map(move |&page| {
            let corrupt = |fault| Problem::Corrupt { format: self.format, fault };
            point_to_page(bytes.to_mut(), page).map_err(corrupt)?;
            self.still(&bytes)
        }))
    }
}

/// How a picture is to be turned. Metadata that can't be read turns nothing.
fn orientation(decoder: &mut impl ImageDecoder) -> Orientation {
    let told = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    if told != Orientation::NoTransforms {
        return told;
    }
    // Some writers of WebP begin the chunk as JPEG does.
    let exif = decoder.exif_metadata().ok().flatten();
    exif.as_deref()
        .and_then(|exif| exif.strip_prefix(b"Exif\0\0"))
        .and_then(Orientation::from_exif_chunk)
        .unwrap_or(Orientation::NoTransforms)
}
