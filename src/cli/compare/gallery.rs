//! The images that judges see differently, with their pictures and what each judge said.

use std::collections::BTreeMap;

use crate::cli::Failure;
use crate::cli::inputs::LimitArgs;
use crate::eval::compare::{Comparison, Dispute};
use crate::imaging::{Source, decode};
use crate::report::{Exhibit, Inline, compare_page};
use crate::store::Run;

/// The longer side of a picture in the gallery, in pixels.
const LONGEST: u32 = 320;

/// The page of the most disputed images.
pub(super) fn page(
    comparison: &Comparison,
    runs: &[Run],
    (most, limits): (usize, &LimitArgs),
) -> Result<String, Failure> {
    let disputes = &comparison.disputes[..comparison.disputes.len().min(most)];
    let mut exhibits: Vec<Exhibit> = disputes
        .iter()
        .enumerate()
        .map(|(place, dispute)| Exhibit {
            dispute: place,
            picture: picture(dispute, limits),
            verdicts: vec![None; runs.len()],
        })
        .collect();
    fill(&mut exhibits, disputes, runs)?;
    compare_page(comparison, &exhibits).map_err(|error| Failure::unopened(&error, None))
}

/// Reads the runs once more for the few verdicts that are shown whole.
fn fill(exhibits: &mut [Exhibit], disputes: &[Dispute], runs: &[Run]) -> Result<(), Failure> {
    let by_hash: BTreeMap<_, _> = disputes
        .iter()
        .enumerate()
        .filter_map(|(place, dispute)| Some((dispute.hash?, place)))
        .collect();
    let by_name: BTreeMap<_, _> = disputes
        .iter()
        .enumerate()
        .map(|(place, dispute)| (dispute.image.as_str(), place))
        .collect();
    for (judge, run) in runs.iter().enumerate() {
        for verdict in run.verdicts()? {
            let verdict = verdict?;
            let place = match verdict.hash {
                Some(hash) => by_hash.get(&hash),
                None => by_name.get(verdict.image.as_str()),
            };
            // What was judged twice counts by its first verdict.
            if let Some(place) = place
                && let Some(free) = exhibits[*place].verdicts.get_mut(judge)
                && free.is_none()
            {
                *free = Some(verdict);
            }
        }
    }
    Ok(())
}

/// The picture, if the file is still where it was, and still the same.
fn picture(dispute: &Dispute, limits: &LimitArgs) -> Option<Inline> {
    let decoded = decode(&Source::new(&dispute.image), &limits.limits()).ok()?;
    let same = dispute.hash.is_none_or(|hash| hash == decoded.hash);
    let first = decoded.pictures.first().filter(|_| same)?;
    Inline::new(&first.pixels, LONGEST).ok()
}
