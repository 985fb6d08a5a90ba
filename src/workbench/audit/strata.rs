//! The images of a run, sorted into parts that are drawn from one by one.
//!
//! A part has one conclusion, one band of scores, and where a rule is what matters, one rule: of a
//! flagged image the rule among its own that flags fewest in the run, so that a rule that flags
//! seldom is not drowned by one that flags often; of an image that is not flagged but has a score of
//! one half or more, the rule that came nearest. With few images to draw, the parts get coarser.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::RuleId;
use crate::verdict::{Conclusion, Outcome, Verdict};

/// Edges of the bands of scores.
pub const BANDS: [f64; 3] = [0.1, 0.5, 0.9];

/// A score from here on is a near miss where the image is not flagged.
pub const NEAR: f64 = 0.5;

/// What is known of one image of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its path.
    pub image: String,
    /// What the run concluded; never [`Conclusion::Failed`].
    pub conclusion: Conclusion,
    /// The most suspected rule's score.
    pub score: Option<f64>,
    /// Every rule, its outcome and its score.
    pub rules: Vec<(RuleId, Outcome, Option<f64>)>,
}

impl Member {
    /// Takes of a verdict what auditing needs; nothing of an image that could not be read.
    pub fn read(verdict: Verdict) -> Option<Self> {
        (verdict.verdict != Conclusion::Failed).then(|| Self {
            image: verdict.image,
            conclusion: verdict.verdict,
            score: verdict.score.map(crate::units::Probability::value),
            rules: verdict
                .rules
                .into_iter()
                .map(|rule| {
                    let score = rule.score.map(crate::units::Probability::value);
                    (rule.rule, rule.outcome, score)
                })
                .collect(),
        })
    }

    /// The rules that are violated by the run's verdict.
    pub fn violated(&self) -> impl Iterator<Item = &RuleId> {
        self.rules.iter().filter(|rule| rule.1 == Outcome::Violated).map(|rule| &rule.0)
    }

    /// What the run says of a rule.
    pub fn of(&self, rule: &RuleId) -> Option<(Outcome, Option<f64>)> {
        let found = self.rules.iter().find(|one| one.0 == *rule);
        found.map(|(_, outcome, score)| (*outcome, *score))
    }

    /// The rule that comes nearest to being violated.
    fn suspect(&self) -> Option<&RuleId> {
        let scored = self.rules.iter().filter_map(|rule| Some((&rule.0, rule.2?)));
        scored.max_by(|one, other| one.1.total_cmp(&other.1)).map(|(rule, _)| rule)
    }

    /// Whether a rule nearly flags it.
    pub fn nearly(&self, rule: &RuleId) -> bool {
        self.of(rule).is_some_and(|(outcome, score)| {
            outcome != Outcome::Violated && score.is_some_and(|score| score >= NEAR)
        })
    }

    fn band(&self) -> usize {
        let score = self.score.unwrap_or(0.0);
        BANDS.iter().filter(|edge| score >= **edge).count()
    }
}

/// What the images of one part have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// What was concluded.
    pub conclusion: Conclusion,
    /// Which band of scores, counted from the lowest; absent where bands are not told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band: Option<usize>,
    /// Which rule is suspected; absent where none is, or rules are not told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleId>,
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", word(self.conclusion))?;
        if let Some(band) = self.band {
            let low = band.checked_sub(1).map_or(0.0, |below| BANDS[below.min(BANDS.len() - 1)]);
            let high = BANDS.get(band).copied().unwrap_or(1.0);
            write!(f, ", score {low}-{high}")?;
        }
        if let Some(rule) = &self.rule {
            write!(f, ", {rule}")?;
        }
        Ok(())
    }
}

/// A conclusion as a verdict writes it.
pub fn word(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Unsafe => "unsafe",
        Conclusion::Undetermined => "undetermined",
        Conclusion::Safe => "safe",
        Conclusion::Failed => "failed",
    }
}

/// How finely images are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    /// By conclusion.
    Conclusion,
    /// By conclusion and band of scores.
    Band,
    /// By conclusion and suspected rule, and by band where no rule is suspected.
    Rule,
    /// By all three.
    RuleAndBand,
}

impl Detail {
    /// From the finest to the coarsest.
    pub const FINEST_FIRST: [Self; 4] =
        [Self::RuleAndBand, Self::Rule, Self::Band, Self::Conclusion];
}

/// Sorts images into parts; for each part the places of its images.
pub fn sorted(members: &[Member], detail: Detail) -> BTreeMap<Key, Vec<usize>> {
    let mut flags: BTreeMap<&RuleId, usize> = BTreeMap::new();
    for rule in members.iter().flat_map(Member::violated) {
        *flags.entry(rule).or_default() += 1;
    }
    let mut parts: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    for (place, member) in members.iter().enumerate() {
        let rarest = member.violated().min_by_key(|rule| (flags.get(*rule), *rule));
        let near = member.conclusion == Conclusion::Undetermined
            || member.score.is_some_and(|score| score >= NEAR);
        let rule = rarest.or_else(|| member.suspect().filter(|_| near)).cloned();
        let band = Some(member.band());
        let (band, rule) = match detail {
            Detail::Conclusion => (None, None),
            Detail::Band => (band, None),
            Detail::Rule => (band.filter(|_| rule.is_none()), rule),
            Detail::RuleAndBand => (band, rule),
        };
        let key = Key { conclusion: member.conclusion, band, rule };
        parts.entry(key).or_default().push(place);
    }
    parts
}
