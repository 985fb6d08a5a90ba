//! Verdicts of several judges, joined image by image.
//!
//! An image is known by the hash of its file, so that runs agree on what is the same image wherever it
//! lay. A verdict without a hash (its file could not be read) is joined by its name. What a run judged
//! twice counts once, by its first verdict. Numbers behind verdicts are not kept, so that memory is some
//! hundred bytes an image and judge.

use std::collections::BTreeMap;

use crate::ids::{ImageHash, RuleId};
use crate::units::Probability;
use crate::verdict::{Conclusion, Method, Outcome, Stage, Verdict, Why};

/// What several judges said of images, as far as it was read.
#[derive(Clone, Debug)]
pub struct Panel {
    pub(super) seats: Vec<Seat>,
    /// Every rule that any of them judged, in the order in which they first came.
    pub(super) rules: Vec<RuleId>,
    places: BTreeMap<RuleId, usize>,
    pub(super) rows: Vec<Row>,
    by_hash: BTreeMap<ImageHash, usize>,
    by_name: BTreeMap<String, Vec<usize>>,
}

/// One judge's place.
#[derive(Clone, Debug, Default)]
pub(super) struct Seat {
    /// Verdicts that were read.
    pub(super) verdicts: usize,
    /// Verdicts on an image that it had judged before.
    pub(super) repeated: usize,
    /// How it judges, by its first verdict.
    pub(super) way: Option<(Method, Vec<Stage>)>,
}

/// One image, and what each judge said of it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) image: String,
    pub(super) hash: Option<ImageHash>,
    pub(super) opinions: Vec<Option<Opinion>>,
}

/// What one judge said of one image.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Opinion {
    pub(super) conclusion: Conclusion,
    pub(super) score: Option<Probability>,
    pub(super) took_ms: u64,
    /// Why the image, or a rule of it, could not be settled: kinds, each once.
    pub(super) reasons: Vec<String>,
    /// Whether a violation is that of a rule.
    pub(super) by_rule: bool,
    /// Whether it has a mark for each rule that was judged, and not for one at most.
    pub(super) lists_rules: bool,
    /// Empty for a judge that does not go by rules.
    pub(super) marks: Vec<Mark>,
}

/// What one judge said of one rule.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mark {
    /// Its place among the panel's rules.
    pub(super) rule: usize,
    pub(super) outcome: Outcome,
    pub(super) score: Option<Probability>,
    pub(super) reason: Option<String>,
}

impl Opinion {
    /// Whether the file could be read at all.
    pub(super) fn is_read(&self) -> bool {
        self.conclusion != Conclusion::Failed
    }

    /// What is said of a rule; nothing where it was not judged.
    pub(super) fn of_rule(&self, rule: usize) -> Option<Outcome> {
        let mark = self.marks.iter().find(|mark| mark.rule == rule);
        if mark.is_some() || self.lists_rules || !self.by_rule {
            return mark.map(|mark| mark.outcome);
        }
        match self.conclusion {
            Conclusion::Failed => None,
            Conclusion::Undetermined => Some(Outcome::Undetermined),
            // Who names one rule at most has named none, or another.
            Conclusion::Safe | Conclusion::Unsafe => Some(Outcome::Clear),
        }
    }

    pub(super) fn violated(&self) -> impl Iterator<Item = usize> {
        let violated = self.marks.iter().filter(|mark| mark.outcome == Outcome::Violated);
        violated.map(|mark| mark.rule)
    }
}

impl Row {
    /// What all judges said, if all of them could read the image.
    pub(super) fn all(&self) -> Option<Vec<&Opinion>> {
        let read = |opinion: &'_ Option<Opinion>| opinion.as_ref().is_some_and(Opinion::is_read);
        self.opinions.iter().all(read).then(|| self.opinions.iter().flatten().collect())
    }
}

impl Panel {
    /// So many judges, none of whom has said anything yet.
    pub fn new(judges: usize) -> Self {
        Self {
            seats: vec![Seat::default(); judges],
            rules: Vec::new(),
            places: BTreeMap::new(),
            rows: Vec::new(),
            by_hash: BTreeMap::new(),
            by_name: BTreeMap::new(),
        }
    }

    /// Takes a verdict of one of the judges, counted from zero; there must be such a judge.
    pub fn add(&mut self, judge: usize, verdict: &Verdict) {
        let Some(seat) = self.seats.get_mut(judge) else { return };
        seat.verdicts += 1;
        seat.way.get_or_insert_with(|| (verdict.method, verdict.without.clone()));
        let row = self.row_for(judge, verdict);
        if self.rows[row].opinions[judge].is_some() {
            self.seats[judge].repeated += 1;
            return;
        }
        let opinion = self.opinion(verdict);
        self.rows[row].opinions[judge] = Some(opinion);
    }

    /// The image that a verdict is on; a new one where nobody has judged it.
    fn row_for(&mut self, judge: usize, verdict: &Verdict) -> usize {
        if let Some(row) = self.known(judge, verdict) {
            if let Some(hash) = verdict.hash {
                self.rows[row].hash = Some(hash);
                self.by_hash.insert(hash, row);
            }
            return row;
        }
        let row = self.rows.len();
        self.rows.push(Row {
            image: verdict.image.clone(),
            hash: verdict.hash,
            opinions: vec![None; self.seats.len()],
        });
        if let Some(hash) = verdict.hash {
            self.by_hash.insert(hash, row);
        }
        self.by_name.entry(verdict.image.clone()).or_default().push(row);
        row
    }

    fn known(&self, judge: usize, verdict: &Verdict) -> Option<usize> {
        if let Some(row) = verdict.hash.and_then(|hash| self.by_hash.get(&hash)) {
            return Some(*row);
        }
        let named = self.by_name.get(&verdict.image)?;
        let is_it = |row: &&usize| {
            let row = &self.rows[**row];
            let free = row.opinions[judge].is_none();
            // Two hashes that differ are two images; two files of a name without any are one.
            let nameless = verdict.hash.is_none() || row.hash.is_none();
            nameless && (free || (verdict.hash.is_none() && row.hash.is_none()))
        };
        named.iter().find(is_it).copied()
    }

    /// Whether another image of the same name, and another content, was judged.
    pub(super) fn has_another(&self, row: &Row) -> bool {
        let Some(hash) = row.hash else { return false };
        let named = self.by_name.get(&row.image).into_iter().flatten();
        named.filter_map(|other| self.rows[*other].hash).any(|other| other != hash)
    }

    fn opinion(&mut self, verdict: &Verdict) -> Opinion {
        let mut marks = Vec::new();
        let mut reasons: Vec<String> = Vec::new();
        for rule in &verdict.rules {
            let open = rule.outcome == Outcome::Undetermined;
            let reason = open.then(|| rule.why.as_ref().map_or_else(unsaid, kind));
            if let Some(reason) = reason.as_ref().filter(|reason| !reasons.contains(reason)) {
                reasons.push(reason.clone());
            }
            if verdict.is_of_rule(&rule.rule) {
                let (outcome, score) = (rule.outcome, rule.score);
                marks.push(Mark { rule: self.place(&rule.rule), outcome, score, reason });
            }
        }
        if verdict.verdict == Conclusion::Undetermined && reasons.is_empty() {
            let cut = verdict.frames.is_some_and(|frames| frames.cut);
            reasons.push(if cut { "frames_left_out".to_owned() } else { unsaid() });
        }
        Opinion {
            conclusion: verdict.verdict,
            score: verdict.score,
            took_ms: verdict.took_ms,
            reasons,
            by_rule: verdict.names_rules(),
            lists_rules: verdict.lists_rules(),
            marks,
        }
    }

    fn place(&mut self, rule: &RuleId) -> usize {
        if let Some(place) = self.places.get(rule) {
            return *place;
        }
        self.rules.push(rule.clone());
        self.places.insert(rule.clone(), self.rules.len() - 1);
        self.rules.len() - 1
    }
}

fn unsaid() -> String {
    "unsaid".to_owned()
}

/// The word by which the output counts what stood in the way: `refused`, `filtered`, …
fn kind(why: &Why) -> String {
    let value = serde_json::to_value(why).ok();
    let kind = value.as_ref().and_then(|value| value.get("kind")?.as_str());
    kind.map_or_else(unsaid, str::to_owned)
}
