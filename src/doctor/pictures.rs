//! What the patient is shown: pictograms that every model of pictures should know, and plain
//! shapes.
//!
//! The pictograms are the demo model's examples, so that the one set is fair to it and to models
//! of photographs alike; their licences are in `models/demo/LICENSES.md`.

use image::imageops::{FilterType, resize};
use image::{ImageFormat, Rgb, RgbImage};

use super::DoctorError;
use crate::imaging::View;

/// Sides of a drawn picture.
const SIDE: u32 = 224;
/// Sides of the pictures by which throughput is measured: about what people send around.
pub(super) const PHOTOGRAPH: (u32, u32) = (1_024, 768);

const RED: Rgb<u8> = Rgb([220, 20, 30]);
const GREEN: Rgb<u8> = Rgb([20, 150, 50]);
const BLUE: Rgb<u8> = Rgb([20, 60, 210]);
const WHITE: Rgb<u8> = Rgb([255; 3]);
const BLACK: Rgb<u8> = Rgb([0; 3]);

/// What is on each pictogram picture is its name.
const PICTOGRAMS: [(&str, &[u8]); 7] = [
    ("child, apple, knife", include_bytes!("../../models/demo/examples/child-and-knife.png")),
    ("house, tree, car", include_bytes!("../../models/demo/examples/street.png")),
    ("cake, woman, child", include_bytes!("../../models/demo/examples/birthday.png")),
    ("blood, skull", include_bytes!("../../models/demo/examples/skull-and-blood.png")),
    ("flower, bomb, dog", include_bytes!("../../models/demo/examples/dog-and-bomb.png")),
    ("man, woman, beer", include_bytes!("../../models/demo/examples/two-beers.png")),
    ("tree, fire, woman", include_bytes!("../../models/demo/examples/woman-by-the-fire.png")),
];

/// A picture and what is on it.
pub(super) struct Shown {
    pub(super) name: &'static str,
    pub(super) view: View,
}

/// A statement that is true of one picture and false of another, both by their names.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    pub(super) statement: &'static str,
    pub(super) on: &'static str,
    pub(super) not_on: &'static str,
}

const fn pair(statement: &'static str, on: &'static str, not_on: &'static str) -> Pair {
    Pair { statement, on, not_on }
}

/// Pairs of pictograms.
pub(super) const PICTOGRAM_PAIRS: [Pair; 12] = [
    pair("a knife is visible", "child, apple, knife", "cake, woman, child"),
    pair("a child is visible", "child, apple, knife", "house, tree, car"),
    pair("an apple is visible", "child, apple, knife", "house, tree, car"),
    pair("a house is visible", "house, tree, car", "cake, woman, child"),
    pair("a car is visible", "house, tree, car", "blood, skull"),
    pair("a tree is visible", "house, tree, car", "child, apple, knife"),
    pair("a cake is visible", "cake, woman, child", "man, woman, beer"),
    pair("a skull is visible", "blood, skull", "house, tree, car"),
    pair("a flower is visible", "flower, bomb, dog", "blood, skull"),
    pair("a dog is visible", "flower, bomb, dog", "cake, woman, child"),
    pair("beer is visible", "man, woman, beer", "flower, bomb, dog"),
    pair("fire is visible", "tree, fire, woman", "child, apple, knife"),
];

/// Pairs of plain shapes and colours.
pub(super) const SHAPE_PAIRS: [Pair; 6] = [
    pair("a red circle is visible", "red circle", "blue square"),
    pair("a blue square is visible", "blue square", "red circle"),
    pair("the whole picture is red", "red", "green"),
    pair("the whole picture is green", "green", "red"),
    pair("a chessboard is visible", "chessboard", "blue square"),
    pair("black and white stripes are visible", "stripes", "red circle"),
];

/// Decodes the pictograms.
pub(super) fn pictograms() -> Result<Vec<Shown>, DoctorError> {
    let decode = |(name, bytes): (&'static str, &[u8])| {
        let decoded = image::load_from_memory_with_format(bytes, ImageFormat::Png);
        let decoded =
            decoded.map_err(|error| DoctorError::Picture { name, detail: error.to_string() })?;
        Ok(Shown { name, view: View::whole(decoded.into_rgb8()) })
    };
    PICTOGRAMS.into_iter().map(decode).collect()
}

/// Draws the plain shapes.
pub(super) fn shapes() -> Vec<Shown> {
    let half = i64::from(SIDE) / 2;
    let within = move |x: u32, y: u32| {
        let (x, y) = (i64::from(x) - half, i64::from(y) - half);
        (x * x + y * y < half * half / 2, x.abs().max(y.abs()) < half * 3 / 5)
    };
    let even = |tile: u32| if tile.is_multiple_of(2) { WHITE } else { BLACK };
    let draw = |name, pixel: &dyn Fn(u32, u32) -> Rgb<u8>| Shown {
        name,
        view: View::whole(RgbImage::from_fn(SIDE, SIDE, pixel)),
    };
    vec![
        draw("red circle", &|x, y| if within(x, y).0 { RED } else { WHITE }),
        draw("blue square", &|x, y| if within(x, y).1 { BLUE } else { WHITE }),
        draw("red", &|_, _| RED),
        draw("green", &|_, _| GREEN),
        draw("chessboard", &|x, y| even(x / 28 + y / 28)),
        draw("stripes", &|x, _| even(x / 16)),
    ]
}

/// As many pictures as are asked for that no model has seen before, of a photograph's size.
pub(super) fn fresh(like: &View, count: u8) -> Vec<View> {
    let large = resize(&**like.pixels(), PHOTOGRAPH.0, PHOTOGRAPH.1, FilterType::Triangle);
    let marked = |mark: u8| {
        let mut pixels = large.clone();
        // Another picture to every cache, and the same to every eye.
        pixels.put_pixel(0, 0, Rgb([mark, 1, 2]));
        View::whole(pixels)
    };
    (0..count).map(marked).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_has_its_pictures() {
        let shown: Vec<Shown> = pictograms().unwrap().into_iter().chain(shapes()).collect();
        for pair in PICTOGRAM_PAIRS.iter().chain(&SHAPE_PAIRS) {
            for name in [pair.on, pair.not_on] {
                assert!(shown.iter().any(|shown| shown.name == name), "{name}");
            }
        }
    }
}
