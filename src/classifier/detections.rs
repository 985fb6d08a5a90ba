//! Boxes as YOLOv8 gives them, read as NudeNet's package reads them.
//!
//! The output has a row for each of middle x, middle y, width, height and every label, and a column for
//! each place that was looked at. Of boxes that overlap the surest is kept, whatever its label (OpenCV's
//! `NMSBoxes`).

use super::spec::Spec;

/// A thing that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detection {
    /// Which label, by its place in the spec.
    pub label: usize,
    /// How sure the detector is.
    pub score: f64,
    /// Left edge, upper edge, width and height, in pixels of the square that the detector saw.
    pub bounds: [f64; 4],
}

/// The things that were found, the surest first; nothing where the numbers are no such output. `extent` is
/// the picture's size in pixels of the square that the detector saw: boxes end where it does, as far as the
/// package cuts them off.
pub fn detections(spec: &Spec, numbers: &[f32], extent: [f64; 2]) -> Option<Vec<Detection>> {
    let rows = 4 + spec.labels.len();
    let places = numbers.len() / rows;
    if places == 0 || places * rows != numbers.len() {
        return None;
    }
    let at = |row: usize, place: usize| f64::from(numbers[row * places + place]);
    let found = (0..places).filter_map(|place| {
        let scored = (0..spec.labels.len()).map(|label| (label, at(4 + label, place)));
        // Of equal scores the first, as numpy's argmax takes it.
        let (label, score) =
            scored.reduce(|best, next| if next.1 > best.1 { next } else { best })?;
        let [x, y, width, height] = std::array::from_fn(|row| at(row, place));
        let bounds = within([x - width / 2.0, y - height / 2.0, width, height], extent);
        (score > spec.least_score).then_some(Detection { label, score, bounds })
    });
    Some(surest(found.collect(), spec.most_overlap))
}

/// A box cut off at the picture's edges. What lies before the left or upper edge is moved and not cut off,
/// since the package moves the corner and keeps the sides.
fn within([x, y, width, height]: [f64; 4], [right, bottom]: [f64; 2]) -> [f64; 4] {
    let (x, y) = (x.min(right).max(0.0), y.min(bottom).max(0.0));
    [x, y, width.min(right - x), height.min(bottom - y)]
}

/// Keeps the surest of boxes that overlap.
fn surest(mut found: Vec<Detection>, most_overlap: f64) -> Vec<Detection> {
    found.sort_by(|one, other| other.score.total_cmp(&one.score));
    let mut kept: Vec<Detection> = Vec::new();
    for detection in found {
        if kept.iter().all(|before| overlap(before.bounds, detection.bounds) <= most_overlap) {
            kept.push(detection);
        }
    }
    kept
}

/// Share of two boxes' union that they have in common; two that have no area are the same to OpenCV.
fn overlap(one: [f64; 4], other: [f64; 4]) -> f64 {
    let along = |at: usize| {
        let end = (one[at] + one[at + 2]).min(other[at] + other[at + 2]);
        (end - one[at].max(other[at])).max(0.0)
    };
    let common = along(0) * along(1);
    let union = one[2] * one[3] + other[2] * other[3] - common;
    if union > f64::EPSILON { common / union } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: [f64; 2] = [320.0, 320.0];

    fn spec() -> Spec {
        Spec::built_in("nudenet").unwrap().unwrap()
    }

    /// What NudeNet's network would give for some places: middle and size, label, score.
    fn output<const PLACES: usize>(places: [([f32; 4], usize, f32); PLACES]) -> Vec<f32> {
        let mut numbers = vec![0.0f32; 22 * PLACES];
        for (place, (bounds, label, score)) in places.into_iter().enumerate() {
            for (row, value) in bounds.into_iter().enumerate() {
                numbers[row * PLACES + place] = value;
            }
            numbers[(4 + label) * PLACES + place] = score;
        }
        numbers
    }

    /// Three places and the 18 labels of NudeNet: the first two overlap, the third stands apart.
    #[test]
    fn of_boxes_that_overlap_the_surest_is_kept() {
        let spec = spec();
        let mut numbers = output([
            ([50.0, 50.0, 20.0, 20.0], 3, 0.6),
            ([52.0, 50.0, 20.0, 20.0], 1, 0.9),
            ([200.0, 200.0, 10.0, 10.0], 4, 0.3),
        ]);
        let found = detections(&spec, &numbers, WHOLE).unwrap();
        assert_eq!(found.iter().map(|found| found.label).collect::<Vec<_>>(), [1, 4]);
        let expected =
            Detection { label: 1, score: found[0].score, bounds: [42.0, 40.0, 20.0, 20.0] };
        assert_eq!(found[0], expected);
        numbers[(4 + 4) * 3 + 2] = 0.24;
        let found = detections(&spec, &numbers, WHOLE).unwrap();
        assert_eq!(found.len(), 1, "0.24 is below the least score");
    }

    /// As nudenet 3.4.2 and OpenCV's `NMSBoxes` give them for these numbers: what overlaps enough, or not
    /// enough, before boxes are cut off at an edge.
    #[test]
    fn boxes_are_cut_off_at_the_pictures_edges_as_the_package_does() {
        let spec = spec();
        let bounds = |extent, one, other| {
            let numbers = output([(one, 3, 0.6), (other, 1, 0.9)]);
            let found = detections(&spec, &numbers, extent).unwrap();
            found.iter().map(|found| found.bounds).collect::<Vec<_>>()
        };
        let left = bounds(WHOLE, [5.0, 50.0, 30.0, 20.0], [20.0, 50.0, 30.0, 20.0]);
        assert_eq!(left, [[5.0, 40.0, 30.0, 20.0]]);
        let (low, high) = ([50.0, 170.0, 20.0, 60.0], [50.0, 145.0, 20.0, 30.0]);
        let all = [[40.0, 130.0, 20.0, 30.0], [40.0, 140.0, 20.0, 60.0]];
        assert_eq!(bounds(WHOLE, low, high), all);
        assert_eq!(bounds([320.0, 160.0], low, high), all[..1], "below is padding");
        let nothing = bounds([320.0, 160.0], [50.0, 200.0, 20.0, 20.0], [250.0, 250.0, 20.0, 20.0]);
        assert_eq!(nothing, [[240.0, 160.0, 20.0, 0.0]]);
    }
}
