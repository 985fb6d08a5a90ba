//! `praetor models show`: what a model consists of, and what of it is here.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::{hub, human, named};
use crate::cli::judging::Format;
use crate::cli::{Ending, Failure, Outcome, style};
use crate::hub::{Cached, Hub};
use crate::models::{Found, ModelName, find};
use crate::prompts::QuestionForm;

/// Show a model's files, sizes, hashes and licence, and what of it is on this machine
///
/// The hub is asked for what the catalogue does not know, unless `HF_HUB_OFFLINE` is set.
#[derive(Debug, Args)]
pub(in crate::cli) struct Show {
    /// A name that `praetor models list` shows, or `hf:OWNER/NAME[@REVISION][:QUANT]`
    #[arg(value_name = "MODEL")]
    model: String,
    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// All that is known of a model.
#[derive(Serialize)]
struct Shown {
    name: String,
    repository: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    licence: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    notes: String,
    question_form: &'static str,
    /// Whether it can be judged with as it is.
    complete: bool,
    folder: PathBuf,
    files: Vec<ShownFile>,
    /// What the repository has: label and bytes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    quantisations: BTreeMap<String, Option<u64>>,
    /// Why the hub was not asked, or did not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    hub: Option<String>,
}

/// A file of the model.
#[derive(Default, Serialize)]
struct ShownFile {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<PathBuf>,
    /// Bytes that have come of a file that is not whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    partial_bytes: Option<u64>,
}

impl Show {
    pub(in crate::cli) fn run(self) -> Outcome {
        let name = named::parse(&self.model)?;
        let hub = hub();
        let found = find(&name, &hub).ok();
        let mut shown = known(&name, &hub, found.as_ref());
        ask(&mut shown, &name, &hub, found.as_ref())?;
        let mut out = io::stdout().lock();
        match self.format {
            Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&shown)?)?,
            Format::Text => text(&mut out, &shown)?,
        }
        Ok(Ending::Done)
    }
}

/// What the catalogue and the cache know.
fn known(name: &ModelName, hub: &Hub, found: Option<&Found>) -> Shown {
    let cached = Cached::of(hub, &name.repository);
    let here = found.map(|found| found.files.as_slice()).unwrap_or_default();
    let mut files: Vec<ShownFile> = here
        .iter()
        .map(|stored| ShownFile {
            file: stored.file.clone(),
            bytes: Some(stored.size),
            sha256: stored.sha256.clone(),
            path: Some(stored.path.clone()),
            partial_bytes: None,
        })
        .collect();
    let pair = name.entry.filter(|_| files.is_empty() && name.quantisation.is_none());
    if let Some((entry, (model, projector))) = pair.and_then(|entry| Some((entry, entry.pair?))) {
        files.extend([model, projector].map(|file| ShownFile {
            file: file.to_owned(),
            bytes: entry.known(file).map(|known| known.size),
            sha256: entry.known(file).map(|known| known.sha256.to_owned()),
            ..ShownFile::default()
        }));
    }
    let form = QuestionForm::of_name(&name.repository.name);
    Shown {
        name: name.to_string(),
        repository: name.repository.to_string(),
        commit: found.map(|found| found.commit.clone()),
        licence: name.entry.map(|entry| entry.licence.to_owned()),
        notes: name.entry.map(|entry| entry.notes.to_owned()).unwrap_or_default(),
        question_form: form.name(),
        complete: found.is_some_and(|found| found.projector.is_some()),
        folder: cached.folder().to_owned(),
        files,
        quantisations: BTreeMap::new(),
        hub: None,
    }
}

#[cfg(not(feature = "hub"))]
#[expect(clippy::unnecessary_wraps, reason = "the other build needs it")]
fn ask(
    shown: &mut Shown,
    _name: &ModelName,
    _hub: &Hub,
    _found: Option<&Found>,
) -> Result<(), Failure> {
    shown.hub = Some("not asked: this praetor was built without downloads".to_owned());
    Ok(())
}

/// What the hub knows besides; only a model that nobody knows is an error.
#[cfg(feature = "hub")]
fn ask(
    shown: &mut Shown,
    name: &ModelName,
    hub: &Hub,
    found: Option<&Found>,
) -> Result<(), Failure> {
    use crate::hub::{Cause, Client};
    use crate::models::{Plan, PlanError, quantisations};
    if hub.offline {
        shown.hub = Some("not asked: HF_HUB_OFFLINE is set".to_owned());
        return Ok(());
    }
    let client = Client::new(hub).map_err(PlanError::from);
    let plan = match client.and_then(|client| Plan::make(name, &client)) {
        Ok(plan) => plan,
        // What is known is worth showing without a network.
        Err(PlanError::Hub(error))
            if matches!(*error.cause, Cause::Unreachable { .. })
                && (found.is_some() || name.entry.is_some()) =>
        {
            let said = error.cause.to_string();
            shown.hub = Some(said.trim_start_matches("the hub ").to_owned());
            return Ok(());
        }
        Err(error) => return Err(super::pull::failure(&error)),
    };
    let cached = Cached::of(hub, &name.repository);
    shown.licence = shown.licence.take().or(plan.listing.licence.clone());
    shown.commit = Some(plan.listing.commit.clone());
    let stored = |file: &str| cached.file(&plan.listing.commit, file);
    shown.files = plan
        .files()
        .into_iter()
        .map(|listed| ShownFile {
            file: listed.file.clone(),
            bytes: listed.size,
            sha256: listed.sha256.clone(),
            path: stored(&listed.file).map(|stored| stored.path),
            partial_bytes: listed.sha256.as_ref().and_then(|tag| cached.partial(tag)),
        })
        .collect();
    let size = |file: &String| plan.listing.get(file).and_then(|listed| listed.size);
    let all = quantisations(plan.listing.files.iter().map(|listed| listed.file.as_str()));
    shown.quantisations = all
        .into_iter()
        .map(|(label, files)| (label, files.iter().map(size).sum::<Option<u64>>()))
        .collect();
    let newer = found.is_some_and(|found| found.commit != plan.listing.commit);
    if newer {
        shown.hub = Some(format!(
            "has a newer revision than the one in the cache; `praetor models pull {name}` fetches it"
        ));
    }
    Ok(())
}

fn text(out: &mut impl Write, shown: &Shown) -> io::Result<()> {
    writeln!(out, "{}", style::bold(&shown.name))?;
    let mut line = |label: &str, value: &str| writeln!(out, "  {label:<16}{value}");
    line("repository", &shown.repository)?;
    if let Some(commit) = &shown.commit {
        line("commit", commit)?;
    }
    line("licence", shown.licence.as_deref().unwrap_or("not known"))?;
    if !shown.notes.is_empty() {
        line("notes", &shown.notes)?;
    }
    line("question form", shown.question_form)?;
    let here = if shown.complete { "complete, in" } else { "not complete; it belongs in" };
    line("on this machine", &format!("{here} {}", shown.folder.display()))?;
    for (index, file) in shown.files.iter().enumerate() {
        line(if index == 0 { "files" } else { "" }, &told(file))?;
        if let Some(sha256) = &file.sha256 {
            line("", &style::dim(&format!("SHA-256 {sha256}")))?;
        }
    }
    let quantisations: Vec<String> = shown
        .quantisations
        .iter()
        .map(|(label, bytes)| match bytes {
            Some(bytes) => format!("{label} ({})", human(*bytes)),
            None => label.clone(),
        })
        .collect();
    if !quantisations.is_empty() {
        line("there are", &quantisations.join(", "))?;
    }
    shown.hub.as_ref().map_or(Ok(()), |note| line("the hub", note))
}

fn told(file: &ShownFile) -> String {
    let size = file.bytes.map_or_else(|| "size not known".to_owned(), human);
    let here = match (&file.path, file.partial_bytes) {
        (Some(_), _) => "here".to_owned(),
        (None, Some(bytes)) => format!("{} here so far", human(bytes)),
        (None, None) => "to be fetched".to_owned(),
    };
    format!("{}, {size}, {here}", file.file)
}
