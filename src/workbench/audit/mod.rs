//! Auditing a run: a sample is drawn for people to label, and what they say is turned into what
//! holds of the whole run.

pub mod draw;
pub mod estimate;
pub mod filled;
mod rules;
pub mod sheet;
pub mod strata;

use serde::Serialize;

use self::estimate::{ImageEstimates, Parts};
use self::filled::{Answer, Label};
use self::rules::Labelled;
pub use self::rules::{Cut, ENOUGH, RuleEstimates, Suggested};
use self::sheet::Plan;
use self::strata::Member;
use super::recorded::Recorded;
use crate::ids::RuleId;
use crate::store::{Run, RunError};

/// The images of a run, as auditing knows them.
#[derive(Clone, Debug, PartialEq)]
pub struct Population {
    /// Images that were judged.
    pub members: Vec<Member>,
    /// Files that could not be read.
    pub not_read: usize,
    /// Images that stand in the run more than once; the first counts.
    pub repeated: usize,
    /// Whether the run was cut off in the middle of a line.
    pub cut_off: bool,
}

impl Population {
    /// Reads the images of a run.
    ///
    /// # Errors
    /// When the run can't be read.
    pub fn read(run: &Run) -> Result<Self, RunError> {
        let mut seen = std::collections::BTreeSet::new();
        let (mut members, mut not_read, mut repeated) = (Vec::new(), 0, 0);
        let mut verdicts = run.verdicts()?;
        for verdict in verdicts.by_ref() {
            match Member::read(verdict?) {
                None => not_read += 1,
                Some(member) if !seen.insert(member.image.clone()) => repeated += 1,
                Some(member) => members.push(member),
            }
        }
        Ok(Self { members, not_read, repeated, cut_off: verdicts.cut_off() })
    }

    /// The rules that were judged, in the order of the first image.
    pub fn rules(&self) -> Vec<RuleId> {
        let first = self.members.first();
        first
            .map(|member| member.rules.iter().map(|rule| rule.0.clone()).collect())
            .unwrap_or_default()
    }

    /// What a person should know before reading on.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let mut note = |count: usize, text: &str| {
            if count > 0 {
                notes.push(format!("{} {text}", super::recorded::images(count)));
            }
        };
        note(self.not_read, "could not be read by praetor and are left out");
        note(self.repeated, "stood in the run more than once and count once");
        if self.cut_off {
            notes.push(
                "the run was cut off: its last line is half a verdict and left out".to_owned(),
            );
        }
        notes
    }
}

/// What an audit found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Audit {
    /// Images of the run.
    pub images: usize,
    /// Images that were drawn.
    pub sampled: usize,
    /// Images labelled `yes` or `no`.
    pub labelled: usize,
    /// Images labelled `unsure`.
    pub unsure: usize,
    /// Images not labelled at all.
    pub blank: usize,
    /// What holds of images.
    #[serde(flatten)]
    pub estimates: ImageEstimates,
    /// What holds of the rules that some label or flag concerns.
    pub rules: Vec<RuleEstimates>,
    /// What whoever reads on should know.
    pub notes: Vec<String>,
}

/// An audit that can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The sheet was drawn from another run, or the run has grown since.
    #[error(
        "the sheet was drawn from {expected} images judged by policy {policy}, and this run has \
         {found} by {found_policy}"
    )]
    OtherRun {
        /// Images it was drawn from.
        expected: usize,
        /// The policy that judged them.
        policy: String,
        /// Images of the run at hand.
        found: usize,
        /// The policy that judged these.
        found_policy: String,
    },
    /// A drawn image is not in the run.
    #[error("`{image}` was drawn and is not in the run")]
    Missing {
        /// Which image.
        image: String,
    },
    /// Nothing is labelled.
    #[error("no row of the sheet is labelled `yes` or `no`")]
    NoLabels,
}

/// Turns labels into what holds of the run; with what a trace has recorded, thresholds are tried on
/// the labelled images too.
///
/// # Errors
/// [`AuditError`] for a run that the sheet was not drawn from, and without labels.
pub fn audit(
    plan: &Plan,
    labels: &[Label],
    (run, population): (&Run, &Population),
    recorded: Option<&Recorded>,
) -> Result<Audit, AuditError> {
    let members = drawn_members(plan, run, population)?;
    let count = |answer| labels.iter().filter(|label| label.answer == answer).count();
    let labelled = count(Some(Answer::Yes)) + count(Some(Answer::No));
    if labelled == 0 {
        return Err(AuditError::NoLabels);
    }
    let parts = Parts::count(plan, labels, None);
    let names: Vec<&str> = recorded
        .map(|recorded| recorded.images.iter().map(|image| image.name.as_str()).collect())
        .unwrap_or_default();
    let sample = Labelled { plan, labels, members };
    let rule = |rule: &RuleId| {
        let of_rule = recorded.and_then(|recorded| {
            recorded
                .rules
                .iter()
                .find(|one| one.rule.id == *rule)
                .map(|one| (one, names.as_slice()))
        });
        sample.rule(rule, &parts, of_rule)
    };
    Ok(Audit {
        images: population.members.len(),
        sampled: plan.sample.len(),
        labelled,
        unsure: count(Some(Answer::Unsure)),
        blank: count(None),
        estimates: estimate::images(plan, labels, &population.members),
        rules: population.rules().iter().filter_map(rule).collect(),
        notes: notes(&parts, labels),
    })
}

fn drawn_members<'run>(
    plan: &Plan,
    run: &Run,
    population: &'run Population,
) -> Result<Vec<&'run Member>, AuditError> {
    let found = population.members.len();
    if found != plan.images || run.manifest.policy != plan.policy {
        return Err(AuditError::OtherRun {
            expected: plan.images,
            policy: plan.policy.to_string(),
            found,
            found_policy: run.manifest.policy.to_string(),
        });
    }
    let members: std::collections::BTreeMap<&str, &Member> =
        population.members.iter().map(|member| (member.image.as_str(), member)).collect();
    let of = |image: &sheet::PlannedImage| {
        let member = members.get(image.image.as_str()).copied();
        member.ok_or_else(|| AuditError::Missing { image: image.image.clone() })
    };
    plan.sample.iter().map(of).collect()
}

fn notes(parts: &Parts, labels: &[Label]) -> Vec<String> {
    let mut notes = Vec::new();
    if parts.merged > 0 {
        notes.push(format!(
            "{} of the sample's parts have no labels: the nearest part of the same conclusion stands \
             for them",
            parts.merged
        ));
    }
    if parts.uncovered > 0 {
        notes.push(format!(
            "{} of a conclusion without any label are left out of all shares: label some of them",
            super::recorded::images(parts.uncovered)
        ));
    }
    let unnamed =
        labels.iter().filter(|label| label.answer == Some(Answer::Yes) && label.rules.is_none());
    let unnamed = unnamed.count();
    if unnamed > 0 {
        notes.push(format!(
            "{unnamed} unsafe images have no rules named: the numbers of single rules rest on the \
             others",
        ));
    }
    notes
}

#[cfg(test)]
mod coverage;
