//! Do the others answer as praetor does? By log-odds, and by the paper's lines around the prior.

use std::collections::BTreeMap;

use praetor::constitution::Thresholds;
use praetor::judge::decision::{Band, by_prior};
use praetor::verdict::Holds;
use praetor::vlm::YesNo;
use serde::{Deserialize, Serialize};

use crate::drivers::{Answered, Way};
use crate::questions::Question;

/// Log-odds that two paths may differ by. Kernels round differently for each shape of a batch.
pub(crate) const TOLERANCE: f64 = 0.1;

/// How one way's answers compare with praetor's.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Agreement {
    /// Not compared: Yes or No was not among the tokens that came back.
    pub(crate) missing: usize,
    /// Further apart than [`TOLERANCE`].
    pub(crate) apart: usize,
    /// Decided otherwise by the paper's lines.
    pub(crate) decided_otherwise: usize,
    /// All differences in log-odds.
    pub(crate) differences: Vec<f64>,
}

impl Agreement {
    /// For people who wait.
    pub(crate) fn summary(&self) -> String {
        format!(
            "{} answers compared, {} apart, {} decided otherwise, {} missing",
            self.differences.len(),
            self.apart,
            self.decided_otherwise,
            self.missing
        )
    }
}

/// All comparisons of one model.
pub(crate) struct Agreements {
    bands: BTreeMap<String, Band>,
    pub(crate) by_way: BTreeMap<Way, Agreement>,
}

impl Agreements {
    pub(crate) fn new(questions: &[Question], priors: Vec<Answered>) -> Self {
        let band = |(question, prior): (&Question, Answered)| {
            let band = Band::around(prior?.m(), Thresholds::PAPER);
            Some((question.statement.clone(), band))
        };
        let bands = questions.iter().zip(priors).filter_map(band).collect();
        Self { bands, by_way: BTreeMap::new() }
    }

    pub(crate) fn compare(
        &mut self,
        way: Way,
        questions: &[Question],
        ours: &[Answered],
        theirs: &[Answered],
    ) {
        let agreement = self.by_way.entry(way).or_default();
        for ((question, ours), theirs) in questions.iter().zip(ours).zip(theirs) {
            let (Some(ours), Some(theirs)) = (ours, theirs) else {
                agreement.missing += 1;
                continue;
            };
            let difference = (log_odds(ours) - log_odds(theirs)).abs();
            agreement.apart += usize::from(difference > TOLERANCE);
            agreement.differences.push(difference);
            if let Some(&band) = self.bands.get(&question.statement) {
                let decided = |answer: &YesNo| -> Holds { by_prior(answer.m(), band).holds };
                agreement.decided_otherwise += usize::from(decided(ours) != decided(theirs));
            }
        }
    }
}

fn log_odds(answer: &YesNo) -> f64 {
    answer.ln_yes - answer.ln_no
}
