//! `praetor report`: the report of a run as one HTML page. (What `praetor judge` writes while it runs
//! is `report.rs`.)

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{HumanBytes, ProgressBar};

use super::number::between;
use super::{Ending, Failure, Outcome, style};
use crate::constitution::Policy;
use crate::imaging::{Limits, Source, decode, shown};
use crate::report::{Found, Held, Inline, RunReport, Wanted};
use crate::store::{Run, RunManifest};

/// Write the report of a run as one HTML page: what was found, why, and every image
///
/// The page works offline and loads nothing. Its summary, charts and most severe images stand in it
/// without a script; one script of its own lists, filters and opens all images. Pictures are small,
/// blurred and grey until the reader points at them, and are put in only if the file is still the one
/// that was judged. Judge with `--trace` to have every number behind the verdicts.
#[derive(Debug, Args)]
pub(super) struct ReportCommand {
    /// The run folder, as `praetor judge --out` has written it
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Where to write the page; a file of that name is replaced [default: report.html in RUN]
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// The constitution, for the texts of its rules [default: the one that the run names, if it is
    /// still the same]
    #[arg(short, long, value_name = "YAML")]
    constitution: Option<PathBuf>,
    /// Its compiled form [default: the constitution's name with `.lock.yaml`]
    #[arg(long, value_name = "YAML", requires = "constitution")]
    lock: Option<PathBuf>,
    /// Where relative paths of images begin [default: the current folder]
    #[arg(long, value_name = "FOLDER", conflicts_with = "redact")]
    images: Option<PathBuf>,
    /// Pictures at most, the most severe images first
    #[arg(long, value_name = "N", default_value_t = 1_000, conflicts_with = "redact")]
    thumbnails: usize,
    /// Longer side of a picture, in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 96,
          value_parser = between::<u32>(16, 1_024), conflicts_with = "redact")]
    thumbnail_size: u32,
    /// Images with every number behind them at most, the most severe first
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    traces: usize,
    /// What pictures and numbers may take in the page, half of it each, in mebibytes
    #[arg(long, value_name = "MIB", default_value_t = 24)]
    budget_mib: usize,
    /// For sending around: no pictures, names only as hashes, nothing that the model or an error said
    #[arg(long)]
    redact: bool,
    /// No progress bar and no notes
    #[arg(short, long)]
    quiet: bool,
}

impl ReportCommand {
    pub(super) fn run(self) -> Outcome {
        let run = Run::open(&self.run)?;
        let (policy, note) = self.policy(&run.manifest)?;
        let budget = self.budget_mib.saturating_mul(1 << 20);
        let mut report = RunReport::new(&run.manifest, policy.as_ref(), budget, self.redact);
        let mut verdicts = run.verdicts()?;
        for verdict in verdicts.by_ref() {
            report.add(&verdict?);
        }
        report.end(verdicts.cut_off());
        if report.images() == 0 {
            return Err(Failure::Unopened(miette::miette!(
                help = "it was stopped before its first image, or was given none; judge again",
                "the run `{}` holds no verdict",
                shown(&self.run)
            )));
        }
        self.add_pictures(&mut report, &run.manifest);
        let wanted = report.traced(self.traces);
        for verdict in run.verdicts()? {
            report.trace(&verdict?, &wanted).map_err(|error| Failure::unopened(&error, None))?;
        }
        let (finding, notes) = (report.finding(), report.notes());
        let (page, held) = report.page().map_err(|error| Failure::unopened(&error, None))?;
        let path = self.html.clone().unwrap_or_else(|| self.run.join("report.html"));
        fs_err::write(&path, &page).map_err(|error| Failure::unopened(&error, None))?;
        if !self.quiet {
            style::notes(&[notes, note.into_iter().collect(), lost(held)].concat())?;
        }
        let mut out = io::stdout().lock();
        writeln!(out, "{finding}")?;
        writeln!(out, "report in {} ({})", shown(&path), size(page.len(), held))?;
        Ok(Ending::Done)
    }

    /// The constitution that was named; else the one that judged, if it is still what it was.
    fn policy(&self, manifest: &RunManifest) -> Result<(Option<Policy>, Option<String>), Failure> {
        if let Some(path) = &self.constitution {
            let policy = Policy::load(path, self.lock.as_deref()).map_err(Failure::input)?;
            return Ok((Some(policy), None));
        }
        let named = |name: &str| manifest.settings.get(name).map(PathBuf::from);
        let Some(path) = named("constitution") else { return Ok((None, None)) };
        let policy = Policy::load(&path, named("lock").as_deref()).ok();
        let policy = policy.filter(|policy| policy.hash == manifest.policy);
        let note = policy.is_none().then(|| {
            format!(
                "`{}` is gone or no longer what it was when it judged, so that the page has no texts of \
                 rules; name the constitution with -c",
                shown(&path)
            )
        });
        Ok((policy, note))
    }

    /// Looks for the images whose pictures are wanted, until there is no more room.
    fn add_pictures(&self, report: &mut RunReport<'_>, manifest: &RunManifest) {
        let wanted = report.wanted(self.thumbnails);
        let bar = if self.quiet || wanted.len() < 50 {
            ProgressBar::hidden()
        } else {
            super::report::progress_bar(Some(wanted.len() as u64))
        };
        let limits = limits_of(manifest);
        for one in wanted {
            if !report.picture(one.row, self.find(&one, &limits)) {
                break;
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
    }

    /// What has become of an image: its picture only if its bytes are those that were judged.
    fn find(&self, wanted: &Wanted, limits: &Limits) -> Found {
        let root = self.images.as_deref().unwrap_or_else(|| Path::new(""));
        let source = Source::new(root.join(&wanted.image));
        let decoded = match decode(&source, limits) {
            Ok(decoded) => decoded,
            Err(error) if error.code() == "not_found" => return Found::Gone,
            Err(_) => return unreadable(source.path(), wanted),
        };
        if decoded.hash != wanted.hash {
            return Found::Changed;
        }
        let decides = |frame| decoded.pictures.iter().find(|picture| picture.frame == frame);
        let picture = wanted.frame.and_then(decides).or_else(|| decoded.pictures.first());
        let picture = picture.map(|picture| Inline::new(&picture.pixels, self.thumbnail_size));
        match picture {
            Some(Ok(picture)) => Found::Picture(picture),
            _ => Found::Unreadable,
        }
    }
}

/// A file that can't be decoded: another one by now, or the same that could be when it was judged.
fn unreadable(path: &Path, wanted: &Wanted) -> Found {
    match fs_err::read(path) {
        Ok(bytes) if crate::ids::Hash::of(&bytes) != wanted.hash => Found::Changed,
        _ => Found::Unreadable,
    }
}

/// The limits that the run's images were read within.
fn limits_of(manifest: &RunManifest) -> Limits {
    let setting = |name: &str| manifest.settings.get(name)?.parse::<u64>().ok();
    let usual = Limits::default();
    let mebibytes = setting("max_file_mib").map(|size| size.saturating_mul(1 << 20));
    let megapixels = setting("max_megapixels").map(|size| size.saturating_mul(1_000_000));
    let frames = setting("max_frames").and_then(|frames| u32::try_from(frames).ok());
    Limits {
        file_bytes: mebibytes.unwrap_or(usual.file_bytes),
        pixels: megapixels.unwrap_or(usual.pixels),
        frames: frames.unwrap_or(usual.frames),
        ..usual
    }
}

/// What was looked for and not found as it was.
fn lost(held: Held) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = |count: usize, what: &str| {
        if count > 0 {
            let images = if count == 1 { "1 image is" } else { &format!("{count} images are") };
            notes.push(format!("{images} {what}"));
        }
    };
    note(held.gone, "gone; if paths are relative to another folder, name it with --images");
    note(held.changed, "no longer what was judged, and not shown");
    note(held.unreadable, "not readable any more");
    notes
}

/// `2.3 MiB: 16 images, 16 pictures of 63.1 KiB, the numbers behind 16 of 101.2 KiB`.
fn size(page: usize, held: Held) -> String {
    let bytes = |bytes: usize| HumanBytes(bytes as u64).to_string();
    let mut parts = vec![format!("{} images", held.images)];
    if held.pictures > 0 {
        parts.push(format!("{} pictures of {}", held.pictures, bytes(held.picture_bytes)));
    }
    if held.traces > 0 {
        parts.push(format!("the numbers behind {} of {}", held.traces, bytes(held.trace_bytes)));
    }
    format!("{}: {}", bytes(page), parts.join(", "))
}
