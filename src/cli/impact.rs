//! `praetor impact`: what an edit of a constitution would do to a collection of images.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::Args;

use super::inputs::{Inputs, Unread};
use super::jobs::JobsArgs;
use super::judging::{Format, JudgingArgs};
use super::{Ending, Failure, Outcome, style};
use crate::constitution::Policy;
use crate::eval::Interval;
use crate::eval::paired::points;
use crate::imaging::{Decoded, Picture, shown};
use crate::pipeline::stream::in_order;
use crate::report::{Inline, Thumbnail, impact_page};
use crate::verdict::{Conclusion, ImageError};
use crate::workbench::impact::{Flip, Impact, RuleImpact, is_flip};

/// Show what an edit of a constitution would do to a collection of images, without labels
///
/// Judges the images by both editions and shows which come out otherwise, and which rule and
/// precondition made it so. What was judged before is not judged again: only what the edit changed
/// is asked of the model. Exit codes are those of `praetor judge`.
#[derive(Debug, Args)]
pub(super) struct ImpactCommand {
    /// The constitution as it was
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The constitution as it would be
    #[arg(value_name = "NEW")]
    new: PathBuf,
    #[command(flatten)]
    inputs: Inputs,
    /// The lock as it was [default: beside OLD]
    #[arg(long, value_name = "YAML", help_heading = "Policy")]
    old_lock: Option<PathBuf>,
    /// The lock as it would be [default: beside NEW]
    #[arg(long, value_name = "YAML", help_heading = "Policy")]
    new_lock: Option<PathBuf>,
    #[command(flatten)]
    judging: JudgingArgs,
    #[command(flatten)]
    jobs: JobsArgs,
    /// Write a gallery of the images that come out otherwise, pictures blurred; a file of that name
    /// is replaced
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    html: Option<PathBuf>,
    /// Pictures in the gallery at most
    #[arg(long, value_name = "N", default_value_t = 200, help_heading = "Output")]
    most_pictures: usize,
    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Text, help_heading = "Output")]
    format: Format,
    /// No progress bar
    #[arg(short, long, help_heading = "Output")]
    quiet: bool,
}

/// Flips that are listed on a terminal; the gallery and JSON have all.
const LISTED: usize = 20;

/// The longer side of a picture in the gallery, in pixels.
const LONGEST: u32 = 256;

impl ImpactCommand {
    pub(super) fn run(mut self) -> Outcome {
        self.judging.model.at_once(self.jobs);
        let old = Policy::load(&self.old, self.old_lock.as_deref()).map_err(Failure::input)?;
        let new = Policy::load(&self.new, self.new_lock.as_deref()).map_err(Failure::input)?;
        let (impact, thumbnails) = self.judge(&old, &new)?;
        if let Some(path) = &self.html {
            let page = impact_page(&impact, (&old, &new), &thumbnails)
                .map_err(|error| Failure::unopened(&error, None))?;
            fs_err::write(path, page).map_err(|error| Failure::unopened(&error, None))?;
        }
        let mut out = io::stdout().lock();
        match self.format {
            Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&impact)?)?,
            Format::Text => write!(out, "{}", text(&impact, self.html.as_deref()))?,
        }
        let open = impact.turns.iter().any(|turn| turn.after == Conclusion::Undetermined);
        Ok(if open || impact.failed > 0 { Ending::Unsettled } else { Ending::Done })
    }

    fn judge(&self, old: &Policy, new: &Policy) -> Result<(Impact, Vec<Thumbnail>), Failure> {
        let (tasks, count) = self.inputs.tasks(&self.judging.limits);
        let (models, mut scratch) = self.judging.load_for_several()?;
        let stages = &self.judging.stages;
        let before = stages.join(old, &models)?;
        let after = stages.join(new, &models)?;
        if !self.quiet {
            style::notes(&stages.notes(&after, &models))?;
        }
        let bar = if self.quiet {
            indicatif::ProgressBar::hidden()
        } else {
            super::report::progress_bar(count)
        };
        let mut impact = Impact::between(old, new);
        let mut thumbnails = Vec::new();
        let mut unread = Unread::default();
        let (before, after) = (before.judging(), after.judging());
        let judge = |_, image: String, decoded: Result<Decoded, ImageError>| {
            let shown = decoded.as_ref().ok().and_then(|decoded| decoded.pictures.first().cloned());
            let was = before.judge_image(image.clone(), decoded.clone())?;
            let is = after.judge_image(image, decoded)?;
            // One that can't be compressed is left out, and the flip stays.
            let small = |shown: Picture| Inline::new(&shown.pixels, LONGEST).ok();
            let small = shown.filter(|_| self.html.is_some() && is_flip(&was, &is)).and_then(small);
            Ok((was, is, small))
        };
        in_order(self.jobs.at_once(), tasks, judge, |(was, is, small)| {
            if let Some(error) = &is.error {
                unread.add(&is.image, error);
            }
            if impact.add(&was, &is) && thumbnails.len() < self.most_pictures {
                let flip = impact.flips.len().checked_sub(1);
                thumbnails
                    .extend(flip.zip(small).map(|(flip, picture)| Thumbnail { flip, picture }));
            }
            scratch.judged();
            bar.inc(1);
            Ok(ControlFlow::Continue(()))
        })?;
        bar.finish_and_clear();
        unread.unless_read(impact.images)?;
        if !self.quiet {
            style::notes(&models.bill())?;
            style::notes(&unread.notes())?;
        }
        Ok((impact, thumbnails))
    }
}

/// The whole impact in words.
fn text(impact: &Impact, gallery: Option<&Path>) -> String {
    let mut lines = vec![String::new()];
    let count = |count: usize| indicatif::HumanCount(count as u64).to_string();
    let (flipped, share) = impact.flipped();
    lines.push(style::bold(&format!(
        "{} of {} images come out otherwise{}",
        count(flipped),
        count(impact.images),
        share.map_or_else(String::new, |share| format!("  ({share})"))
    )));
    let otherwise = impact.flips.len() - flipped;
    if otherwise > 0 {
        lines.push(format!("{} more stay as they are, by other rules", count(otherwise)));
    }
    if impact.failed > 0 {
        lines.push(format!("{} more could not be read", count(impact.failed)));
    }
    lines.push(String::new());
    lines.extend(rates(impact));
    lines.push(String::new());
    lines.extend(rules(&impact.rules));
    lines.push(String::new());
    lines.extend(impact.flips.iter().take(LISTED).flat_map(flip));
    let rest = impact.flips.len().saturating_sub(LISTED);
    if rest > 0 {
        let gallery = if gallery.is_some() { "the gallery" } else { "`--html gallery.html`" };
        lines.push(style::dim(&format!("and {} more: {gallery} shows them all", count(rest))));
    }
    if let Some(path) = gallery {
        lines.push(format!("gallery in {}", shown(path)));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// How many images are unsafe, undetermined and safe, before and after.
fn rates(impact: &Impact) -> Vec<String> {
    let mut lines =
        vec![style::dim(&format!("{:<14}{:>22}  {:>22}  change", "images", "before", "after"))];
    for (conclusion, word) in [
        (Conclusion::Unsafe, "unsafe"),
        (Conclusion::Undetermined, "undetermined"),
        (Conclusion::Safe, "safe"),
    ] {
        let rate = impact.rate(conclusion);
        let share = |images: usize, interval: Option<Interval>| {
            format!(
                "{images} ({})",
                interval.map(|interval| interval.to_string()).unwrap_or_default()
            )
        };
        let before = share(rate.before, rate.interval_before);
        let after = share(rate.after, rate.interval_after);
        let change = rate.change.map(points).unwrap_or_default();
        lines.push(format!("{word:<14}{before:>22}  {after:>22}  {change}"));
    }
    lines.push(style::dim("shares in per cent are 95 % intervals of what such images would show"));
    lines
}

/// The rules whose violations changed; the others in one line.
fn rules(rules: &[RuleImpact]) -> Vec<String> {
    let changed = |rule: &&RuleImpact| rule.changed();
    let width = rules.iter().filter(changed).map(|rule| rule.rule.as_str().len()).max();
    let width = width.unwrap_or(0).max(12) + 2;
    let mut lines = vec![style::dim(&format!(
        "{:<width$}{:>8}{:>8}{:>8}{:>8}   undetermined",
        "violations", "before", "after", "new", "gone"
    ))];
    for rule in rules.iter().filter(changed) {
        lines.push(format!(
            "{:<width$}{:>8}{:>8}{:>8}{:>8}   {} -> {}",
            rule.rule.as_str(),
            rule.before,
            rule.after,
            rule.gained,
            rule.lost,
            rule.open_before,
            rule.open_after
        ));
    }
    let same = rules.iter().filter(|rule| !changed(rule)).count();
    if same > 0 {
        lines.push(style::dim(&format!("{same} rules give the same verdicts as before")));
    }
    lines
}

/// One image: what it was and is, and why.
fn flip(flip: &Flip) -> Vec<String> {
    let (before, after) = (style::conclusion(flip.before, 0), style::conclusion(flip.after, 0));
    let turn = if flip.before == flip.after {
        format!("{after} by other rules")
    } else {
        format!("{before} -> {after}")
    };
    let mut lines = vec![format!("{turn}  {}", shown(&flip.image))];
    for rule in &flip.rules {
        for cause in &rule.causes {
            let cause = cause.to_string();
            lines.push(format!("    {}  {}", rule.rule, shown(&cause)));
        }
    }
    lines
}
