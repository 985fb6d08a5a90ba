//! What a traced run has recorded, sorted by a constitution's rules.
//!
//! The constitution may have changed since the run. Thresholds may: what was recorded is decided
//! anew by them. A rule whose preconditions are no longer those that were asked is left out and
//! named, since nothing recorded says how it would come out.

use crate::constitution::{Policy, PolicyRule};
use crate::ids::RuleId;
use crate::store::{Run, RunError};
use crate::verdict::{Conclusion, Frames, Method, Stage, Verdict};

use super::anew::{Case, Lines};

/// A run's images and their cases.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The images that could be read.
    pub images: Vec<Image>,
    /// The rules that can be decided anew, in the constitution's order.
    pub rules: Vec<RecordedRule>,
    /// What whoever reads on should know.
    pub notes: Vec<String>,
}

/// An image of the run.
#[derive(Clone, Debug)]
pub struct Image {
    /// Its path.
    pub name: String,
    /// What the run concluded.
    pub conclusion: Conclusion,
    /// Whether frames were left unseen, so that it can't be safe.
    pub cut: bool,
}

/// A rule's cases, one an image.
#[derive(Clone, Debug)]
pub struct RecordedRule {
    /// The rule as the constitution has it now.
    pub rule: PolicyRule,
    /// What it is decided by now.
    pub lines: Lines,
    /// What the run asked: its preconditions, or the rule as a whole where the run left them out.
    pub statements: Vec<String>,
    /// One an image, in the images' order.
    pub cases: Vec<Case>,
}

/// A run that nothing can be tuned on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordedError {
    /// The run folder can't be read.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The numbers behind the verdicts were not kept.
    #[error("the run `{run}` holds verdicts without the numbers behind them")]
    NoTrace {
        /// Which run.
        run: String,
    },
    /// A baseline has no preconditions.
    #[error("the run `{run}` was judged by a baseline, which asks no preconditions")]
    Baseline {
        /// Which run.
        run: String,
    },
    /// Not one image could be read, or there is none.
    #[error("the run `{run}` holds no image that was judged")]
    NoImages {
        /// Which run.
        run: String,
    },
    /// Nothing of the constitution was asked in the run.
    #[error(
        "no rule of the constitution was judged in the run `{run}` with the preconditions it has now"
    )]
    NoRules {
        /// Which run.
        run: String,
    },
    /// A rule that the constitution does not have.
    #[error("the constitution has no rule `{rule}`; it has {}", known.join(", "))]
    UnknownRule {
        /// What was named.
        rule: String,
        /// The rules there are.
        known: Vec<String>,
    },
}

impl RecordedError {
    /// How to mend it, where that can be said.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Run(error) => error.help(),
            Self::NoTrace { .. } => Some(
                "judge again with `--trace`: praetor judge IMAGES -c YAML --out FOLDER --trace",
            ),
            Self::Baseline { .. } => Some("judge again without `--method`, and with `--trace`"),
            Self::NoImages { .. } => Some("its `verdicts.jsonl` says of each image why"),
            Self::NoRules { .. } => {
                Some("name the constitution that the run was judged by, or judge again")
            }
            Self::UnknownRule { .. } => None,
        }
    }
}

impl Recorded {
    /// Reads a run by a constitution; `only` keeps a single rule.
    ///
    /// # Errors
    /// [`RecordedError`] when there is nothing to decide anew.
    pub fn read(run: &Run, policy: &Policy, only: Option<&RuleId>) -> Result<Self, RecordedError> {
        let name = || run.path().display().to_string();
        let policy_rules = chosen(policy, only)?;
        let same = policy.hash == run.manifest.policy;
        let mut reading = Reading::new(&policy_rules, same);
        let mut verdicts = run.verdicts()?;
        for verdict in verdicts.by_ref() {
            let verdict = verdict?;
            if verdict.method != Method::Clue {
                return Err(RecordedError::Baseline { run: name() });
            }
            reading.take(&verdict);
        }
        if reading.images.is_empty() {
            return Err(RecordedError::NoImages { run: name() });
        }
        if !reading.traced && !run.is_traced() {
            return Err(RecordedError::NoTrace { run: name() });
        }
        let recorded = reading.finish(same, verdicts.cut_off());
        if recorded.rules.is_empty() {
            return Err(RecordedError::NoRules { run: name() });
        }
        Ok(recorded)
    }
}

fn chosen<'policy>(
    policy: &'policy Policy,
    only: Option<&RuleId>,
) -> Result<Vec<&'policy PolicyRule>, RecordedError> {
    let rules: Vec<&PolicyRule> =
        policy.rules.iter().filter(|rule| only.is_none_or(|only| rule.id == *only)).collect();
    match only {
        Some(rule) if rules.is_empty() => Err(RecordedError::UnknownRule {
            rule: rule.to_string(),
            known: policy.rules.iter().map(|rule| format!("`{}`", rule.id)).collect(),
        }),
        _ => Ok(rules),
    }
}

/// The rules while verdicts come in.
struct Reading {
    images: Vec<Image>,
    rules: Vec<RecordedRule>,
    /// For each rule, whether the run asked what it asks now.
    usable: Vec<bool>,
    failed: usize,
    animations: usize,
    traced: bool,
    without: Vec<Stage>,
}

impl Reading {
    fn new(rules: &[&PolicyRule], same: bool) -> Self {
        let open = |rule: &&PolicyRule| {
            let mut lines = Lines::of(rule);
            // Of the same policy the recorded threshold holds, which a flag may have set.
            lines.relevance = if same { None } else { rule.thresholds.relevance };
            let statements = rule.chain.iter().map(|one| one.statement.clone()).collect();
            RecordedRule { rule: (*rule).clone(), lines, statements, cases: Vec::new() }
        };
        Self {
            images: Vec::new(),
            rules: rules.iter().map(open).collect(),
            usable: vec![true; rules.len()],
            failed: 0,
            animations: 0,
            traced: false,
            without: Vec::new(),
        }
    }

    fn take(&mut self, verdict: &Verdict) {
        if verdict.verdict == Conclusion::Failed {
            self.failed += 1;
            return;
        }
        self.without.clone_from(&verdict.without);
        let frames = verdict.frames.unwrap_or(Frames { judged: 1, cut: false });
        self.animations += usize::from(frames.judged > 1);
        self.traced |= verdict.rules.iter().any(|rule| !rule.findings.is_empty());
        self.images.push(Image {
            name: verdict.image.clone(),
            conclusion: verdict.verdict,
            cut: frames.cut,
        });
        for (recorded, usable) in self.rules.iter_mut().zip(&mut self.usable) {
            let found = verdict.rules.iter().find(|rule| rule.rule == recorded.rule.id);
            let Some(found) = found.filter(|_| *usable) else {
                *usable = false;
                continue;
            };
            if verdict.without.contains(&Stage::Preconditions) {
                recorded.statements = vec![recorded.rule.objective_text.clone()];
            }
            let asked = found.findings.iter().map(|finding| &finding.precondition);
            *usable = found.findings.is_empty() || asked.eq(&recorded.statements);
            recorded.cases.push(Case::read(found, verdict));
        }
    }

    fn finish(self, same: bool, cut_off: bool) -> Recorded {
        let mut notes = Vec::new();
        if !same {
            notes.push(
                "the constitution is not as it was when the run was made: the run's answers are \
                 decided anew by its thresholds as they are now; a rule's text may have changed \
                 how relevant it is, which the run can't show"
                    .to_owned(),
            );
        }
        let (usable, changed): (Vec<_>, Vec<_>) =
            self.rules.into_iter().zip(self.usable).partition(|(_, usable)| *usable);
        for (rule, _) in changed {
            let id = rule.rule.id;
            notes.push(format!(
                "rule `{id}` is left out: the run did not ask the preconditions that it has now; \
                 judge again to see it"
            ));
        }
        if self.failed > 0 {
            notes.push(format!("{} could not be read and are left out", images(self.failed)));
        }
        if self.animations > 0 {
            notes.push(format!(
                "of {} the run kept only the deciding frame of each rule: other thresholds are \
                 tried on that frame",
                if self.animations == 1 {
                    "1 animation".to_owned()
                } else {
                    format!("{} animations", self.animations)
                }
            ));
        }
        if cut_off {
            notes.push(
                "the run was cut off: its last line is half a verdict and left out".to_owned(),
            );
        }
        notes.extend(self.without.iter().filter_map(|stage| without(*stage)).map(str::to_owned));
        let rules = usable.into_iter().map(|(rule, _)| rule).collect();
        Recorded { images: self.images, rules, notes }
    }
}

fn without(stage: Stage) -> Option<&'static str> {
    match stage {
        Stage::Relevance => Some("the run left out the relevance scan: every rule was asked"),
        Stage::Prior => Some(
            "the run left out the prior: M is cut at one half, and the thresholds around the prior \
             change nothing",
        ),
        Stage::Region => Some("the run looked at no regions: `region_drop` changes nothing"),
        Stage::Reasoning => {
            Some("the run left out reasoning: what would have gone there stays undetermined")
        }
        _ => None,
    }
}

/// `1 image`, `2 images`.
pub(super) fn images(count: usize) -> String {
    if count == 1 { "1 image".to_owned() } else { format!("{count} images") }
}
