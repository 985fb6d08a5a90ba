//! A view as servers take it: a PNG in a data URL, made once for all questions about it.

use std::io::Cursor;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

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
    /// Compresses a view without loss; it is said of every question about it if that fails.
    pub(in crate::vlm) fn of(view: Option<&View>) -> Result<Option<Self>, Why> {
        let Some(view) = view else { return Ok(None) };
        let mut png = Cursor::new(Vec::new());
        let written = view.pixels().write_to(&mut png, image::ImageFormat::Png);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_is_a_png_and_its_name_holds_no_pixels() {
        let view = View::whole(image::RgbImage::new(2, 2));
        let sheet = Sheet::of(Some(&view)).unwrap().unwrap();
        assert!(sheet.url.starts_with("data:image/png;base64,iVBOR"));
        let hidden = sheet.hidden_in(&format!("{{\"url\":\"{}\"}}", sheet.url));
        assert_eq!(hidden, format!("{{\"url\":\"view:{}\"}}", view.hash()));
    }
}
