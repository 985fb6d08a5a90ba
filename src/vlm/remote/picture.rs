//! A view as servers take it: a PNG in a data URL, made once for all questions about it.

use std::io::Cursor;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::RgbImage;
use image::imageops::{FilterType, resize};

use crate::ids::Hash;
use crate::imaging::View;
use crate::verdict::Why;

/// A view in a data URL, and what it is called where pixels have no business.
#[derive(Clone, Debug)]
pub(in crate::vlm) struct Sheet {
    pub(in crate::vlm) url: Arc<str>,
    hash: Hash,
}

impl Sheet {
    /// Compresses a view without loss, shrunk where a side is longer than `longest`; it is said of
    /// every question about it if that fails.
    pub(in crate::vlm) fn of(
        view: Option<&View>,
        longest: Option<u32>,
    ) -> Result<Option<Self>, Why> {
        let Some(view) = view else { return Ok(None) };
        let mut png = Cursor::new(Vec::new());
        let shrunk = longest.and_then(|longest| shrunk(view.pixels(), longest));
        let pixels = shrunk.as_ref().unwrap_or(view.pixels());
        let written = pixels.write_to(&mut png, image::ImageFormat::Png);
        written
            .map_err(|error| Why::Failed { detail: format!("the view can't be sent: {error}") })?;
        let url = format!("data:image/png;base64,{}", STANDARD.encode(png.into_inner()));
        Ok(Some(Self { url: url.into(), hash: view.hash() }))
    }

    /// A text with the view's hash in the place of the view.
    pub(super) fn hidden_in(&self, text: &str) -> String {
        text.replace(&*self.url, &format!("view:{}", self.hash))
    }
}

/// Pixels whose longer side is `longest`; nothing where it is no longer anyway.
fn shrunk(pixels: &RgbImage, longest: u32) -> Option<RgbImage> {
    let (width, height) = pixels.dimensions();
    let side = width.max(height);
    let scaled = |length: u32| {
        let length = u64::from(length) * u64::from(longest) / u64::from(side.max(1));
        u32::try_from(length).unwrap_or(longest).max(1)
    };
    (side > longest).then(|| resize(pixels, scaled(width), scaled(height), FilterType::CatmullRom))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_too_large_is_shrunk_and_keeps_its_shape() {
        let size =
            |width, height| shrunk(&RgbImage::new(width, height), 64).map(|it| it.dimensions());
        assert_eq!(size(64, 10), None);
        assert_eq!(size(128, 32), Some((64, 16)));
        assert_eq!(size(1, 1_000), Some((1, 64)));
    }

    #[test]
    fn a_sheet_is_a_png_and_its_name_holds_no_pixels() {
        let view = View::whole(image::RgbImage::new(2, 2));
        let sheet = Sheet::of(Some(&view), None).unwrap().unwrap();
        assert!(sheet.url.starts_with("data:image/png;base64,iVBOR"));
        let hidden = sheet.hidden_in(&format!("{{\"url\":\"{}\"}}", sheet.url));
        assert_eq!(hidden, format!("{{\"url\":\"view:{}\"}}", view.hash()));
    }
}
