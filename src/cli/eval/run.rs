//! Where verdicts come from: judging a dataset, or a run folder that was written before.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::path::Path;

use crate::cli::dataset::tasks;
use crate::cli::{Failure, report};
use crate::constitution::Policy;
use crate::dataset::survey::Found;
use crate::dataset::{Dataset, Example};
use crate::eval::effectiveness::{Consulted, Judged, category_rule};
use crate::ids::ImageHash;
use crate::imaging::shown;
use crate::pipeline::stream::judge_all;
use crate::store::{Run, RunFolder, Settings};
use crate::verdict::{Conclusion, Verdict};

use super::{Eval, Gathered};

/// Judges all images of a dataset.
pub(super) fn judge(
    eval: &Eval,
    dataset: &Dataset,
    policy: &Policy,
    rows: u64,
) -> Result<Gathered, Failure> {
    let models = eval.judging.load()?;
    let way = eval.judging.stages.join(policy, &models)?;
    let mut gathered = Gathered {
        judged: Vec::new(),
        judge: models.vlm.model().name.clone(),
        bad_rows: Found::default(),
        unread: Found::default(),
        unjudged: Found::default(),
        known: BTreeSet::new(),
        notes: eval.judging.stages.notes(&way, &models),
    };
    let mut folder = match &eval.output.out {
        Some(path) => {
            let mut more: Settings = eval.policy.settings();
            more.insert("trace".to_owned(), eval.output.trace.to_string());
            let manifest = eval.judging.manifest(policy, &models, more);
            Some(RunFolder::create(path, &manifest)?)
        }
        None => None,
    };
    let bar = if eval.output.quiet {
        indicatif::ProgressBar::hidden()
    } else {
        report::progress_bar(Some(rows))
    };
    let (tasks, mut labels) = tasks(dataset.examples()?, eval.judging.limits.limits());
    let mut failure = None;
    judge_all(way.judging(), eval.jobs.at_once(), tasks, |verdict| {
        bar.inc(1);
        if let Some(label) = labels.next() {
            gathered.add(label, &verdict, eval.consulted());
        }
        match keep(folder.as_mut(), verdict, eval.output.trace) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failure = Some(error);
                ControlFlow::Break(())
            }
        }
    })?;
    bar.finish_and_clear();
    gathered.notes.extend(models.bill());
    // What is left are bad rows at the end.
    while failure.is_none() && labels.next().is_some() {}
    gathered.bad_rows = labels.bad;
    match failure {
        Some(failure) => Err(failure),
        None => Ok(gathered.unless_nothing_was_read()?.by_known_rules(eval.consulted())),
    }
}

fn keep(folder: Option<&mut RunFolder>, mut verdict: Verdict, trace: bool) -> Result<(), Failure> {
    let Some(folder) = folder else { return Ok(()) };
    if !trace {
        verdict.rules.iter_mut().for_each(|rule| rule.findings.clear());
    }
    Ok(folder.append(&verdict)?)
}

/// Finds the verdicts on a dataset's images in a run: by the image's name, or else by its bytes,
/// since a run may have been made from another folder.
pub(super) fn read(
    folder: &Path,
    dataset: &Dataset,
    (policy, consulted): (&Policy, Consulted),
) -> Result<Gathered, Failure> {
    let unread = |error: &crate::store::RunError| Failure::unopened(error, error.help());
    let run = Run::open(folder).map_err(|error| unread(&error))?;
    let mut verdicts = Verdicts::default();
    for verdict in run.verdicts().map_err(|error| unread(&error))? {
        verdicts.add(verdict.map_err(|error| unread(&error))?);
    }
    let mut gathered = Gathered {
        judged: Vec::new(),
        judge: run.manifest.model.name.clone(),
        bad_rows: Found::default(),
        unread: Found::default(),
        unjudged: Found::default(),
        known: BTreeSet::new(),
        notes: Vec::new(),
    };
    if run.manifest.policy != policy.hash {
        gathered.notes.push(format!(
            "the run was made by another edition of the policy ({}, and this is {})",
            run.manifest.policy, policy.hash
        ));
    }
    for row in dataset.examples()? {
        match row {
            Err(error) => gathered.bad_rows.add(|| error.to_string()),
            Ok(example) => match verdicts.of(&example) {
                Some(verdict) => gathered.add(example.label, verdict, consulted),
                None => gathered.unjudged.add(|| example.name.clone()),
            },
        }
    }
    if gathered.judged.is_empty() {
        return Err(Failure::Input(miette::miette!(
            help = "name the dataset that was judged; images are found by their names and bytes",
            "the run `{}` says nothing of any image of `{}`",
            folder.display(),
            dataset.path().display()
        )));
    }
    Ok(gathered.by_known_rules(consulted))
}

/// The verdicts of a run.
#[derive(Default)]
struct Verdicts {
    all: Vec<Verdict>,
    by_name: HashMap<String, usize>,
    by_hash: HashMap<ImageHash, usize>,
}

impl Verdicts {
    fn add(&mut self, mut verdict: Verdict) {
        verdict.rules.iter_mut().for_each(|rule| rule.findings.clear());
        let at = self.all.len();
        self.by_name.insert(verdict.image.clone(), at);
        if let Some(hash) = verdict.hash {
            self.by_hash.insert(hash, at);
        }
        self.all.push(verdict);
    }

    fn of(&self, example: &Example) -> Option<&Verdict> {
        let by_bytes = || self.by_hash.get(&example.hash().ok()?);
        let at = self.by_name.get(&example.name).or_else(by_bytes)?;
        self.all.get(*at)
    }
}

impl Gathered {
    fn add(&mut self, label: crate::dataset::Label, verdict: &Verdict, consulted: Consulted) {
        if verdict.verdict == Conclusion::Failed {
            let why = verdict.error.as_ref().map(|error| error.message.clone());
            self.unread.add(|| why.unwrap_or_else(|| verdict.image.clone()));
        }
        self.known.extend(verdict.rules.iter().map(|entry| entry.rule.clone()));
        match Judged::new(label, verdict, consulted) {
            Some(judged) => self.judged.push(judged),
            None => self.unjudged.add(|| verdict.image.clone()),
        }
    }

    /// Leaves out images that could not be read and whose category the judge does not know, as those are
    /// that could be. A verdict on what was not read has no rules, so that all others must be there first.
    fn by_known_rules(mut self, consulted: Consulted) -> Self {
        if consulted == Consulted::AllRules || self.known.is_empty() {
            return self;
        }
        let (known, unjudged) = (&self.known, &mut self.unjudged);
        self.judged.retain(|judged| {
            let category = judged.label.category.as_deref();
            let is_known = category.is_some_and(|one| category_rule(one, known.iter()).is_some());
            let stays = judged.said != Conclusion::Failed || is_known;
            if !stays {
                let category = shown(category.unwrap_or("none")).to_string();
                unjudged.add(|| format!("an image of the category {category} that can't be read"));
            }
            stays
        });
        self
    }

    fn unless_nothing_was_read(self) -> Result<Self, Failure> {
        match (self.unread.count, self.unread.first.first()) {
            (count, Some(first)) if count >= self.judged.len() => Err(Failure::Unopened(
                miette::miette!("not one image could be read; the first: {}", shown(first)),
            )),
            _ => Ok(self),
        }
    }
}
