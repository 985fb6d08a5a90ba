//! Images that never leave this machine.
//!
//! Where it is not certain that a path does not match, it does: an image that is kept by mistake is
//! undetermined, one that is sent by mistake is gone.

use std::path::{Path, PathBuf};

use glob::Pattern;

#[cfg(any(feature = "remote", test))]
use crate::cli::exit::Failure;
use crate::ids::RuleId;
use crate::imaging::{Decoded, View};
use crate::pipeline::{JudgeError, Judging, Signature};
use crate::verdict::{Conclusion, IMAGE, ImageError, Method, Outcome, RuleVerdict, Verdict, Why};

/// Which images are kept here.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct LocalOnly {
    globs: Vec<Pattern>,
    /// Files and folders that a pattern names as they are.
    places: Vec<PathBuf>,
}

impl LocalOnly {
    /// Reads patterns: `private` and `private/` stand for every image below a folder of that name.
    // Without servers there is none that images are kept from.
    #[cfg(any(feature = "remote", test))]
    pub(in crate::cli) fn new(patterns: &[String]) -> Result<Self, Failure> {
        let mut kept = Self::default();
        for text in patterns {
            let bare = text.strip_prefix("./").unwrap_or(text).trim_end_matches('/');
            if bare.is_empty() {
                return Err(bad(text, "it is empty"));
            }
            let anywhere = if bare.starts_with('/') { "" } else { "**/" };
            for glob in [
                bare.to_owned(),
                format!("{bare}/**"),
                format!("{anywhere}{bare}"),
                format!("{anywhere}{bare}/**"),
            ] {
                kept.globs.push(Pattern::new(&glob).map_err(|error| bad(text, error.msg))?);
            }
            kept.places.extend(fs_err::canonicalize(text));
        }
        Ok(kept)
    }

    /// Whether none is.
    pub(in crate::cli) fn is_empty(&self) -> bool {
        self.globs.is_empty()
    }

    /// Whether an image is kept here, by its path as it was given and by where it really is.
    fn keeps(&self, image: &str) -> bool {
        // What the path is where it is not UTF-8 can't be known any more.
        if image.contains(char::REPLACEMENT_CHARACTER) {
            return !self.is_empty();
        }
        let given = Path::new(image.strip_prefix("./").unwrap_or(image));
        let real = fs_err::canonicalize(image).ok();
        let matches = |path: &Path| {
            self.globs.iter().any(|glob| glob.matches_path(path))
                || self.places.iter().any(|place| path.starts_with(place))
        };
        matches(given) || real.as_deref().is_some_and(matches)
    }
}

#[cfg(any(feature = "remote", test))]
fn bad(pattern: &str, detail: &str) -> Failure {
    Failure::Input(miette::miette!(
        code = "praetor::local_only::pattern",
        help = "write a folder, a file, or a glob such as 'private/**'",
        "`{pattern}` says of no image that it is to be kept here: {detail}"
    ))
}

/// A way of judging that is not shown what is kept here.
pub(in crate::cli) struct Guarded<Way> {
    inner: Way,
    kept: LocalOnly,
    rules: Vec<RuleId>,
}

impl<Way: Judging> Guarded<Way> {
    pub(in crate::cli) fn new(inner: Way, kept: LocalOnly, rules: Vec<RuleId>) -> Self {
        let rules = match inner.signature().method {
            Method::Clue => rules,
            _ => RuleId::new(IMAGE).into_iter().collect(),
        };
        Self { inner, kept, rules }
    }

    pub(in crate::cli) fn inner(&self) -> &Way {
        &self.inner
    }
}

impl<Way: Judging> Judging for Guarded<Way> {
    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn judge_view(&self, view: &View) -> Result<Vec<RuleVerdict>, JudgeError> {
        self.inner.judge_view(view)
    }

    fn names_rules(&self) -> bool {
        self.inner.names_rules()
    }

    fn judge_image(
        &self,
        image: String,
        decoded: Result<Decoded, ImageError>,
    ) -> Result<Verdict, JudgeError> {
        let hash = match &decoded {
            Ok(decoded) if self.kept.keeps(&image) => decoded.hash,
            _ => return self.inner.judge_image(image, decoded),
        };
        let rule = |rule: &RuleId| RuleVerdict {
            outcome: Outcome::Undetermined,
            why: Some(Why::KeptLocal),
            ..RuleVerdict::from_findings(rule.clone(), Vec::new())
        };
        Ok(Verdict {
            hash: Some(hash),
            verdict: Conclusion::Undetermined,
            rules: self.rules.iter().map(rule).collect(),
            ..self.signature().blank(image)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(patterns: &[&str]) -> LocalOnly {
        let patterns: Vec<String> = patterns.iter().map(|text| (*text).to_owned()).collect();
        LocalOnly::new(&patterns).unwrap()
    }

    #[test]
    fn a_folder_keeps_all_below_it_however_it_is_written() {
        for pattern in ["private", "./private/", "private/**", "inbox/private"] {
            let kept = kept(&[pattern]);
            for image in
                ["inbox/private/a.png", "./inbox/private/b/c.png", "/x/inbox/private/a.png"]
            {
                assert!(kept.keeps(image), "{pattern}: {image}");
            }
            for image in ["inbox/a.png", "inbox/private.png", "notprivate/a.png"] {
                assert!(!kept.keeps(image), "{pattern}: {image}");
            }
        }
        assert!(kept(&["*.tif"]).keeps("a/b.tif"));
        assert!(!kept(&[]).keeps("a\u{fffd}.png"));
        assert!(kept(&["x"]).keeps("a\u{fffd}.png"));
        assert!(LocalOnly::new(&["[".to_owned()]).is_err());
        assert!(LocalOnly::new(&["/".to_owned()]).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_into_a_kept_folder_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let private = folder.path().join("private");
        fs_err::create_dir(&private).unwrap();
        fs_err::write(private.join("a.png"), "x").unwrap();
        fs_err::os::unix::fs::symlink(&private, folder.path().join("link")).unwrap();
        let link = folder.path().join("link/a.png").display().to_string();
        assert!(kept(&["private"]).keeps(&link));
    }
}
