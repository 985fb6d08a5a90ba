//! Pictures inside a page, and the boxes that are drawn over them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::{RgbImage, imageops};
use serde::Serialize;

use super::ReportError;
use crate::imaging::shown;
use crate::units::Region;
use crate::verdict::{ObjectBox, Outcome, RuleVerdict};

/// What is lost by compression is little at this quality, and files stay small.
const QUALITY: u8 = 85;

/// A picture as the address of an `<img>`, so that a page needs no second file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Inline {
    /// `data:image/jpeg;base64,…`: letters, digits, and nothing that HTML would read as markup.
    pub uri: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

impl Inline {
    /// Compresses a picture, made smaller if a side is longer than `longest` pixels.
    ///
    /// # Errors
    /// [`ReportError::Picture`] for a picture without pixels.
    pub fn new(pixels: &RgbImage, longest: u32) -> Result<Self, ReportError> {
        let (width, height) = pixels.dimensions();
        let side = width.max(height);
        let smaller = (side > longest).then(|| {
            let scaled = |length: u32| {
                let scaled = u64::from(length) * u64::from(longest) / u64::from(side.max(1));
                u32::try_from(scaled).unwrap_or(longest).max(1)
            };
            imageops::thumbnail(pixels, scaled(width), scaled(height))
        });
        let pixels = smaller.as_ref().unwrap_or(pixels);
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, QUALITY).encode_image(pixels)?;
        let (width, height) = pixels.dimensions();
        let uri = format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg));
        Ok(Self { uri, width, height })
    }
}

/// A box over the picture, in per cent of its sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Marked {
    left: String,
    top: String,
    width: String,
    height: String,
    /// Object and score.
    label: String,
    /// Where it is, in words.
    place: String,
    label_x: String,
    label_y: String,
    anchor: &'static str,
    /// The gravest outcome among the rules that the box belongs to, as a class.
    outcome: &'static str,
    /// The rules that the box belongs to.
    rules: Vec<String>,
    #[serde(skip)]
    rank: u8,
    #[serde(skip)]
    region: Region,
}

/// Collects the boxes of rules, each once, those of the gravest rules last and so on top.
pub(super) fn marked<'a>(rules: impl Iterator<Item = &'a RuleVerdict>) -> Vec<Marked> {
    let mut boxes: Vec<Marked> = Vec::new();
    for rule in rules {
        let found = rule.findings.iter().filter_map(|finding| finding.region.as_ref());
        for found in found.flat_map(|region| &region.boxes) {
            add(&mut boxes, rule, found);
        }
    }
    boxes.sort_by_key(|marked| marked.rank);
    spread(&mut boxes);
    boxes
}

fn add(boxes: &mut Vec<Marked>, rule: &RuleVerdict, found: &ObjectBox) {
    let label = format!("{} {:.2}", shown(&found.object), found.score.value());
    let known =
        boxes.iter_mut().find(|marked| marked.region == found.region && marked.label == label);
    let (rank, outcome) = match rule.outcome {
        Outcome::Violated => (2, "violated"),
        Outcome::Undetermined => (1, "undetermined"),
        Outcome::Clear | Outcome::Irrelevant => (0, "clear"),
    };
    let id = rule.rule.to_string();
    if let Some(marked) = known {
        if !marked.rules.contains(&id) {
            marked.rules.push(id);
        }
        if rank > marked.rank {
            (marked.rank, marked.outcome) = (rank, outcome);
        }
        return;
    }
    let region = found.region;
    let per_cent = |share: f64| format!("{:.2}", share * 100.0);
    let at_right = region.left() > 0.66;
    boxes.push(Marked {
        left: per_cent(region.left()),
        top: per_cent(region.top()),
        width: per_cent(region.right() - region.left()),
        height: per_cent(region.bottom() - region.top()),
        label,
        place: region.to_string(),
        label_x: per_cent(if at_right { region.right() } else { region.left() }),
        label_y: String::new(),
        anchor: if at_right { "end" } else { "start" },
        outcome,
        rules: vec![id],
        rank,
        region,
    });
}

/// Height of a label as a share of the picture's, about.
const LINE: f64 = 0.05;

/// Gives every label a height at which it covers no other, as far as there is room.
fn spread(boxes: &mut [Marked]) {
    let mut taken: Vec<(f64, f64)> = Vec::new();
    for marked in boxes.iter_mut().rev() {
        let region = marked.region;
        let left = if marked.anchor == "end" { region.right() - 0.25 } else { region.left() };
        let mut y = if region.top() < LINE { region.top() + LINE } else { region.top() - 0.01 };
        let covers = |y: f64| {
            taken.iter().any(|&(x, other)| (x - left).abs() < 0.25 && (other - y).abs() < LINE)
        };
        while covers(y) && y < 1.0 - LINE {
            y += LINE;
        }
        taken.push((left, y));
        marked.label_y = format!("{:.2}", y.min(0.99) * 100.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{RuleId, ViewKind};
    use crate::units::Probability;
    use crate::verdict::{Finding, RegionFinding};

    #[test]
    fn a_large_picture_shrinks_and_keeps_its_shape() {
        let inline = Inline::new(&RgbImage::new(3_000, 1_500), 1_024).unwrap();
        assert_eq!((inline.width, inline.height), (1_024, 512));
        assert!(inline.uri.starts_with("data:image/jpeg;base64,/9j/"));
        let small = Inline::new(&RgbImage::new(3, 2), 1_024).unwrap();
        assert_eq!((small.width, small.height), (3, 2));
        let thin = Inline::new(&RgbImage::new(5_000, 1), 100).unwrap();
        assert_eq!((thin.width, thin.height), (100, 1));
    }

    #[test]
    fn a_box_that_rules_share_is_drawn_once_as_its_gravest_rule() {
        let rule = |id: &str, outcome| {
            let region = Region::new(0.1, 0.0, 0.3, 0.3).unwrap();
            let object = "<knife>".to_owned();
            let boxes = vec![ObjectBox { object, region, score: Probability::saturating(0.5) }];
            let region = RegionFinding { boxes, m_whole: None, m_without: None };
            let finding = Finding { region: Some(region), ..Finding::open("c", ViewKind::Whole) };
            let rule = RuleVerdict::from_findings(RuleId::new(id).unwrap(), vec![finding]);
            RuleVerdict { outcome, ..rule }
        };
        let rules = [rule("a", Outcome::Clear), rule("b", Outcome::Violated)];
        let boxes = marked(rules.iter());
        assert_eq!(boxes.len(), 1);
        assert_eq!((boxes[0].outcome, boxes[0].rules.len()), ("violated", 2));
        assert_eq!(boxes[0].label, "<knife> 0.50");
    }

    #[test]
    fn labels_make_room_for_each_other() {
        let object = |name: &str| {
            let region = Region::new(0.1, 0.2, 0.3, 0.3).unwrap();
            let score = Probability::saturating(0.5);
            ObjectBox { object: name.to_owned(), region, score }
        };
        let boxes = vec![object("one"), object("two"), object("three")];
        let region = RegionFinding { boxes, m_whole: None, m_without: None };
        let finding = Finding { region: Some(region), ..Finding::open("c", ViewKind::Whole) };
        let rule = RuleVerdict::from_findings(RuleId::new("r").unwrap(), vec![finding]);
        let mut heights: Vec<String> =
            marked(std::iter::once(&rule)).into_iter().map(|marked| marked.label_y).collect();
        heights.dedup();
        assert_eq!(heights.len(), 3);
    }
}
