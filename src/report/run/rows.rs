//! Images as the report lists them: a row each, in the run's order, and the order of gravity.

use serde::{Serialize, Serializer};

use super::counts::Counts;
use super::reasons::{self, Quoting};
use crate::ids::{Hash, ImageHash};
use crate::imaging::shown;
use crate::units::Probability;
use crate::verdict::{Conclusion, Outcome, Verdict};

/// An image of the run. What is empty is left out of the page's data.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    /// How the image is called on the page; its alias where names are left out.
    pub(super) name: String,
    /// A name that says nothing, the same in every report of these images.
    pub(super) alias: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hash: Option<String>,
    pub(super) verdict: Conclusion,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "three_digits")]
    pub(super) score: Option<Probability>,
    pub(super) ms: u64,
    /// Violated rules, as indices of the run's rules.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) violated: Vec<usize>,
    /// Undetermined rules.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) open: Vec<usize>,
    /// What stood in the way, as indices of the run's obstacles.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) obstacles: Vec<usize>,
    /// The reason in a line.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) why: String,
    /// Where the image lies, and what its bytes must be.
    #[serde(skip)]
    pub(super) file: Option<(String, ImageHash)>,
    /// The frame that decided, of an animation.
    #[serde(skip)]
    pub(super) frame: Option<u32>,
}

#[expect(clippy::ref_option, reason = "serde hands over a reference")]
fn three_digits<S: Serializer>(
    score: &Option<Probability>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((score.map_or(0.0, Probability::value) * 1_000.0).round() / 1_000.0)
}

impl Row {
    /// The row of a verdict, after it was counted.
    pub(super) fn new(verdict: &Verdict, counts: &Counts, quoting: Quoting) -> Self {
        let alias = alias(&verdict.image);
        let full = quoting == Quoting::Full;
        let with = |outcome| {
            let rules = verdict.rules.iter().filter(|rule| rule.outcome == outcome);
            rules.filter_map(|rule| counts.rule(&rule.rule)).collect()
        };
        let (violated, open) = (with(Outcome::Violated), with(Outcome::Undetermined));
        Self {
            name: if full { shown(&verdict.image).to_string() } else { alias.clone() },
            alias,
            hash: verdict.hash.filter(|_| full).map(|hash| hash.to_string()),
            verdict: verdict.verdict,
            score: verdict.score,
            ms: verdict.took_ms,
            violated,
            open,
            obstacles: counts.obstacles_of(verdict),
            why: reasons::of_image(verdict, quoting),
            file: verdict.hash.map(|hash| (verdict.image.clone(), hash)),
            frame: crate::report::explain::deciding_frame(verdict),
        }
    }

    /// Whether the verdict asks for something: not of what is safe.
    pub(super) fn is_severe(&self) -> bool {
        self.verdict != Conclusion::Safe
    }

    /// How much it wants to be looked at: what is unsafe before what is undetermined, before what
    /// could not be read, before what is safe.
    fn gravity(&self) -> (u8, f64) {
        let rank = match self.verdict {
            Conclusion::Unsafe => 3,
            Conclusion::Undetermined => 2,
            Conclusion::Failed => 1,
            Conclusion::Safe => 0,
        };
        (rank, self.score.map_or(-1.0, Probability::value))
    }
}

/// Twelve hexadecimal digits of a name's hash. It hides a name from readers, not from those who can
/// guess it.
pub(super) fn alias(image: &str) -> String {
    let digits: String = Hash::of(image.as_bytes()).to_string().chars().take(12).collect();
    format!("image {digits}")
}

/// The rows' indices, the gravest first, then by score, then as they came.
pub(super) fn by_gravity(rows: &[Row]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|&one, &other| {
        let ((rank, score), (rank_other, score_other)) =
            (rows[one].gravity(), rows[other].gravity());
        rank_other.cmp(&rank).then(score_other.total_cmp(&score))
    });
    order
}
