//! Words on a picture, in a font of 8 by 8 dots.

use font8x8::UnicodeFonts;
use image::{Rgb, RgbImage};

/// Dots of a letter, across and down.
const DOTS: u32 = 8;

/// Lines that would fit on a picture, one above the other.
const LINES: u32 = 10;

/// Writes words over the lower edge, white with a black shadow, a tenth of the picture high or as large
/// as they fit across; letters that the font does not have are left blank.
pub(super) fn write_over(picture: &mut RgbImage, words: &str) {
    let (width, height) = picture.dimensions();
    let letters = u32::try_from(words.chars().count()).unwrap_or(u32::MAX).max(1);
    let fits = width / letters.saturating_mul(DOTS).max(1);
    let dot = (height / (DOTS * LINES)).min(fits).max(1);
    let top = height.saturating_sub((DOTS + 1) * dot);
    // The shadow first, so that it never lies on a letter.
    draw(picture, words, (2 * dot, top + dot, dot), Rgb([0; 3]));
    draw(picture, words, (dot, top, dot), Rgb([255; 3]));
}

fn draw(picture: &mut RgbImage, words: &str, (left, top, dot): (u32, u32, u32), ink: Rgb<u8>) {
    let mut at = left;
    for letter in words.chars() {
        if at >= picture.width() {
            return;
        }
        let glyph = font8x8::BASIC_FONTS.get(letter).or_else(|| font8x8::LATIN_FONTS.get(letter));
        for (row, bits) in (0..).zip(glyph.unwrap_or_default()) {
            for column in (0..DOTS).filter(|column| bits & (1 << column) != 0) {
                fill(picture, (at + column * dot, top + row * dot, dot), ink);
            }
        }
        at += DOTS * dot;
    }
}

/// One dot, as far as it lies on the picture.
fn fill(picture: &mut RgbImage, (left, top, dot): (u32, u32, u32), ink: Rgb<u8>) {
    for y in top..(top + dot).min(picture.height()) {
        for x in left..(left + dot).min(picture.width()) {
            picture.put_pixel(x, y, ink);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_cover_the_lower_edge_and_nothing_else() {
        let mut picture = RgbImage::from_pixel(200, 160, Rgb([128; 3]));
        write_over(&mut picture, "Hi");
        let touched: Vec<(u32, u32)> = picture
            .enumerate_pixels()
            .filter(|(_, _, pixel)| pixel.0 != [128; 3])
            .map(|(x, y, _)| (x, y))
            .collect();
        assert!(touched.len() > 100, "{}", touched.len());
        // Two letters of 16 pixels, with their margin and shadow.
        assert!(touched.iter().all(|&(x, y)| x < 36 && y >= 142), "{touched:?}");
        assert!(picture.pixels().any(|pixel| pixel.0 == [255; 3]));
    }

    #[test]
    fn words_that_are_too_long_are_cut_at_the_edge() {
        let mut picture = RgbImage::from_pixel(20, 20, Rgb([128; 3]));
        write_over(&mut picture, &"W".repeat(500));
        assert_eq!(picture.get_pixel(0, 0).0, [128; 3]);
        assert!(picture.pixels().any(|pixel| pixel.0 == [255; 3]));
    }
}
