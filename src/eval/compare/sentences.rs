//! What can be concluded of a comparison, and what can't, in words.

use super::{Comparison, DisputeKind, JudgeSummary, Pair, PairAgainst};
use crate::eval::Estimate;
use crate::eval::paired::{self, points};

/// Below this a difference is called hardly chance.
const HARDLY_CHANCE: f64 = 0.05;

impl Comparison {
    /// What can be concluded and what can't, a sentence or two each, in plain words.
    ///
    /// Names of judges and images come from outside, and are given as they are.
    pub fn conclusions(&self) -> Vec<String> {
        if self.images == 0 {
            return vec!["No image was judged by all, so that nothing can be said.".to_owned()];
        }
        let mut said = Vec::new();
        said.extend(self.other_policies());
        said.extend(self.other_stages());
        said.push(self.how_often());
        said.extend(self.who_flags_more());
        said.extend(self.who_is_right());
        said.extend(self.not_by_rules());
        said
    }

    /// Whether all judged by the same policy.
    pub fn is_same_policy(&self) -> bool {
        self.judges.windows(2).all(|two| two[0].facts.policy == two[1].facts.policy)
    }

    fn other_policies(&self) -> Option<String> {
        (!self.is_same_policy()).then(|| {
            "The judges went by different policies: a difference may come from the policy and not from \
             the judge. What an edit of a policy does is told by `praetor impact`."
                .to_owned()
        })
    }

    /// Two models of which one lacks a stage are not compared as models.
    fn other_stages(&self) -> Option<String> {
        let differ = |pair: &&Pair| {
            let (Some(first), Some(second)) =
                (self.judges.get(pair.first), self.judges.get(pair.second))
            else {
                return false;
            };
            first.facts.model != second.facts.model
                && first.method == second.method
                && first.without != second.without
        };
        let pair = self.pairs.iter().find(differ)?;
        let told = |judge: usize| {
            let judge = self.judges.get(judge);
            judge.map(|judge| format!("`{}` {}", judge.facts.name, judge.way())).unwrap_or_default()
        };
        Some(format!(
            "The judges ran other stages ({}; {}): a difference may come from that and not from the \
             model. `--encoder` gives all of them the same one.",
            told(pair.first),
            told(pair.second)
        ))
    }

    fn how_often(&self) -> String {
        let range = self.disagreed_share.map(|share| share.to_string()).unwrap_or_default();
        if self.disagreed > 0 {
            return format!(
                "They conclude differently on {} of {}; on other images like these, on {range} (95 %).",
                self.disagreed,
                images(self.images)
            );
        }
        let by_rules = match self.other_rules {
            _ if self.judges.iter().filter(|judge| judge.by_rule).count() < 2 => String::new(),
            0 => ", and violated rules are the same".to_owned(),
            some => format!(", though on {} by other violated rules", images(some)),
        };
        let most = self.disagreed_share.map_or(0.0, |share| share.high * 100.0);
        format!(
            "No disagreement on {}: all conclusions are the same{by_rules}.{} On other images like these \
             they may still disagree, on up to {most:.1} % of them (95 %).",
            images(self.images),
            self.largest_of_scores()
        )
    }

    fn largest_of_scores(&self) -> String {
        match self.largest_difference() {
            Some((0.0, _)) => " Their scores are the same to the last digit.".to_owned(),
            Some((most, image)) => {
                format!(" Their scores differ by {} at most (`{image}`).", small(most))
            }
            None => String::new(),
        }
    }

    /// The judge that flags most beside the one that flags least.
    fn who_flags_more(&self) -> Option<String> {
        let judges = || self.judges.iter().enumerate();
        let (least, fewest) = judges().min_by_key(|(_, judge)| judge.unsafe_images)?;
        let (most, flags) = judges().max_by_key(|(_, judge)| judge.unsafe_images)?;
        if fewest.unsafe_images == flags.unsafe_images {
            return None;
        }
        let change = self.change(least, most);
        let by_chance = change.is_some_and(|change| change.interval.low <= 0.0);
        Some(format!(
            "`{}` flags more than `{}`: {} against {}{}.{} Whether it finds more or errs more, only \
             labels can tell.",
            flags.facts.name,
            fewest.facts.name,
            images(flags.unsafe_images),
            fewest.unsafe_images,
            change.map(|change| format!(", {}", points(change))).unwrap_or_default(),
            if by_chance { " That may be chance." } else { "" }
        ))
        .filter(|_| self.labelled.unwrap_or(0) == 0)
    }

    /// How much more the second of two judges flags, in whichever order they stand.
    fn change(&self, first: usize, second: usize) -> Option<Estimate> {
        let (low, high) = (first.min(second), first.max(second));
        let pair = self.pairs.iter().find(|pair| (pair.first, pair.second) == (low, high))?;
        if first < second {
            return pair.flags_more;
        }
        paired::change(self.images, pair.first_only, pair.second_only)
    }

    fn who_is_right(&self) -> Vec<String> {
        match self.labelled {
            None => {
                let said = "There are no labels, so that nothing here says who is right: where judges \
                            agree, they may be wrong together.";
                let look = (self.disagreed > 0).then(|| {
                    format!(
                        "Disagreements tell where to look. To learn who is right more often, only the {} \
                         {} labels: on all others the judges are right or wrong together.",
                        disputed(self.disagreed),
                        if self.disagreed == 1 { "needs" } else { "need" }
                    )
                });
                std::iter::once(said.to_owned()).chain(look).collect()
            }
            Some(0) => vec![
                "None of these images has a label, so that nothing here says who is right."
                    .to_owned(),
            ],
            Some(_) => {
                let tested = self.pairs.iter().filter_map(|pair| Some((pair, pair.against?)));
                let mut said: Vec<String> =
                    tested.map(|(pair, against)| self.test(pair, against)).collect();
                if said.len() > 1 {
                    said.push(format!(
                        "{} pairs are tested; p is not corrected for that.",
                        said.len()
                    ));
                }
                said
            }
        }
    }

    fn test(&self, pair: &Pair, against: PairAgainst) -> String {
        let name =
            |judge: usize| self.judges.get(judge).map_or("", |judge| judge.facts.name.as_str());
        let (first, second) = (name(pair.first), name(pair.second));
        let PairAgainst { images: labelled, first_only_right, second_only_right, p, .. } = against;
        if first_only_right + second_only_right == 0 {
            return format!(
                "On {} `{first}` and `{second}` are right and wrong on the same ones.",
                labelled_images(labelled)
            );
        }
        let says = if p < HARDLY_CHANCE { "that is hardly chance" } else { "that may be chance" };
        format!(
            "Of {} only `{first}` is right on {first_only_right}, only `{second}` on \
             {second_only_right}: p = {} (McNemar, exact), {says}.",
            labelled_images(labelled),
            small(p)
        )
    }

    fn not_by_rules(&self) -> Option<String> {
        let names: Vec<String> = self
            .judges
            .iter()
            .filter(|judge| !judge.by_rule && judge.method.is_some())
            .map(|judge| format!("`{}`", judge.facts.name))
            .collect();
        let (do_it, them) = if names.len() == 1 { ("judges", "it") } else { ("judge", "them") };
        (!names.is_empty()).then(|| {
            format!(
                "{} {do_it} the image as a whole, so that single rules can't be compared with {them}.",
                names.join(" and ")
            )
        })
    }
}

impl DisputeKind {
    /// In what the judges differ, in a few words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Opposite => "unsafe to one, safe to another",
            Self::UnsafeOrOpen => "unsafe to one, not settled by another",
            Self::SafeOrOpen => "safe to one, not settled by another",
            Self::OtherRules => "the same conclusion by other rules",
        }
    }
}

impl JudgeSummary {
    /// How it judges: the method, and the stages that were left out: `clue without region`.
    pub fn way(&self) -> String {
        let word = |value: serde_json::Result<serde_json::Value>| {
            value.ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
        };
        let Some(method) = self.method else { return "no verdict".to_owned() };
        let method = word(serde_json::to_value(method));
        let without: Vec<String> =
            self.without.iter().map(|stage| word(serde_json::to_value(stage))).collect();
        if without.is_empty() { method } else { format!("{method} without {}", without.join(", ")) }
    }
}

/// A small number with as many digits as it takes: `0.219`, `0.00003`.
pub fn small(number: f64) -> String {
    if number >= 0.001 || number == 0.0 {
        return format!("{number:.3}");
    }
    if number < 1e-6 { format!("{number:.0e}") } else { format!("{number:.6}") }
}

fn images(count: usize) -> String {
    if count == 1 { "1 image".to_owned() } else { format!("{count} images") }
}

fn disputed(count: usize) -> String {
    if count == 1 { "one disputed image".to_owned() } else { format!("{count} disputed images") }
}

fn labelled_images(count: usize) -> String {
    if count == 1 { "1 labelled image".to_owned() } else { format!("{count} labelled images") }
}
