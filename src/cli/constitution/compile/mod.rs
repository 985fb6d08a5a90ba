//! `praetor constitution compile`: stage 1 of the paper, from rules in words to a lock.

mod check;
mod language_model;
mod plan;
mod summary;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::Args;

use self::language_model::LanguageModelArgs;
use self::plan::{Plan, Task};
use self::summary::Summary;
use crate::cli::exit::Failure;
use crate::cli::number::between;
use crate::cli::style;
use crate::cli::{Ending, Outcome};
use crate::compile::{Compiler, DEFAULT_ROUNDS, Event};
use crate::constitution::{Desk, DeskError, Rule};
use crate::ids::RuleId;
use crate::imaging::shown;
use crate::prompts::compile::CompilePrompts;

/// Compile rules in words to what the judging model is asked
///
/// A language model rates each rule for how objective it is and rewrites it until it is, takes it
/// apart into preconditions that can be seen, names their central objects, and checks that the
/// preconditions stand for the rule. The result goes into the lock beside the constitution, for you
/// to read and to sign with `reviewed: true`. Rules whose entry is fresh are not compiled again, and
/// what people have reviewed, edited or written is never overwritten.
#[derive(Debug, Args)]
pub(in crate::cli) struct Compile {
    /// The constitution: a YAML file of rules
    #[arg(value_name = "YAML")]
    constitution: PathBuf,
    /// Its compiled form [default: the constitution's name with `.lock.yaml`]
    #[arg(long, value_name = "YAML")]
    lock: Option<PathBuf>,
    /// Compile only this rule (repeat for more)
    #[arg(long = "rule", value_name = "ID")]
    rules: Vec<String>,
    /// Say which entries are stale, missing or left over, and end with 2 if there are any; needs no
    /// model
    #[arg(long, conflicts_with_all = ["model", "rules", "write", "force", "prompts"])]
    check: bool,
    /// Write each objective text into the constitution as well, as `proposed:` beside the rule's own
    #[arg(long)]
    write: bool,
    /// Compile again what is fresh; together with `--rule`, also what people have reviewed or edited
    #[arg(long)]
    force: bool,
    /// Rounds of rewriting at most (0 to 20)
    #[arg(long, default_value_t = DEFAULT_ROUNDS, value_name = "N",
        value_parser = between::<u32>(0, 20))]
    rounds: u32,
    /// A folder with prompts of your own, named as those in `prompts/`: `compile.objects.jinja`
    #[arg(long, value_name = "FOLDER")]
    prompts: Option<PathBuf>,
    #[command(flatten)]
    model: LanguageModelArgs,
}

impl Compile {
    pub(in crate::cli) fn run(self) -> Outcome {
        let mut desk =
            Desk::open(&self.constitution, self.lock.as_deref()).map_err(Failure::input)?;
        if self.check {
            return check::run(&desk, &self.constitution);
        }
        let plan = Plan::new(&desk, &self.rules, self.force)?;
        desk.check_layout(self.write).map_err(unsaved)?;
        let mut summary = Summary::new(&plan);
        for rule in plan.rules_to_adopt() {
            desk.adopt(rule).map_err(unsaved)?;
        }
        let ended = if plan.rules_to_compile().is_empty() {
            Ok(())
        } else {
            self.compile(&plan, &mut desk, &mut summary)
        };
        let proposed = match (&ended, self.write) {
            (Ok(()), true) => propose(&mut desk, &plan)?,
            _ => Vec::new(),
        };
        if ended.is_ok() || summary.has_begun() {
            let text = summary.text(&desk, &self.constitution, &proposed);
            write!(io::stdout(), "{text}")?;
        }
        ended?;
        Ok(if summary.is_settled() { Ending::Done } else { Ending::Unsettled })
    }

    /// Compiles what the plan says, and saves every entry as soon as it is there.
    fn compile(&self, plan: &Plan, desk: &mut Desk, summary: &mut Summary) -> Result<(), Failure> {
        let prompts = self.prompts()?;
        let model = self.model.load()?;
        let rules: Vec<Rule> = plan.rules_to_compile();
        let compiler = Compiler { model: &*model, prompts: &prompts, rounds: self.rounds };
        let mut broken = None;
        let mut heard = |rule: &RuleId, event: Event| {
            if let Err(failure) = progress(rule, &event) {
                broken = Some(failure);
                return ControlFlow::Break(());
            }
            match event {
                Event::Compiled(entry) => match desk.put(&entry) {
                    Ok(()) => summary.compiled(*entry),
                    // Somebody works on this one entry; the others can be saved.
                    Err(error @ DeskError::Changed { .. }) => {
                        summary.failed(rule, error.to_string());
                    }
                    Err(error) => {
                        broken = Some(unsaved(error));
                        return ControlFlow::Break(());
                    }
                },
                Event::Failed(why) => summary.failed(rule, why.to_string()),
                _ => {}
            }
            ControlFlow::Continue(())
        };
        compiler.compile(&rules.iter().collect::<Vec<_>>(), &mut heard)?;
        broken.map_or(Ok(()), Err)
    }

    fn prompts(&self) -> Result<CompilePrompts, Failure> {
        let texts = self.prompts.as_deref().map_or(Ok(BTreeMap::new()), own_prompts)?;
        CompilePrompts::with(&texts).map_err(|error| {
            Failure::Input(miette::miette!(
                code = "praetor::prompts::unusable",
                help = "copy the template of the same name from `prompts/` and change its words; \
                        its first lines say which variables there are",
                "{error}"
            ))
        })
    }
}

/// The templates in a folder, by their names; those of the judge's questions are none of ours.
fn own_prompts(folder: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let unreadable = |error: io::Error| {
        Failure::unopened(&error, Some("name a folder with `compile.*.jinja` files in it"))
    };
    let mut texts = BTreeMap::new();
    for entry in fs_err::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(name) = name.strip_suffix(".jinja").filter(|name| name.starts_with("compile")) {
            texts.insert(name.to_owned(), fs_err::read_to_string(&path).map_err(unreadable)?);
        }
    }
    if texts.is_empty() {
        return Err(Failure::Input(miette::miette!(
            code = "praetor::prompts::none",
            help = format!(
                "name them as those in `prompts/`: {}",
                CompilePrompts::names().collect::<Vec<_>>().join(", ")
            ),
            "there is no `compile.*.jinja` in `{}`",
            shown(folder)
        )));
    }
    Ok(texts)
}

/// Writes the objective texts beside the rules' own; the rules whose proposal has changed.
fn propose(desk: &mut Desk, plan: &Plan) -> Result<Vec<RuleId>, Failure> {
    let mut changed = Vec::new();
    for step in plan.steps.iter().filter(|step| step.task != Task::Skip) {
        let rule = &step.rule;
        let Some(entry) = desk.entry(&rule.id).filter(|entry| entry.source == rule.source_hash())
        else {
            continue;
        };
        let proposal = crate::constitution::one_line(&entry.objective_text);
        let differs = proposal != crate::constitution::one_line(&rule.text);
        let proposal = differs.then_some(proposal);
        if desk.propose(&rule.id, proposal.as_deref()).map_err(unsaved)? {
            changed.push(rule.id.clone());
        }
    }
    Ok(changed)
}

fn unsaved(error: DeskError) -> Failure {
    match error {
        error @ DeskError::Unwritable { .. } => Failure::Unopened(miette::Report::new(error)),
        error => Failure::input(error),
    }
}

/// What happens, a line each: a language model takes its time.
fn progress(rule: &RuleId, event: &Event) -> Result<(), Failure> {
    let line = match event {
        Event::Rated { attempt: 1, rating } => format!("objectiveness {rating} of 10 as written"),
        Event::Rated { attempt, rating } => {
            format!("objectiveness {rating} of 10 after rewrite {}", attempt - 1)
        }
        Event::Chained { preconditions: 1 } => "1 precondition".to_owned(),
        Event::Chained { preconditions } => format!("{preconditions} preconditions"),
        Event::Compared { covers: true } => "the preconditions stand for the rule".to_owned(),
        Event::Compared { covers: false } => {
            "the preconditions do not stand for the rule".to_owned()
        }
        Event::Complained { complaint } => {
            format!("an answer could not be used: {}", shown(complaint))
        }
        Event::Compiled(_) | Event::Failed(_) => return Ok(()),
    };
    writeln!(io::stderr(), "{}", style::dim(&format!("{rule}: {line}")))?;
    Ok(())
}
