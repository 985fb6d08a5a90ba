//! What `praetor tune` shows, for people.

use std::fmt::Write;

use crate::cli::style;
use crate::eval::share_of;
use crate::imaging::shown;
use crate::store::Run;
use crate::units::percent;
use crate::workbench::tune::{
    BINS, ImageTally, PreconditionTuning, RuleTuning, Spread, Suggestion, Sweep, Tally, Tuning, bin,
};

/// Columns of a paragraph, and those of its margin.
const WIDTH: usize = 96;
const INDENT: usize = 10;

const LEGEND: &str = "\
M is how sure the model is that it sees something, from 0 to 1. Each precondition has a line below
which it does not hold (n) and one above which it holds (y); what lies between goes on to the region
of its object, to reasoning, and then stays open. A score is M freed of what the model says without
an image: 0.5 means that the image changed nothing.
";

const COLUMNS: &str = "\
flagged: images that violate the rule; undetermined: nothing could be said; unknown: the run did not
ask what this value would need, so judge again to know; reasoned: preconditions that go to reasoning.
";

/// The whole of it.
pub(super) fn show(tuning: &Tuning, run: &Run) -> String {
    let mut text = String::new();
    let ImageTally { flagged, undetermined, safe, needs_asking, escalations } = tuning.now;
    let heading = format!("{} images of the run in {}", tuning.images, shown(run.path()));
    let _ = writeln!(text, "{}", style::bold(&heading));
    if tuning.thresholds.is_empty() {
        text.push_str("  by this rule alone");
    } else {
        text.push_str("  by all rules");
    }
    let _ = write!(text, ": {flagged} unsafe, {undetermined} undetermined, {safe} safe");
    if needs_asking > 0 {
        let _ = write!(text, ", {needs_asking} unknown until judged again");
    }
    let _ = writeln!(text, "; {escalations} preconditions reasoned about");
    for note in &tuning.notes {
        let _ = writeln!(text, "{} {}", style::bold("note:"), shown(note));
    }
    let _ = writeln!(text, "\n{}", style::dim(LEGEND.trim_end()));
    for tuned in &tuning.rules {
        rule(&mut text, tuned, tuning.images);
    }
    if !tuning.thresholds.is_empty() {
        let _ = writeln!(text, "\n{}", style::bold("All rules together, each with the same value"));
        sweeps(&mut text, &tuning.thresholds, "unsafe", image_cells);
    }
    let _ = writeln!(text, "\n{}", style::dim(COLUMNS.trim_end()));
    suggestions(&mut text, &tuning.suggestions);
    text
}

fn rule(text: &mut String, tuned: &RuleTuning, images: usize) {
    let Tally { violated, clear, irrelevant, undetermined, needs_asking, .. } = tuned.now;
    let _ = writeln!(text, "\n{}  {}", style::bold(tuned.rule.as_str()), shown(&tuned.text));
    let _ = write!(text, "  asked about {} of {images} images", tuned.now.asked());
    if irrelevant > 0 {
        let _ = write!(text, " ({irrelevant} not relevant)");
    }
    let _ = write!(text, ": {violated} flagged, {undetermined} undetermined, {clear} clear");
    if needs_asking > 0 {
        let _ = write!(text, ", {needs_asking} unknown until judged again");
    }
    text.push('\n');
    if tuned.scores.count > 0 {
        let _ = writeln!(text, "  scores  {}  {}", histogram(&tuned.scores), middle(&tuned.scores));
    }
    for one in &tuned.preconditions {
        precondition(text, one);
    }
    if tuned.now.asked() + irrelevant > 0 {
        text.push('\n');
        sweeps(text, &tuned.thresholds, "flagged", rule_cells);
    }
}

fn precondition(text: &mut String, tuned: &PreconditionTuning) {
    let _ = writeln!(text, "\n  {}", shown(&tuned.statement));
    if tuned.settled.all() == 0 {
        return;
    }
    let _ = writeln!(text, "    M     {}  {}", histogram(&tuned.m), middle(&tuned.m));
    if let (Some(prior), Some(rejects), Some(accepts)) =
        (tuned.prior, tuned.rejects_below, tuned.accepts_above)
    {
        let _ = writeln!(
            text,
            "          {}   no below {rejects:.2}, yes above {accepts:.2}; without an image \
             {:.2}; {} between",
            marks(rejects, accepts),
            prior.value(),
            percent(share_of(tuned.in_band, tuned.m.count), 0)
        );
    }
    for line in steps(tuned) {
        let _ = writeln!(text, "    {line}");
    }
}

/// What became of the images it was asked of, a line for each way.
fn steps(tuned: &PreconditionTuning) -> Vec<String> {
    let steps = tuned.settled;
    let all = steps.all();
    let ways: [(&str, &[(&str, usize)]); 6] = [
        (
            "holds",
            &[
                ("by M", steps.first_yes),
                ("by its region", steps.region_yes),
                ("by reasoning", steps.reasoning_yes),
                ("by leaning", steps.lean_yes),
            ],
        ),
        (
            "does not",
            &[
                ("by M", steps.first_no),
                ("by reasoning", steps.reasoning_no),
                ("by leaning", steps.lean_no),
            ],
        ),
        ("not needed", &[("as another precondition had cleared the rule", steps.not_needed)]),
        ("open", &[("between the lines to the end", steps.open)]),
        ("no answer", &[("that could be used", steps.unanswered)]),
        ("unknown", &[("until judged again", steps.needs_asking)]),
    ];
    let line = |(word, parts): &(&str, &[(&str, usize)])| {
        let total: usize = parts.iter().map(|(_, count)| count).sum();
        let parts = parts.iter().filter(|(_, count)| *count > 0);
        let parts: Vec<String> = parts.map(|(name, count)| format!("{count} {name}")).collect();
        (total > 0).then(|| {
            format!("{word:<10} {:>5}  {}", percent(share_of(total, all), 0), parts.join(", "))
        })
    };
    ways.iter().filter_map(line).collect()
}

fn histogram(spread: &Spread) -> String {
    format!("0 |{}| 1", spread.drawn())
}

/// Where the two lines lie under a histogram.
fn marks(rejects: f64, accepts: f64) -> String {
    let mut marks = [' '; BINS];
    marks[bin(rejects)] = 'n';
    marks[bin(accepts)] = 'y';
    format!("   {}  ", marks.iter().collect::<String>())
}

fn middle(spread: &Spread) -> String {
    match spread.quantiles[..] {
        [_, five, quarter, half, three, most, _] => format!(
            "5 % below {five:.2}, 25 % {quarter:.2}, half {half:.2}, 75 % {three:.2}, 95 % {most:.2}"
        ),
        _ => String::new(),
    }
}

/// The tables of all thresholds; one that moves nothing is a line.
fn sweeps<Counts>(
    text: &mut String,
    sweeps: &[Sweep<Counts>],
    flagged: &str,
    cells: impl Fn(&Counts) -> [usize; 4],
) {
    let moves = |sweep: &&Sweep<Counts>| moves(sweep.rows.iter().map(|(_, counts)| cells(counts)));
    let moving: Vec<_> = sweeps.iter().filter(moves).collect();
    if !moving.is_empty() {
        let _ = writeln!(
            text,
            "  {:<20} {:>6} {flagged:>9} {:>13} {:>8} {:>9}",
            "threshold", "value", "undetermined", "unknown", "reasoned"
        );
    }
    for sweep in moving {
        let mut name = sweep.threshold.key();
        for (value, counts) in &sweep.rows {
            let [flagged, undetermined, unknown, reasoned] = cells(counts);
            let is_now = sweep.now.is_some_and(|now| (now - value).abs() < 1e-9);
            let row = format!(
                "  {name:<20} {value:>6} {flagged:>9} {undetermined:>13} {unknown:>8} \
                 {reasoned:>9}{}",
                if is_now { "  now" } else { "" }
            );
            let _ = writeln!(text, "{}", if is_now { style::bold(&row) } else { row });
            name = "";
        }
    }
    for sweep in sweeps.iter().filter(|sweep| !moves(sweep)) {
        if let (Some((low, _)), Some((high, _))) = (sweep.rows.first(), sweep.rows.last()) {
            let line = format!(
                "  {:<20} from {low} to {high} hardly anything changes",
                sweep.threshold.key()
            );
            let _ = writeln!(text, "{}", style::dim(&line));
        }
    }
}

/// Whether a threshold is worth a table: it changes what comes out, or a tenth of the reasoning.
fn moves(rows: impl Iterator<Item = [usize; 4]>) -> bool {
    let rows: Vec<[usize; 4]> = rows.collect();
    let reasoned = || rows.iter().map(|row| row[3]);
    let (least, most) = (reasoned().min().unwrap_or(0), reasoned().max().unwrap_or(0));
    rows.windows(2).any(|pair| pair[0][..3] != pair[1][..3]) || (most - least) * 10 > most
}

fn rule_cells(tally: &Tally) -> [usize; 4] {
    [tally.violated, tally.undetermined, tally.needs_asking, tally.escalations]
}

fn image_cells(tally: &ImageTally) -> [usize; 4] {
    [tally.flagged, tally.undetermined, tally.needs_asking, tally.escalations]
}

fn suggestions(text: &mut String, suggestions: &[Suggestion]) {
    let _ = writeln!(text, "\n{}", style::bold("What to try"));
    if suggestions.is_empty() {
        let _ = writeln!(
            text,
            "  nothing stands out. Whether the flags are right only labels can say: `praetor audit \
             sample`\n  draws the images to look at"
        );
        return;
    }
    let _ = writeln!(
        text,
        "  from the numbers alone: nobody has labelled these images, so look at the example first"
    );
    for one in suggestions {
        let _ = writeln!(text, "\n  {}", style::bold(one.rule.as_str()));
        let lines = [
            ("why", one.reason.clone()),
            ("try", one.advice.clone()),
            ("where", one.key.clone()),
            ("see", one.example.clone().unwrap_or_default()),
        ];
        for (word, line) in lines.iter().filter(|(_, line)| !line.is_empty()) {
            let _ = writeln!(text, "{}", wrapped(word, &shown(line).to_string()));
        }
    }
}

/// A paragraph with its word in front.
fn wrapped(word: &str, paragraph: &str) -> String {
    let lines = style::lines(paragraph.split(' '), WIDTH - INDENT);
    format!("    {word:<6}{}", lines.join(&format!("\n{:INDENT$}", "")))
}
