//! From a classifier's numbers to a score a label, from 0 to 1.

use super::detections::detections;
use super::spec::{Output, Spec};
use crate::units::Probability;

/// The score of each label, in the spec's order; nothing where the numbers are not those of the spec.
/// `extent` is the picture's size in pixels of the square that the classifier saw.
pub fn scores(spec: &Spec, numbers: &[f32], extent: [f64; 2]) -> Option<Vec<Probability>> {
    if numbers.iter().any(|number| !number.is_finite()) {
        return None;
    }
    let labels = spec.labels.len();
    if spec.output != Output::Detections && numbers.len() != labels {
        return None;
    }
    let plain = numbers.iter().map(|number| f64::from(*number));
    Some(match spec.output {
        Output::Detections => {
            let found = detections(spec, numbers, extent)?;
            let best = |label: usize| {
                let of_label = found.iter().filter(|found| found.label == label);
                of_label.map(|found| found.score).fold(0.0, f64::max)
            };
            (0..labels).map(|label| Probability::saturating(best(label))).collect()
        }
        Output::Probabilities => plain.map(Probability::saturating).collect(),
        Output::Logits | Output::Margins => plain.map(Probability::from_log_odds).collect(),
        Output::Classes => softmax(&plain.collect::<Vec<_>>()),
    })
}

fn softmax(numbers: &[f64]) -> Vec<Probability> {
    let most = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = numbers.iter().map(|number| (number - most).exp()).collect();
    let all: f64 = powers.iter().sum();
    powers.into_iter().map(|power| Probability::saturating(power / all)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, numbers: &[f32]) -> Option<Vec<String>> {
        let spec = Spec::built_in(name).unwrap().unwrap();
        let scores = scores(&spec, numbers, [f64::from(spec.input.side); 2])?;
        Some(scores.iter().map(Probability::to_string).collect())
    }

    #[test]
    fn numbers_are_what_the_spec_says() {
        assert_eq!(of("nsfw-detector", &[0.25]).unwrap(), ["0.250"]);
        let heads = of("multiheaded", &[0.0, 2.0, -2.0, 0.0, 0.0]).unwrap();
        assert_eq!(heads, ["0.500", "0.881", "0.119", "0.500", "0.500"]);
        assert_eq!(of("q16", &[24.0, 23.0]).unwrap(), ["0.731", "0.269"]);
        assert_eq!(of("sd-filter", &[0.0]).unwrap(), ["0.500"]);
    }

    #[test]
    fn other_numbers_are_no_scores() {
        assert_eq!(of("q16", &[1.0]), None);
        assert_eq!(of("q16", &[1.0, f32::NAN]), None);
        assert_eq!(of("nudenet", &[0.0; 21]), None);
    }
}
