//! What a run came to, in numbers: counted verdict by verdict.

use std::collections::BTreeMap;

use super::reasons::{Obstacle, Quoting, of_rule};
use super::rows;
use crate::ids::RuleId;
use crate::imaging::shown;
use crate::report::words::Asked;
use crate::units::Probability;
use crate::verdict::{Conclusion, Method, Outcome, RuleVerdict, Stage, Verdict};

/// Numbers of a run.
#[derive(Debug)]
pub(super) struct Counts {
    quoting: Quoting,
    conclusions: BTreeMap<Conclusion, usize>,
    /// In the order in which the rules were met, which is the constitution's.
    pub(super) rules: Vec<RuleCount>,
    places: BTreeMap<RuleId, usize>,
    pub(super) obstacles: Vec<ObstacleCount>,
    pub(super) method: Method,
    pub(super) without: Vec<Stage>,
    /// Animations of which frames were left out.
    pub(super) cut: usize,
    /// Verdicts by another policy or model than the manifest's.
    pub(super) foreign: usize,
    /// Lines about images that were there before.
    pub(super) repeated: usize,
    /// Whether there is a verdict with every number behind it.
    pub(super) traced: bool,
}

/// How a rule came out over all images.
#[derive(Debug)]
pub(super) struct RuleCount {
    pub(super) id: RuleId,
    pub(super) violated: usize,
    pub(super) undetermined: usize,
    /// Images it was judged on: those it has something to do with.
    pub(super) judged: usize,
    pub(super) strongest: Option<Strongest>,
}

/// The image that violates a rule most clearly.
#[derive(Debug)]
pub(super) struct Strongest {
    pub(super) row: usize,
    pub(super) score: Option<Probability>,
    pub(super) reason: String,
}

/// How often something stood in the way.
#[derive(Debug)]
pub(super) struct ObstacleCount {
    pub(super) obstacle: Obstacle,
    /// Images that are undetermined, or could not be read, with it.
    pub(super) images: usize,
    /// Rules of images, those of unsafe images included.
    pub(super) rules: usize,
    /// The first, in its own words, where they say more.
    pub(super) example: Option<String>,
}

impl Counts {
    pub(super) fn new(quoting: Quoting) -> Self {
        Self {
            quoting,
            conclusions: BTreeMap::new(),
            rules: Vec::new(),
            places: BTreeMap::new(),
            obstacles: Vec::new(),
            method: Method::Clue,
            without: Vec::new(),
            cut: 0,
            foreign: 0,
            repeated: 0,
            traced: false,
        }
    }

    /// Counts a verdict that will be the row `row`.
    pub(super) fn add(&mut self, verdict: &Verdict, row: usize) {
        *self.conclusions.entry(verdict.verdict).or_default() += 1;
        self.cut += usize::from(verdict.frames.is_some_and(|frames| frames.cut));
        if verdict.verdict != Conclusion::Failed {
            self.method = verdict.method;
            self.without.clone_from(&verdict.without);
        }
        let asked = Asked::of(verdict);
        for rule in &verdict.rules {
            self.traced |= !rule.findings.is_empty();
            self.add_rule(rule, asked, row);
        }
        self.add_obstacles(verdict);
    }

    fn add_rule(&mut self, rule: &RuleVerdict, asked: Asked, row: usize) {
        let next = self.rules.len();
        let place = *self.places.entry(rule.rule.clone()).or_insert(next);
        if place == next {
            self.rules.push(RuleCount {
                id: rule.rule.clone(),
                violated: 0,
                undetermined: 0,
                judged: 0,
                strongest: None,
            });
        }
        let quoting = self.quoting;
        let count = &mut self.rules[place];
        count.judged += usize::from(rule.outcome != Outcome::Irrelevant);
        count.undetermined += usize::from(rule.outcome == Outcome::Undetermined);
        if rule.outcome != Outcome::Violated {
            return;
        }
        count.violated += 1;
        let value = |score: Option<Probability>| score.map_or(-1.0, Probability::value);
        if count.strongest.as_ref().is_none_or(|best| value(rule.score) > value(best.score)) {
            let reason = of_rule(rule, asked, quoting);
            count.strongest = Some(Strongest { row, score: rule.score, reason });
        }
    }

    fn add_obstacles(&mut self, verdict: &Verdict) {
        let full = self.quoting == Quoting::Full;
        let open = verdict.rules.iter().filter(|rule| rule.outcome == Outcome::Undetermined);
        for rule in open {
            let said = rule.why.as_ref().map(|why| shown(why.to_string()).to_string());
            let count = self.obstacle(Obstacle::of_rule(rule.why.as_ref()));
            count.rules += 1;
            let said = said.filter(|said| full && *said != count.obstacle.label);
            count.example = count.example.take().or(said);
        }
        if let Some(error) = &verdict.error {
            let said = full.then(|| shown(&error.message).to_string());
            let count = self.obstacle(Obstacle::of_file(&error.code));
            count.example = count.example.take().or(said);
        }
        if verdict.frames.is_some_and(|frames| frames.cut) {
            self.obstacle(Obstacle::frames());
        }
        if matches!(verdict.verdict, Conclusion::Undetermined | Conclusion::Failed) {
            for place in self.obstacles_of(verdict) {
                self.obstacles[place].images += 1;
            }
        }
    }

    fn obstacle(&mut self, obstacle: Obstacle) -> &mut ObstacleCount {
        let known = self.obstacles.iter().position(|count| count.obstacle == obstacle);
        let place = known.unwrap_or(self.obstacles.len());
        if known.is_none() {
            self.obstacles.push(ObstacleCount { obstacle, images: 0, rules: 0, example: None });
        }
        &mut self.obstacles[place]
    }

    /// What stood in the way of an image, as indices, each once.
    pub(super) fn obstacles_of(&self, verdict: &Verdict) -> Vec<usize> {
        let open = verdict.rules.iter().filter(|rule| rule.outcome == Outcome::Undetermined);
        let rules = open.map(|rule| Obstacle::of_rule(rule.why.as_ref()));
        let file = verdict.error.iter().map(|error| Obstacle::of_file(&error.code));
        let frames = verdict.frames.filter(|frames| frames.cut).map(|_| Obstacle::frames());
        let all: Vec<Obstacle> = rules.chain(file).chain(frames).collect();
        let known = self.obstacles.iter().enumerate();
        known.filter(|(_, count)| all.contains(&count.obstacle)).map(|(place, _)| place).collect()
    }

    /// A rule's index.
    pub(super) fn rule(&self, id: &RuleId) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// Images in all.
    pub(super) fn images(&self) -> usize {
        self.conclusions.values().sum()
    }

    /// Images of a conclusion.
    pub(super) fn of(&self, conclusion: Conclusion) -> usize {
        self.conclusions.get(&conclusion).copied().unwrap_or(0)
    }
}

/// What the images took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    /// All images together, in milliseconds.
    pub(super) total: u64,
    /// Half of the images took less.
    pub(super) median: u64,
    /// 95 of 100 images took less.
    pub(super) most: u64,
    /// A thousand images like these.
    pub(super) per_thousand: u64,
}

impl Times {
    /// The times of the images that were read; nothing where there is none.
    pub(super) fn of(rows: &[rows::Row]) -> Option<Self> {
        let read = rows.iter().filter(|row| row.verdict != Conclusion::Failed);
        let mut times: Vec<u64> = read.map(|row| row.ms).collect();
        times.sort_unstable();
        let last = times.len().checked_sub(1)?;
        let total: u64 = times.iter().sum();
        let per_thousand = total.saturating_mul(1_000) / u64::try_from(times.len()).unwrap_or(1);
        Some(Self { total, median: times[last / 2], most: times[last * 95 / 100], per_thousand })
    }
}
