//! The images that judges see differently, with their pictures and what each judge said.

use std::collections::BTreeMap;
use std::path::Path;

use crate::cli::Failure;
use crate::cli::inputs::LimitArgs;
use crate::dataset::{Dataset, Options};
use crate::eval::compare::{Comparison, Dispute};
use crate::imaging::{Decoded, Limits, Source, decode};
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
    let mut pictures = pictures(disputes, &limits.limits());
    let mut exhibits: Vec<Exhibit> = disputes
        .iter()
        .enumerate()
        .map(|(place, dispute)| Exhibit {
            dispute: place,
            picture: pictures.remove(&dispute.image),
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

/// The pictures, by image: of files that are still where they were and still the same.
fn pictures(disputes: &[Dispute], limits: &Limits) -> BTreeMap<String, Inline> {
    let mut found = BTreeMap::new();
    let mut inside: BTreeMap<String, Vec<&Dispute>> = BTreeMap::new();
    for dispute in disputes {
        if let Some((file, _)) = dispute.image.split_once(PARQUET) {
            inside.entry(format!("{file}.parquet")).or_default().push(dispute);
        } else if let Ok(decoded) = decode(&Source::new(&dispute.image), limits) {
            found.extend(inline(dispute, &decoded));
        }
    }
    for (file, mut wanted) in inside {
        let dataset = Dataset::open(Path::new(&file), &Options::default());
        let Ok(examples) = dataset.and_then(|dataset| dataset.examples()) else { continue };
        for example in examples.flatten() {
            let Some(at) = wanted.iter().position(|one| one.image == example.name) else {
                continue;
            };
            let dispute = wanted.swap_remove(at);
            if let Ok(decoded) = example.decode(limits) {
                found.extend(inline(dispute, &decoded));
            }
            if wanted.is_empty() {
                break;
            }
        }
    }
    found
}

/// How an image inside of a Parquet file is named.
const PARQUET: &str = ".parquet#";

fn inline(dispute: &Dispute, decoded: &Decoded) -> Option<(String, Inline)> {
    let same = dispute.hash.is_none_or(|hash| hash == decoded.hash);
    let first = decoded.pictures.first().filter(|_| same)?;
    Some((dispute.image.clone(), Inline::new(&first.pixels, LONGEST).ok()?))
}
