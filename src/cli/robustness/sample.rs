//! The samples of all seeds, and the images that they are drawn from.

use std::collections::{BTreeMap, BTreeSet};

use super::labels::Labels;
use crate::cli::Failure;
use crate::cli::inputs::{Decode, Missing, Unread, images_of};
use crate::imaging::{Limits, Source};
use crate::pipeline::stream::Task;
use crate::robustness::{Draw, Drawn, Fit};
use crate::verdict::Verdict;

/// Images are known by their place among the inputs, since a file may be named twice. What is held of one is
/// its place and, once it was judged right, its verdict without the findings.
pub(super) struct Sample {
    files: Vec<Source>,
    limits: Limits,
    /// One a seed.
    draws: Vec<Draw>,
    fit: Fit,
    right: BTreeMap<usize, Verdict>,
    /// Images that a sample may have.
    images: usize,
    /// Images that none can have, since they have no label.
    pub(super) unlabelled: usize,
}

/// An image of a sample.
pub(super) struct Taken {
    pub(super) place: usize,
    /// Its verdict as it is.
    pub(super) before: Verdict,
    /// Whether the sample of each seed has it.
    pub(super) seeds: Vec<bool>,
}

impl Sample {
    /// Puts the images of some files into each seed's order. Their names are read for that, and none is
    /// decoded; rows of Parquet that can't be used are noted, and are in no order.
    pub(super) fn new(
        files: Vec<Source>,
        limits: Limits,
        labels: Option<&Labels>,
        (size, seeds): (u32, &[u64]),
        unread: &mut Unread,
    ) -> Result<Self, Failure> {
        let mut members = Vec::new();
        let mut unlabelled = 0;
        for (place, image) in images(files.clone(), &limits).enumerate() {
            let image = match image {
                Ok(Task { image, .. }) => image,
                Err(Missing { image, error }) => {
                    unread.add(&image, &error);
                    continue;
                }
            };
            match labels.map(|labels| labels.of(&image)) {
                Some(known) if known.is_unsafe.is_none() => unlabelled += 1,
                known => members.push((place, known.and_then(|known| known.source))),
            }
        }
        if members.is_empty() && unlabelled > 0 {
            return Err(Failure::Input(miette::miette!(
                help = "name the folder, the files or the Parquet file that the labels are of",
                "not one of the images has a label"
            )));
        }
        let draw = |seed: &u64| Draw::new(members.iter().cloned(), size as usize, *seed);
        let draws = seeds.iter().map(draw).collect();
        let (fit, right) = (Fit::new(), BTreeMap::new());
        Ok(Self { files, limits, draws, fit, right, images: members.len(), unlabelled })
    }

    /// How often images are judged at most, each image of a sample in so many forms besides as it is.
    pub(super) fn judgings(&self, forms: u64) -> u64 {
        let most: usize = self.draws.iter().map(Draw::most).sum();
        let [images, taken] = [self.images, most.min(self.images)].map(|count| count as u64);
        taken.saturating_mul(forms).saturating_add(images)
    }

    /// The places of images that have to be judged as they are before more can be said; none when every seed
    /// has its sample.
    pub(super) fn missing(&self) -> Vec<usize> {
        let missing: BTreeSet<usize> =
            self.draws.iter().flat_map(|draw| draw.missing(&self.fit)).collect();
        missing.into_iter().collect()
    }

    /// Takes note of images that were judged, and of which of them may be in a sample; what could not be
    /// read is among the first alone.
    pub(super) fn judged(&mut self, places: &[usize], right: Vec<(usize, Verdict)>) {
        self.fit.extend(places.iter().map(|place| (*place, false)));
        for (place, verdict) in right {
            self.fit.insert(place, true);
            self.right.insert(place, Verdict { rules: Vec::new(), ..verdict });
        }
    }

    /// What the samples came to, by seed and source.
    pub(super) fn drawn(&self) -> Vec<Vec<Drawn>> {
        self.draws.iter().map(|draw| draw.drawn(&self.fit)).collect()
    }

    /// The images of all samples in the order of the inputs.
    pub(super) fn taken(&mut self) -> Vec<Taken> {
        let samples: Vec<BTreeSet<usize>> =
            self.draws.iter().map(|draw| draw.taken(&self.fit)).collect();
        let places: BTreeSet<usize> = samples.iter().flatten().copied().collect();
        let taken = |place: usize| {
            let seeds = samples.iter().map(|sample| sample.contains(&place)).collect();
            Some(Taken { place, before: self.right.remove(&place)?, seeds })
        };
        places.into_iter().filter_map(taken).collect()
    }

    /// The images at some places, which are in order; the others are passed over and not decoded.
    pub(super) fn tasks(
        &self,
        places: &[usize],
    ) -> impl Iterator<Item = Task<Decode>> + Send + use<> {
        let places: BTreeSet<usize> = places.iter().copied().collect();
        let last = places.last().map_or(0, |last| last + 1);
        let all = images(self.files.clone(), &self.limits).enumerate().take(last);
        let all = all.filter(move |(place, _)| places.contains(place));
        // What is missing has no place in any order.
        all.filter_map(|(_, image)| image.ok())
    }
}

/// All images of some files.
fn images(
    files: Vec<Source>,
    limits: &Limits,
) -> impl Iterator<Item = Result<Task<Decode>, Missing>> + Send + use<> {
    let limits = limits.clone();
    files.into_iter().flat_map(move |file| images_of(Ok(file), &limits))
}
