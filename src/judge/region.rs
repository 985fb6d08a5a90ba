//! Where a precondition's central objects are: strategy 2's removal, and the crop of a small one.
//!
//! CLUE, section "Debiased Token Probability", strategy 2, and Algorithm 1's lines 12-20. The paper
//! says nothing of several boxes, of what is painted over a removed one, and of a crop's margin.
//! Here all boxes of all central objects are removed together, since one knife of two would keep M
//! up; the best box alone is cropped; and a crop takes in some of what is around, squared, since
//! models have never seen a thing that fills its picture to the edge.

use crate::constitution::Thresholds;
use crate::encoder::{EncoderError, Found, Localizer};
use crate::imaging::View;
use crate::units::Region;
use crate::verdict::ObjectBox;

/// Boxes that are removed at most; more would leave no picture.
const MOST_BOXES: usize = 8;

/// What a crop takes in on each side of the box, as a share of the box's longer side. praetor's own.
const CROP_MARGIN: f64 = 0.5;

/// All boxes of every word that was looked for on one view.
#[derive(Clone, Debug)]
pub(super) struct Objects<'words> {
    words: Vec<&'words str>,
    found: Vec<Vec<Found>>,
}

impl<'words> Objects<'words> {
    /// Looks for words, each once.
    pub(super) fn find(
        localizer: &dyn Localizer,
        view: &View,
        words: Vec<&'words str>,
    ) -> Result<Self, EncoderError> {
        let found =
            if words.is_empty() { Vec::new() } else { localizer.find(view.pixels(), &words)? };
        Ok(Self { words, found })
    }

    /// The boxes of a precondition's objects that count, best first.
    pub(super) fn boxes(&self, objects: &[String], gate: f64) -> Vec<ObjectBox> {
        let mut boxes = Vec::new();
        for object in objects {
            let index = self.words.iter().position(|word| word == object);
            let found = index.and_then(|index| self.found.get(index)).into_iter().flatten();
            boxes.extend(found.map(|found| ObjectBox {
                object: object.clone(),
                region: found.region,
                score: found.score,
            }));
        }
        boxes.retain(|found| found.score.value() > gate);
        boxes.sort_by(|one, other| other.score.value().total_cmp(&one.score.value()));
        boxes.truncate(MOST_BOXES);
        boxes
    }
}

/// What to look at instead of the whole view, when the best box is small.
pub(super) fn small_object(
    boxes: &[ObjectBox],
    view: &View,
    thresholds: Thresholds,
) -> Option<Region> {
    let best = boxes.first()?.region;
    (best.area() < thresholds.small_object_area).then(|| crop_around(best, view))
}

/// A square of pixels around a box, moved to lie within the image.
fn crop_around(region: Region, view: &View) -> Region {
    let (width, height) = view.pixels().dimensions();
    let (width, height) = (f64::from(width), f64::from(height));
    let across = (region.right() - region.left()) * width;
    let down = (region.bottom() - region.top()) * height;
    let side = across.max(down) * (1.0 + 2.0 * CROP_MARGIN);
    let (left, right) = within(region.left() + region.right(), side / width);
    let (top, bottom) = within(region.top() + region.bottom(), side / height);
    Region::clamped(left, top, right, bottom).unwrap_or(region)
}

/// A span of a length around half of `twice_the_middle`, moved into `0.0..=1.0` as far as it fits.
fn within(twice_the_middle: f64, length: f64) -> (f64, f64) {
    let length = length.min(1.0);
    let start = (twice_the_middle / 2.0 - length / 2.0).clamp(0.0, 1.0 - length);
    (start, start + length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Probability;

    fn found(object: &str, region: [f64; 4], score: f64) -> ObjectBox {
        let [left, top, right, bottom] = region;
        ObjectBox {
            object: object.to_owned(),
            region: Region::new(left, top, right, bottom).unwrap(),
            score: Probability::saturating(score),
        }
    }

    #[test]
    fn only_a_box_below_one_per_cent_is_cropped_and_only_the_best() {
        let view = View::whole(image::RgbImage::new(200, 100));
        let small = found("knife", [0.5, 0.5, 0.59, 0.6], 0.9);
        let large = found("knife", [0.0, 0.0, 0.4, 0.4], 0.8);
        let crop = |boxes: &[ObjectBox]| small_object(boxes, &view, Thresholds::PAPER);
        assert!(crop(&[small.clone(), large.clone()]).is_some());
        assert!(crop(&[large, small]).is_none());
        assert!(crop(&[]).is_none());
        // 0.1 x 0.1 is one per cent, which is not less.
        assert!(crop(&[found("knife", [0.25, 0.25, 0.375, 0.375], 0.9)]).is_none());
    }

    #[test]
    fn a_crop_is_a_square_of_pixels_with_a_margin_and_stays_inside() {
        let view = View::whole(image::RgbImage::new(200, 100));
        let middle = crop_around(Region::new(0.5, 0.5, 0.55, 0.6).unwrap(), &view);
        assert!(((middle.right() - middle.left()) * 200.0 - 20.0).abs() < 1e-9, "{middle:?}");
        assert!(((middle.bottom() - middle.top()) * 100.0 - 20.0).abs() < 1e-9, "{middle:?}");
        let corner = crop_around(Region::new(0.97, 0.0, 1.0, 0.02).unwrap(), &view);
        assert!((corner.right() - 1.0).abs() < 1e-9 && corner.top().abs() < 1e-9, "{corner:?}");
        assert_eq!(view.crop(corner).pixels().dimensions(), (12, 12));
    }
}
