//! The page of `praetor report`: what a run found, in one file that works offline.
//!
//! Verdicts go in one by one ([`RunReport::add`]); then whoever has the files puts in small pictures
//! of the images that are wanted most ([`RunReport::wanted`]), and the verdicts are gone through
//! again for the traces of these ([`RunReport::trace`]). The page has everything that matters
//! without a script; the one script lists, filters and opens the images, from data that stands in
//! the page as JSON. The content security policy names that script and the style by their hashes,
//! so that nothing else can run.

mod charts;
mod counts;
mod embed;
mod facts;
mod notes;
mod page;
mod reasons;
mod rows;
#[cfg(test)]
mod tests;
mod traces;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use self::counts::Counts;
use self::page::Page;
use self::reasons::Quoting;
use self::rows::Row;
use super::picture::Inline;
use super::{ReportError, render};
use crate::constitution::Policy;
use crate::ids::{ImageHash, RuleId};
use crate::imaging::shown;
use crate::store::RunManifest;
use crate::verdict::Verdict;

/// A report in the making.
#[derive(Debug)]
pub struct RunReport<'a> {
    manifest: &'a RunManifest,
    policy: Option<&'a Policy>,
    quoting: Quoting,
    budget: usize,
    counts: Counts,
    rows: Vec<Row>,
    by_name: BTreeMap<String, usize>,
    /// Rows in the order of their gravity, once all are in.
    order: Vec<usize>,
    pictures: BTreeMap<usize, Found>,
    picture_bytes: usize,
    traces: BTreeMap<usize, String>,
    cut_off: bool,
}

/// An image whose picture the report would show.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wanted {
    /// Its place in the report.
    pub row: usize,
    /// Its path, as the verdict has it.
    pub image: String,
    /// What its bytes must be for the picture to be the one that was judged.
    pub hash: ImageHash,
    /// The frame that decided, of an animation.
    pub frame: Option<u32>,
}

/// What became of an image that was wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A small picture of it.
    Picture(Inline),
    /// There is no such file any more.
    Gone,
    /// The file has other bytes than those that were judged.
    Changed,
    /// The file can't be decoded now.
    Unreadable,
}

impl Found {
    /// The picture's address, or a word for what became of the image.
    fn address(&self) -> Result<&str, &'static str> {
        match self {
            Self::Picture(picture) => Ok(&picture.uri),
            Self::Gone => Err("gone"),
            Self::Changed => Err("changed"),
            Self::Unreadable => Err("unreadable"),
        }
    }
}

/// How much of a run a finished page holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Held {
    /// Images, each a row.
    pub images: usize,
    /// Pictures in it.
    pub pictures: usize,
    /// What the pictures take, in bytes of the page.
    pub picture_bytes: usize,
    /// Images with every number behind them.
    pub traces: usize,
    /// What these take, in bytes of the page.
    pub trace_bytes: usize,
    /// Images that were looked for and are gone.
    pub gone: usize,
    /// Images that have changed since.
    pub changed: usize,
    /// Images that could be judged and can't be decoded now.
    pub unreadable: usize,
}

impl<'a> RunReport<'a> {
    /// An empty report.
    ///
    /// `policy` gives the rules' texts; one that did not judge this run gives only those. Pictures
    /// may take half of `budget` bytes, and traces the other half. With `redact` there are neither
    /// pictures nor names nor words of the model.
    pub fn new(
        manifest: &'a RunManifest,
        policy: Option<&'a Policy>,
        budget: usize,
        redact: bool,
    ) -> Self {
        let quoting = if redact { Quoting::Redacted } else { Quoting::Full };
        Self {
            manifest,
            policy,
            quoting,
            budget,
            counts: Counts::new(quoting),
            rows: Vec::new(),
            by_name: BTreeMap::new(),
            order: Vec::new(),
            pictures: BTreeMap::new(),
            picture_bytes: 0,
            traces: BTreeMap::new(),
            cut_off: false,
        }
    }

    /// Takes a verdict. Of an image that stands in the run more than once the first counts.
    pub fn add(&mut self, verdict: &Verdict) {
        let row = self.rows.len();
        if self.by_name.contains_key(&verdict.image) {
            self.counts.repeated += 1;
            return;
        }
        self.by_name.insert(verdict.image.clone(), row);
        let ours = verdict.policy == self.manifest.policy && verdict.model == self.manifest.model;
        self.counts.foreign += usize::from(!ours);
        self.counts.add(verdict, row);
        self.rows.push(Row::new(verdict, &self.counts, self.quoting));
    }

    /// Says that all verdicts are in, and whether the run ends in the middle of one.
    pub fn end(&mut self, cut_off: bool) {
        self.cut_off = cut_off;
        self.order = rows::by_gravity(&self.rows);
    }

    /// How many images there are.
    pub fn images(&self) -> usize {
        self.rows.len()
    }

    /// The finding in a sentence or two, as the page's head has it.
    pub fn finding(&self) -> String {
        format!("{}. {}", facts::finding(&self.counts), facts::rest(&self.counts))
    }

    /// What whoever reads the report must know before, a sentence each.
    pub fn notes(&self) -> Vec<String> {
        notes::first(self)
    }

    /// The images whose pictures are wanted, `most` of them, the most severe first.
    pub fn wanted(&self, most: usize) -> Vec<Wanted> {
        if self.quoting == Quoting::Redacted {
            return Vec::new();
        }
        let wanted = self.order.iter().filter_map(|&row| {
            let (image, hash) = self.rows[row].file.clone()?;
            Some(Wanted { row, image, hash, frame: self.rows[row].frame })
        });
        wanted.take(most).collect()
    }

    /// Takes what was found of a wanted image; says whether there is room for another picture.
    pub fn picture(&mut self, row: usize, found: Found) -> bool {
        let size = if let Found::Picture(picture) = &found { picture.uri.len() } else { 0 };
        if self.picture_bytes + size > self.budget / 2 {
            return false;
        }
        self.picture_bytes += size;
        self.pictures.insert(row, found);
        true
    }

    /// Takes the numbers behind a verdict, if it is among the `most` most severe.
    ///
    /// # Errors
    /// [`ReportError`] when they have no form in JSON.
    pub fn trace(&mut self, verdict: &Verdict, wanted: &Traced) -> Result<(), ReportError> {
        let Some(&row) = self.by_name.get(&verdict.image) else { return Ok(()) };
        if wanted.0.contains(&row) && !self.traces.contains_key(&row) {
            let trace = traces::of(verdict, self.policy, self.quoting)?;
            self.traces.extend(trace.map(|trace| (row, trace)));
        }
        Ok(())
    }

    /// The rows whose traces are wanted, `most` of them, the most severe first.
    pub fn traced(&self, most: usize) -> Traced {
        Traced(self.order.iter().take(most).copied().collect())
    }

    /// Makes the page: one HTML file that needs nothing but itself.
    ///
    /// # Errors
    /// [`ReportError`] when the template can't be used.
    pub fn page(mut self) -> Result<(String, Held), ReportError> {
        self.keep_affordable_traces();
        let held = self.held();
        let page = Page::new(&self, held)?;
        Ok((render("run.html", &page)?, held))
    }

    /// Forgets the traces of the least severe images, as far as all together take too much.
    fn keep_affordable_traces(&mut self) {
        let mut left = self.budget / 2;
        let mut kept = BTreeSet::new();
        for &row in &self.order {
            let Some(trace) = self.traces.get(&row) else { continue };
            let Some(rest) = left.checked_sub(trace.len()) else { break };
            left = rest;
            kept.insert(row);
        }
        self.traces.retain(|row, _| kept.contains(row));
    }

    fn held(&self) -> Held {
        let of = |wanted: &Found| self.pictures.values().filter(|found| *found == wanted).count();
        let (gone, changed, unreadable) =
            (of(&Found::Gone), of(&Found::Changed), of(&Found::Unreadable));
        Held {
            images: self.rows.len(),
            pictures: self.pictures.len() - gone - changed - unreadable,
            picture_bytes: self.picture_bytes,
            traces: self.traces.len(),
            trace_bytes: self.traces.values().map(String::len).sum(),
            gone,
            changed,
            unreadable,
        }
    }
}

/// The rows whose traces a report keeps.
#[derive(Clone, Debug)]
pub struct Traced(BTreeSet<usize>);

/// A constitution's texts by the places of the run's rules.
fn texts(report: &RunReport<'_>) -> Vec<Option<String>> {
    let text = |id: &RuleId| {
        let rule = report.policy?.rules.iter().find(|rule| rule.id == *id)?;
        Some(shown(&rule.text).to_string())
    };
    report.counts.rules.iter().map(|count| text(&count.id)).collect()
}

/// What the script reads: the rules, the obstacles, and a row an image.
fn data(report: &RunReport<'_>) -> Value {
    let texts = texts(report);
    let rules = report.counts.rules.iter().zip(texts);
    let rules = rules.map(|(count, text)| json!({ "id": count.id, "text": text }));
    json!({
        "rules": rules.collect::<Vec<_>>(),
        "obstacles": report.counts.obstacles.iter().map(|one| &one.obstacle).collect::<Vec<_>>(),
        "rows": report.rows,
        "traced": report.counts.traced,
        "redacted": report.quoting == Quoting::Redacted,
    })
}

/// The pictures by row: an address, or a word for what became of the image.
fn pictures<'a>(report: &'a RunReport<'_>) -> BTreeMap<usize, &'a str> {
    report
        .pictures
        .iter()
        .map(|(row, found)| (*row, found.address().unwrap_or_else(|word| word)))
        .collect()
}

/// The traces by row; each is JSON already.
fn traces_json(report: &RunReport<'_>) -> String {
    let traces = report.traces.iter().map(|(row, trace)| format!("\"{row}\":{trace}"));
    format!("{{{}}}", traces.collect::<Vec<_>>().join(","))
}
