//! Two judges beside each other: where they agree, who flags more, whose scores go where.

use serde::Serialize;

use super::float;
use super::panel::{Opinion, Row};
use super::truth::{Truths, is_right};
use crate::eval::agreement::{Ratings, mcnemar_exact, rank_correlation};
use crate::eval::{Estimate, Interval, paired, wilson};
use crate::verdict::Conclusion;

/// The seed of every interval that is drawn, so that the same runs give the same numbers.
pub(super) const SEED: u64 = 20_250_101;

/// What two judges have in common, counted on the images that all have judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Pair {
    /// The first of the two, as a place among the judges.
    pub first: usize,
    /// The second.
    pub second: usize,
    /// Agreement on unsafe, undetermined and safe.
    pub agreement: Agreement,
    /// Agreement on unsafe and safe, of images that both settled.
    pub decided: Agreement,
    /// Images by what the first (rows) and the second (columns) said: unsafe, undetermined, safe.
    pub table: [[usize; 3]; 3],
    /// Images that only the first calls unsafe.
    pub first_only: usize,
    /// Images that only the second calls unsafe.
    pub second_only: usize,
    /// Images that both call unsafe.
    pub both: usize,
    /// How much more the second flags, as a share of the images.
    pub flags_more: Option<Estimate>,
    /// How their scores differ.
    pub scores: Option<ScoreDifference>,
    /// Which of them is right more often, by the labels.
    pub against: Option<PairAgainst>,
}

/// On how many images two judges say the same.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Agreement {
    /// Images that are counted.
    pub images: usize,
    /// Of which both say the same.
    pub agreed: usize,
    /// Wilson's interval of their share.
    pub share: Option<Interval>,
    /// Cohen's kappa; nothing where chance would agree on everything.
    pub kappa: Option<Estimate>,
}

impl Agreement {
    fn of(ratings: &Ratings) -> Self {
        let (images, agreed) = (ratings.items(), ratings.agreed());
        let share = wilson(float(agreed), float(images));
        Self { images, agreed, share, kappa: ratings.estimate(Ratings::cohen, SEED) }
    }
}

/// How the scores of two judges differ on the images that both have scored.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ScoreDifference {
    /// Images that both have scored.
    pub images: usize,
    /// Mean of the differences without their sign.
    pub mean: f64,
    /// How much higher the second scores on average.
    pub shift: f64,
    /// The largest difference without its sign.
    pub largest: f64,
    /// The image on which it is.
    pub largest_on: String,
    /// Spearman's rank correlation: whether both put the images into the same order.
    pub rank_correlation: Option<f64>,
}

/// Which of two judges is right more often. Undetermined is never right.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PairAgainst {
    /// Labelled images.
    pub images: usize,
    /// Of which only the first says what the label says.
    pub first_only_right: usize,
    /// Of which only the second does.
    pub second_only_right: usize,
    /// Exact two-sided p of McNemar's test.
    pub p: f64,
    /// How much more often the second is right, as a share of the images.
    pub more_often: Option<Estimate>,
}

impl Pair {
    pub(super) fn of(
        (first, second): (usize, usize),
        common: &[&Row],
        truths: Option<&Truths>,
    ) -> Self {
        let both: Vec<(&Row, &Opinion, &Opinion)> = common
            .iter()
            .filter_map(|row| {
                Some((*row, row.opinions[first].as_ref()?, row.opinions[second].as_ref()?))
            })
            .collect();
        let mut all = Ratings::new(2, 3);
        let mut decided = Ratings::new(2, 2);
        for (_, one, other) in &both {
            let said = [one, other].map(|opinion| category(opinion.conclusion));
            all.add(&said);
            // Unsafe is 0 and safe 2; halved they are 0 and 1.
            if !said.contains(&UNDETERMINED) {
                decided.add(&said.map(|category| category / 2));
            }
        }
        let table = [0, 1, 2].map(|row| [0, 1, 2].map(|column| all.of(row, column)));
        let first_only = table[0][1] + table[0][2];
        let second_only = table[1][0] + table[2][0];
        Self {
            first,
            second,
            agreement: Agreement::of(&all),
            decided: Agreement::of(&decided),
            table,
            first_only,
            second_only,
            both: table[0][0],
            flags_more: paired::change(both.len(), second_only, first_only),
            scores: scores(&both),
            against: truths.and_then(|truths| against(&both, truths)),
        }
    }
}

const UNDETERMINED: usize = 1;

/// Conclusions as kappa counts them; an image that could not be read is none of these.
pub(super) fn category(conclusion: Conclusion) -> usize {
    match conclusion {
        Conclusion::Unsafe => 0,
        Conclusion::Undetermined => UNDETERMINED,
        Conclusion::Safe => 2,
        Conclusion::Failed => usize::MAX,
    }
}

fn scores(both: &[(&Row, &Opinion, &Opinion)]) -> Option<ScoreDifference> {
    let scored: Vec<(&Row, f64, f64)> = both
        .iter()
        .filter_map(|(row, one, other)| Some((*row, one.score?.value(), other.score?.value())))
        .collect();
    let differs = |(_, one, other): &(&Row, f64, f64)| (other - one).abs();
    let most = scored.iter().max_by(|one, other| differs(one).total_cmp(&differs(other)))?;
    let images = float(scored.len());
    let pairs: Vec<(f64, f64)> = scored.iter().map(|(_, one, other)| (*one, *other)).collect();
    Some(ScoreDifference {
        images: scored.len(),
        mean: scored.iter().map(differs).sum::<f64>() / images,
        shift: pairs.iter().map(|(one, other)| other - one).sum::<f64>() / images,
        largest: differs(most),
        largest_on: most.0.image.clone(),
        rank_correlation: rank_correlation(&pairs),
    })
}

fn against(both: &[(&Row, &Opinion, &Opinion)], truths: &Truths) -> Option<PairAgainst> {
    let (mut images, mut first_only_right, mut second_only_right) = (0, 0, 0);
    for (row, one, other) in both {
        let Some(truth) = truths.of(&row.image, row.hash) else { continue };
        let right = [one, other].map(|opinion| is_right(truth.is_unsafe, opinion.conclusion));
        images += 1;
        first_only_right += usize::from(right == [true, false]);
        second_only_right += usize::from(right == [false, true]);
    }
    (images > 0).then(|| PairAgainst {
        images,
        first_only_right,
        second_only_right,
        p: mcnemar_exact(first_only_right, second_only_right),
        more_often: paired::change(images, second_only_right, first_only_right),
    })
}
