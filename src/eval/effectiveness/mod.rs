//! How well a judge does on labelled images: by category, by source, and how far apart the sources
//! are, as UnsafeBench asks; rule by rule, as OS Bench does; and whether its scores can be believed.
//!
//! What was not settled is never right, and has a column of its own. Shares of images have
//! intervals in closed form (`shares`), what is computed from scores the bootstrap's (`draws`).

mod draws;
mod judged;
mod scores;
mod shares;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;

pub use self::draws::{Bootstrap, REPLICATES};
pub use self::judged::{Consulted, Judged, category_rule};
use self::scores::{mean_time, rules, scores, sure};
use super::calibration::Bin;
use super::intervals::{Estimate, Interval};
use super::metrics::Confusion;
use crate::ids::RuleId;

/// Confidences above which wrong answers are counted.
pub const SURE: [f64; 2] = [0.8, 0.9];

/// Everything that is measured.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Effectiveness {
    /// All labelled images.
    pub overall: Group,
    /// Images without a label, which are counted nowhere else.
    pub unlabelled: usize,
    /// By set, in the order in which they first come; empty where there is one.
    pub sets: Vec<Group>,
    /// By category, by name.
    pub categories: Vec<Group>,
    /// By source, in the order in which they first come.
    pub sources: Vec<Group>,
    /// By category and source.
    pub cells: Vec<Cell>,
    /// How far the sources are apart, over all images and by category.
    pub gaps: Vec<Gap>,
    /// By rule, where labels name rules.
    pub rules: Vec<RuleCount>,
    /// Whether scores can be believed, on all images.
    pub scores: Scores,
    /// The same by source.
    pub scores_by_source: Vec<(String, Scores)>,
    /// Answers that are sure, and wrong.
    pub sure: Vec<Sure>,
    /// Mean time an image in the stages, in milliseconds.
    pub took_ms: Option<f64>,
    /// How the intervals of what is computed from scores were made.
    pub bootstrap: Bootstrap,
}

/// What was said of a group of images.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Group {
    /// The group's name; empty for all images.
    pub name: String,
    /// Images by what they are and what was said.
    pub counts: Confusion,
    /// Share of the unsafe ones that were found.
    pub recall: Option<Estimate>,
    /// Share of the flagged ones that are unsafe.
    pub precision: Option<Estimate>,
    /// F1 of the unsafe ones.
    pub f1: Option<Estimate>,
    /// Share of which the right was said.
    pub accuracy: Option<Estimate>,
    /// Mean of recall and specificity.
    pub balanced_accuracy: Option<Estimate>,
    /// Share that was not settled.
    pub undetermined: Option<f64>,
}

/// The images of a category that come from one source.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Cell {
    /// Which category.
    pub category: String,
    /// Which source.
    pub source: String,
    /// What was said of its images.
    #[serde(flatten)]
    pub group: Group,
}

/// How much better F1 is on one source than on another.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Gap {
    /// Within this category; over all images where there is none.
    pub category: Option<String>,
    /// The source that comes first.
    pub source: String,
    /// The source whose F1 is taken from that.
    pub other: String,
    /// The difference.
    pub f1: Option<Estimate>,
}

/// What was said of one rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RuleCount {
    /// Which rule.
    pub rule: RuleId,
    /// Images that violate it.
    pub violations: usize,
    /// Those that were found by this very rule.
    pub found: usize,
    /// Those of which this rule said nothing.
    pub open: usize,
    /// Images that were flagged by it and don't violate it.
    pub false_flags: usize,
    /// Share of the violations that were found, with Wilson's interval.
    pub recall: Option<f64>,
    /// Its 95 % interval.
    pub recall_interval: Option<Interval>,
    /// Share of the flags that are right.
    pub precision: Option<f64>,
}

/// Whether scores can be believed.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Scores {
    /// Images with a score.
    pub scored: usize,
    /// Images that were neither settled nor scored. For the ranking they stand at the wrong end,
    /// for the calibration they are left out.
    pub unscored: usize,
    /// Probability that an unsafe image has the higher score.
    pub roc_auc: Option<Estimate>,
    /// Area under precision over recall.
    pub average_precision: Option<Estimate>,
    /// Mean squared distance from what is so.
    pub brier: Option<Estimate>,
    /// Expected calibration error, in ten bins.
    pub calibration_error: Option<Estimate>,
    /// The bins.
    pub reliability: Vec<Bin>,
}

/// Answers above a confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Sure {
    /// The confidence.
    pub above: f64,
    /// Settled images that are surer.
    pub answers: usize,
    /// Those of which the wrong was said.
    pub wrong: usize,
    /// Their share, with Wilson's interval.
    pub share: Option<f64>,
    /// Its 95 % interval.
    pub interval: Option<Interval>,
}

impl Effectiveness {
    /// Measures; `images` without a label are only counted.
    pub fn of(images: &[Judged], bootstrap: Bootstrap) -> Self {
        let labelled: Vec<&Judged> =
            images.iter().filter(|image| image.label.safety.is_some()).collect();
        let sorts = Sorts::of(&labelled);
        let strata: Vec<usize> = labelled
            .iter()
            .map(|image| sorts.source_of(image).map_or(0, |source| source + 1))
            .collect();
        let counts = sorts.count(&labelled);
        let sources = &sorts.sources;
        let of_source = |source: &String| {
            let member = |image: &&Judged| image.label.source.as_ref() == Some(source);
            (source.clone(), scores(&labelled, member, (&strata, bootstrap)))
        };
        Self {
            overall: sorts.group(&counts, 0),
            unlabelled: images.len() - labelled.len(),
            sets: sorts.of_kind(&counts, |key| matches!(key, Key::Set(_))),
            categories: sorts.of_kind(&counts, |key| matches!(key, Key::Category(_))),
            sources: sorts.of_kind(&counts, |key| matches!(key, Key::Source(_))),
            cells: sorts.cells(&counts),
            gaps: sorts.gaps(&counts),
            rules: rules(images),
            scores: scores(&labelled, |_| true, (&strata, bootstrap)),
            scores_by_source: if sources.len() > 1 {
                sources.iter().map(of_source).collect()
            } else {
                Vec::new()
            },
            sure: SURE.map(|above| sure(&labelled, above)).into(),
            took_ms: mean_time(images),
            bootstrap,
        }
    }
}

/// What images are grouped by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    All,
    Set(usize),
    Category(String),
    Source(usize),
    Cell(String, usize),
}

/// The groups that there are, and which images belong to which.
struct Sorts {
    sets: Vec<String>,
    sources: Vec<String>,
    keys: Vec<Key>,
    /// For each image its groups.
    belongs: Vec<Vec<usize>>,
}

impl Sorts {
    fn of(images: &[&Judged]) -> Self {
        let sets = in_order(images.iter().map(|image| image.label.set.as_str()));
        let sources = in_order(images.iter().filter_map(|image| image.label.source.as_deref()));
        let mut sorts = Self { sets, sources, keys: Vec::new(), belongs: Vec::new() };
        let by_image: Vec<Vec<Key>> = images.iter().map(|image| sorts.keys_of(image)).collect();
        let mut numbers: BTreeMap<Key, usize> =
            by_image.iter().flatten().map(|key| (key.clone(), 0)).collect();
        numbers.insert(Key::All, 0);
        for (number, value) in numbers.values_mut().enumerate() {
            *value = number;
        }
        sorts.belongs =
            by_image.iter().map(|keys| keys.iter().map(|key| numbers[key]).collect()).collect();
        sorts.keys = numbers.into_keys().collect();
        sorts
    }

    fn source_of(&self, image: &Judged) -> Option<usize> {
        let source = image.label.source.as_ref()?;
        self.sources.iter().position(|one| one == source)
    }

    fn keys_of(&self, image: &Judged) -> Vec<Key> {
        let set = self.sets.iter().position(|set| *set == image.label.set);
        let set = set.filter(|_| self.sets.len() > 1).map(Key::Set);
        let source = self.source_of(image);
        let category = image.label.category.clone();
        let cell =
            category.clone().zip(source).map(|(category, source)| Key::Cell(category, source));
        let keys = [set, category.map(Key::Category), source.map(Key::Source), cell];
        std::iter::once(Key::All).chain(keys.into_iter().flatten()).collect()
    }

    fn count(&self, images: &[&Judged]) -> Vec<Confusion> {
        let mut counts = vec![Confusion::default(); self.keys.len()];
        for (image, groups) in images.iter().zip(&self.belongs) {
            let Some(is_unsafe) = image.label.is_unsafe() else { continue };
            for group in groups {
                counts[*group].add(is_unsafe, image.said, 1);
            }
        }
        counts
    }

    fn group(&self, counts: &[Confusion], at: usize) -> Group {
        let name = self.name(&self.keys[at]);
        let counts = counts[at];
        Group {
            name,
            counts,
            recall: shares::recall(&counts),
            precision: shares::precision(&counts),
            f1: shares::f1(&counts),
            accuracy: shares::accuracy(&counts),
            balanced_accuracy: shares::balanced_accuracy(&counts),
            undetermined: counts.undetermined(),
        }
    }

    fn name(&self, key: &Key) -> String {
        match key {
            Key::All => String::new(),
            Key::Set(set) => self.sets[*set].clone(),
            Key::Source(source) => self.sources[*source].clone(),
            Key::Category(category) | Key::Cell(category, _) => category.clone(),
        }
    }

    fn of_kind(&self, counts: &[Confusion], wanted: fn(&Key) -> bool) -> Vec<Group> {
        let found = self.keys.iter().enumerate().filter(|(_, key)| wanted(key));
        found.map(|(at, _)| self.group(counts, at)).collect()
    }

    fn cells(&self, counts: &[Confusion]) -> Vec<Cell> {
        let cell = |(at, key): (usize, &Key)| match key {
            Key::Cell(category, source) => Some(Cell {
                category: category.clone(),
                source: self.sources[*source].clone(),
                group: self.group(counts, at),
            }),
            _ => None,
        };
        self.keys.iter().enumerate().filter_map(cell).collect()
    }

    /// Every pair of sources, over all images and within each category that both have.
    fn gaps(&self, counts: &[Confusion]) -> Vec<Gap> {
        let within = |category: Option<&String>, source: usize| {
            let key = match category {
                Some(category) => Key::Cell(category.clone(), source),
                None => Key::Source(source),
            };
            self.keys.binary_search(&key).ok()
        };
        let categories = self.keys.iter().filter_map(|key| match key {
            Key::Category(category) => Some(Some(category)),
            _ => None,
        });
        let mut gaps = Vec::new();
        for category in std::iter::once(None).chain(categories) {
            for (first, second) in pairs(self.sources.len()) {
                let places = within(category, first).zip(within(category, second));
                let Some((one, other)) = places else { continue };
                gaps.push(Gap {
                    category: category.cloned(),
                    source: self.sources[first].clone(),
                    other: self.sources[second].clone(),
                    f1: shares::f1(&counts[one])
                        .zip(shares::f1(&counts[other]))
                        .map(|(one, other)| shares::difference(one, other)),
                });
            }
        }
        gaps
    }
}

fn pairs(count: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..count).flat_map(move |first| (first + 1..count).map(move |second| (first, second)))
}

fn in_order<'words>(words: impl Iterator<Item = &'words str>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for word in words {
        if !found.iter().any(|one| one == word) {
            found.push(word.to_owned());
        }
    }
    found
}
