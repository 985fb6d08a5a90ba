//! Reading a run folder back: its manifest, and its verdicts one by one.
//!
//! A run that was cut off may end in the middle of a line. That half line is left out and told of;
//! a line that is no verdict anywhere else is an error with its number, since a file that somebody
//! has edited should not be counted as if nothing had happened.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::{MANIFEST, RunManifest, VERDICTS};
use crate::verdict::Verdict;

/// A run folder that is being read.
#[derive(Clone, Debug)]
pub struct Run {
    path: PathBuf,
    /// What the run was made with.
    pub manifest: RunManifest,
}

impl Run {
    /// Opens a run folder and reads its manifest.
    ///
    /// # Errors
    /// [`RunError::NoFolder`] or [`RunError::NoRun`] where there is none, and
    /// [`RunError::Manifest`] for a manifest that is none of ours.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        if !path.is_dir() {
            return Err(RunError::NoFolder { path: path.to_owned() });
        }
        let manifest = path.join(MANIFEST);
        if !manifest.is_file() || !path.join(VERDICTS).is_file() {
            return Err(RunError::NoRun { path: path.to_owned() });
        }
        let text = fs_err::read(&manifest)?;
        let manifest = serde_json::from_slice(&text)
            .map_err(|error| RunError::Manifest { path: manifest, detail: error.to_string() })?;
        Ok(Self { path: path.to_owned(), manifest })
    }

    /// Where the run is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the run has asked of a server; nothing where a model on this machine judged, or it is
    /// not known.
    pub fn spending(&self) -> Option<super::Spending> {
        let text = fs_err::read(self.path.join(super::USAGE)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Whether the run kept every number behind its verdicts.
    pub fn is_traced(&self) -> bool {
        self.manifest.settings.get("trace").is_some_and(|trace| trace == "true")
    }

    /// Reads the verdicts, one at a time.
    ///
    /// # Errors
    /// When the file can't be opened; each line may be an error of its own.
    pub fn verdicts(&self) -> Result<Verdicts, RunError> {
        let path = self.path.join(VERDICTS);
        let lines = BufReader::new(fs_err::File::open(&path)?);
        Ok(Verdicts { path, lines, number: 0, cut_off: false })
    }
}

/// The verdicts of a run, in its order.
#[derive(Debug)]
pub struct Verdicts {
    path: PathBuf,
    lines: BufReader<fs_err::File>,
    number: usize,
    cut_off: bool,
}

impl Verdicts {
    /// Whether the last line was half a verdict, which is known at the end.
    pub fn cut_off(&self) -> bool {
        self.cut_off
    }

    fn read(&mut self) -> Result<Option<Verdict>, RunError> {
        loop {
            let mut line = Vec::new();
            if self.lines.read_until(b'\n', &mut line)? == 0 {
                return Ok(None);
            }
            self.number += 1;
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            return match serde_json::from_slice(&line) {
                Ok(verdict) => Ok(Some(verdict)),
                // A verdict is written with its end of line: without one the run was cut off.
                Err(_) if !line.ends_with(b"\n") => {
                    self.cut_off = true;
                    Ok(None)
                }
                Err(error) => Err(RunError::Line {
                    path: self.path.clone(),
                    number: self.number,
                    detail: error.to_string(),
                }),
            };
        }
    }
}

impl Iterator for Verdicts {
    type Item = Result<Verdict, RunError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// A run folder that can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// There is no folder of that name.
    #[error("`{}` is no folder", path.display())]
    NoFolder {
        /// What was named.
        path: PathBuf,
    },
    /// The folder holds no run.
    #[error("`{}` holds no run: `{MANIFEST}` or `{VERDICTS}` is missing", path.display())]
    NoRun {
        /// Which folder.
        path: PathBuf,
    },
    /// The manifest can't be understood.
    #[error("`{}` is no manifest of a run: {detail}", path.display())]
    Manifest {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// A line is no verdict.
    #[error("line {number} of `{}` is no verdict: {detail}", path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// Which line, counted from one.
        number: usize,
        /// What is wrong with it.
        detail: String,
    },
    /// The system refused.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl RunError {
    /// How to mend it, where that can be said.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::NoFolder { .. } | Self::NoRun { .. } => {
                Some("name a folder that `praetor judge IMAGES -c YAML --out FOLDER` has written")
            }
            Self::Manifest { .. } => Some("was it written by a later version of praetor?"),
            Self::Line { .. } => Some("judge again, or take the line out if it may be lost"),
            Self::Io(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Hash, ModelId};
    use crate::store::RunFolder;
    use crate::verdict::{Conclusion, Method};

    fn model() -> ModelId {
        ModelId { name: "scripted".to_owned(), fingerprint: Hash::of(b"m") }
    }

    fn verdict(image: &str) -> Verdict {
        Verdict {
            image: image.to_owned(),
            hash: None,
            verdict: Conclusion::Safe,
            score: None,
            violated: Vec::new(),
            rules: Vec::new(),
            frames: None,
            error: None,
            method: Method::Clue,
            without: Vec::new(),
            policy: Hash::of(b"policy"),
            model: model(),
            took_ms: 1,
        }
    }

    fn run(more: &str) -> (tempfile::TempDir, Run) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let manifest = RunManifest {
            praetor: "0.1.0".to_owned(),
            started: "2026-11-24T06:00:00Z".to_owned(),
            constitution: "pets".to_owned(),
            policy: Hash::of(b"policy"),
            model: model(),
            settings: [("trace".to_owned(), "true".to_owned())].into(),
            machine: "linux x86_64".to_owned(),
        };
        let mut written = RunFolder::create(&path, &manifest).unwrap();
        written.append(&verdict("a.png")).unwrap();
        let mut text = fs_err::read_to_string(path.join(VERDICTS)).unwrap();
        text.push_str(more);
        fs_err::write(path.join(VERDICTS), text).unwrap();
        (folder, Run::open(&path).unwrap())
    }

    #[test]
    fn what_was_written_is_read_back() {
        let (_folder, run) = run("\n");
        assert!(run.is_traced());
        let read: Vec<_> = run.verdicts().unwrap().map(Result::unwrap).collect();
        assert_eq!(read, [verdict("a.png")]);
    }

    /// Without `float_roundtrip` of `serde_json` 112 of these differ in the last bit.
    #[test]
    fn a_score_comes_back_the_same_to_the_last_bit() {
        let (folder, run) = run("");
        let mut written = RunFolder::create(&folder.path().join("scores"), &run.manifest).unwrap();
        let mut random = crate::eval::Random::new(7);
        let scores: Vec<f64> = (0..1_000).map(|_| random.unit()).collect();
        for score in &scores {
            let score = crate::units::Probability::new(*score);
            written.append(&Verdict { score, ..verdict("a.png") }).unwrap();
        }
        let read = Run::open(&folder.path().join("scores")).unwrap();
        let read = read.verdicts().unwrap().map(|verdict| verdict.unwrap().score.unwrap().value());
        let bits = |scores: Vec<f64>| scores.into_iter().map(f64::to_bits).collect::<Vec<_>>();
        assert_eq!(bits(read.collect()), bits(scores));
    }

    #[test]
    fn half_a_line_at_the_end_is_left_out_and_told_of() {
        let (_folder, run) = run("{\"image\": \"b.p");
        let mut verdicts = run.verdicts().unwrap();
        assert_eq!(verdicts.by_ref().flatten().count(), 1);
        assert!(verdicts.cut_off());
    }

    #[test]
    fn a_bad_line_elsewhere_is_an_error_with_its_number() {
        let (_folder, run) = run("{\"image\": \"b.p\n");
        let error = run.verdicts().unwrap().find_map(Result::err).unwrap();
        assert!(matches!(error, RunError::Line { number: 2, .. }), "{error}");
    }

    #[test]
    fn a_folder_without_a_run_says_how_to_make_one() {
        let folder = tempfile::tempdir().unwrap();
        let error = Run::open(folder.path()).unwrap_err();
        assert!(matches!(error, RunError::NoRun { .. }));
        assert!(error.help().unwrap().contains("--out FOLDER"));
        assert!(matches!(Run::open(&folder.path().join("x")), Err(RunError::NoFolder { .. })));
    }
}
