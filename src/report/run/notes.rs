//! What the report says of its own making: what must be known before it is read, and how much of the
//! run it holds.

use super::facts::{images, thousands};
use super::reasons::Quoting;
use super::{Held, RunReport};
use crate::verdict::Conclusion;

/// What whoever reads the report must know before, a sentence each.
pub(super) fn first(report: &RunReport<'_>) -> Vec<String> {
    let counts = &report.counts;
    let mut notes = Vec::new();
    if report.cut_off {
        notes.push(format!(
            "This run was cut off: its last line is half a verdict. What follows is of the {} before.",
            images(counts.images())
        ));
    }
    if counts.foreign > 0 {
        notes.push(format!(
            "{} judged by another policy or model than the run's own; the run folder was put together \
             by hand.",
            was(counts.foreign)
        ));
    }
    if counts.repeated > 0 {
        let lines = match counts.repeated {
            1 => "1 line is about an image that stands".to_owned(),
            several => format!("{} lines are about images that stand", thousands(several)),
        };
        notes.push(format!("{lines} in the run before; the first counts."));
    }
    let other = report.policy.filter(|policy| policy.hash != report.manifest.policy);
    if other.is_some() {
        notes.push(
            "The constitution that was named is not the one that judged: its rules' texts are \
             shown, and may say something else than what was asked."
                .to_owned(),
        );
    }
    if !counts.traced && counts.of(Conclusion::Failed) < counts.images() {
        notes.push(
            "The numbers behind the verdicts were not kept (judge with --trace), so that reasons \
             are short."
                .to_owned(),
        );
    }
    notes
}

fn was(count: usize) -> String {
    if count == 1 { "1 image was".to_owned() } else { format!("{} images were", thousands(count)) }
}

/// How much of the run this file holds, a sentence each.
pub(super) fn held(report: &RunReport<'_>, held: Held) -> Vec<String> {
    let all = images(held.images);
    let mut lines = Vec::new();
    if report.quoting == Quoting::Redacted {
        lines.push(
            "Redacted: no pictures, no names, and nothing that the model or an error said. An \
             image's name is a hash of its path, by which whoever has the run can find it; it does \
             not hide a path from somebody who can guess it."
                .to_owned(),
        );
    } else {
        let size = mebibytes(held.picture_bytes);
        lines.push(format!(
            "It holds small pictures of {} of {all} ({size}), the most severe first.",
            thousands(held.pictures)
        ));
    }
    let lost = [
        (held.gone, "not where the run found it", "not where the run found them"),
        (
            held.changed,
            "changed since the run, and not shown",
            "changed since the run, and not shown",
        ),
        (held.unreadable, "not readable any more", "not readable any more"),
    ];
    for (count, one, several) in lost {
        match count {
            0 => {}
            1 => lines.push(format!("1 image is {one}.")),
            _ => lines.push(format!("{} images are {several}.", thousands(count))),
        }
    }
    if report.counts.traced {
        let size = mebibytes(held.trace_bytes);
        lines.push(format!(
            "It holds every number behind {} of {all} ({size}), the most severe first.",
            thousands(held.traces)
        ));
    }
    lines
}

#[expect(clippy::cast_precision_loss, reason = "sizes of pages are far below 2^52")]
fn mebibytes(bytes: usize) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
