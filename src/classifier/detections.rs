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

/// The things that were found, the surest first; nothing where the numbers are no such output.
pub fn detections(spec: &Spec, numbers: &[f32]) -> Option<Vec<Detection>> {
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
        let bounds = [x - width / 2.0, y - height / 2.0, width, height];
        (score > spec.least_score).then_some(Detection { label, score, bounds })
    });
    Some(surest(found.collect(), spec.most_overlap))
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

/// Share of two boxes' union that they have in common.
fn overlap(one: [f64; 4], other: [f64; 4]) -> f64 {
    let along = |at: usize| {
        let end = (one[at] + one[at + 2]).min(other[at] + other[at + 2]);
        (end - one[at].max(other[at])).max(0.0)
    };
    let common = along(0) * along(1);
    let union = one[2] * one[3] + other[2] * other[3] - common;
    if union > 0.0 { common / union } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three places and the 18 labels of NudeNet: the first two overlap, the third stands apart.
    #[test]
    fn of_boxes_that_overlap_the_surest_is_kept() {
        let spec = Spec::built_in("nudenet").unwrap().unwrap();
        let places = [
            ([50.0, 50.0, 20.0, 20.0], 3, 0.6),
            ([52.0, 50.0, 20.0, 20.0], 1, 0.9),
            ([200.0, 200.0, 10.0, 10.0], 4, 0.3),
        ];
        let mut numbers = vec![0.0f32; 22 * 3];
        for (place, (bounds, label, score)) in places.into_iter().enumerate() {
            for (row, value) in bounds.into_iter().enumerate() {
                numbers[row * 3 + place] = value;
            }
            numbers[(4 + label) * 3 + place] = score;
        }
        let found = detections(&spec, &numbers).unwrap();
        assert_eq!(found.iter().map(|found| found.label).collect::<Vec<_>>(), [1, 4]);
        let expected =
            Detection { label: 1, score: found[0].score, bounds: [42.0, 40.0, 20.0, 20.0] };
        assert_eq!(found[0], expected);
        numbers[(4 + 4) * 3 + 2] = 0.24;
        assert_eq!(detections(&spec, &numbers).unwrap().len(), 1, "0.24 is below the least score");
    }
}
