//! `praetor constitution probe`: do verdicts follow the policy's text?

use std::io::{self, Write};
use std::ops::ControlFlow;

use clap::Args;

use crate::cli::inputs::{Inputs, Unread};
use crate::cli::jobs::JobsArgs;
use crate::cli::judging::{Format, JudgingArgs, Scratch};
use crate::cli::policy::PolicyArgs;
use crate::cli::stages::Models;
use crate::cli::way::Way;
use crate::cli::{Ending, Failure, Outcome, report, style};
use crate::constitution::Policy;
use crate::imaging::Decoded;
use crate::pipeline::JudgeError;
use crate::pipeline::stream::in_order;
use crate::units::percent;
use crate::verdict::{Conclusion, ImageError};
use crate::workbench::probe::{RuleProbe, Turned, total};

/// Take rules out and turn them into their opposite, to see whether verdicts follow the policy
///
/// A judge that follows the policy calls an image safe when the one rule that it violates is taken
/// out, and turns its verdict when a rule is turned into its opposite ("no knife is visible" for "a
/// knife is visible"). A judge with a taste of its own does not. The share that turns is shown, rule
/// by rule. How well opposites are judged depends on how well the model understands "no".
#[derive(Debug, Args)]
pub(in crate::cli) struct Probe {
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    judging: JudgingArgs,
    #[command(flatten)]
    jobs: JobsArgs,
    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// No progress bar
    #[arg(short, long)]
    quiet: bool,
}

/// The policies that are asked about a rule.
struct Changed<'models> {
    alone: Way<'models>,
    inverted: Way<'models>,
    /// Nothing where it is the only rule.
    without: Option<Way<'models>>,
}

/// What one image is by all policies, rules in their order.
struct Concluded {
    /// By each rule alone, and by its opposite.
    rules: Vec<(Conclusion, Conclusion)>,
    /// By the policy without the rule that alone makes it unsafe, where there is one such rule.
    without: Option<(usize, Conclusion)>,
}

/// Below this share of opposites that are followed, the model seems not to understand "no".
const FEW: f64 = 0.5;

impl Probe {
    pub(in crate::cli) fn run(mut self) -> Outcome {
        self.judging.model.at_once(self.jobs);
        let policy = self.policy.load()?;
        let (models, mut scratch) = self.judging.load_for_several()?;
        let stages = &self.judging.stages;
        let whole = stages.join(&policy, &models)?;
        let (mut probes, changed) = self.changed(&policy, &models)?;
        if !self.quiet {
            style::notes(&stages.notes(&whole, &models))?;
        }
        let images = self.judge(&whole, &changed, &mut probes, &mut scratch)?;
        if !self.quiet {
            style::notes(&models.bill())?;
        }
        let mut out = io::stdout().lock();
        match self.format {
            Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&probes)?)?,
            Format::Text => write!(out, "{}", text(&probes, images))?,
        }
        Ok(Ending::Done)
    }

    /// The rules under the probe, and beside each what is asked about it.
    fn changed<'models>(
        &self,
        policy: &Policy,
        models: &'models Models,
    ) -> Result<(Vec<RuleProbe>, Vec<Changed<'models>>), Failure> {
        let join = |policy: Option<Policy>| {
            policy.map(|policy| self.judging.stages.join(&policy, models)).transpose()
        };
        let (mut probes, mut changed) = (Vec::new(), Vec::new());
        for rule in &policy.rules {
            let without = join(policy.without_rule(&rule.id))?;
            let (Some(alone), Some(inverted)) =
                (join(policy.only(&rule.id))?, join(policy.inverted(&rule.id))?)
            else {
                continue;
            };
            probes.push(RuleProbe::new(rule.id.clone()));
            changed.push(Changed { alone, inverted, without });
        }
        Ok((probes, changed))
    }

    /// Judges every image by all policies; how many could be read.
    fn judge(
        &self,
        whole: &Way<'_>,
        changed: &[Changed<'_>],
        probes: &mut [RuleProbe],
        scratch: &mut Scratch,
    ) -> Result<usize, Failure> {
        let (tasks, count) = self.inputs.tasks(&self.judging.limits);
        let bar =
            if self.quiet { indicatif::ProgressBar::hidden() } else { report::progress_bar(count) };
        let mut images = 0;
        let mut unread = Unread::default();
        let conclude = |_, image: String, decoded: Result<Decoded, ImageError>| match decoded {
            Ok(decoded) => Ok(Ok(conclude(&image, &decoded, whole, changed)?)),
            Err(error) => Ok(Err((image, error))),
        };
        in_order(self.jobs.at_once(), tasks, conclude, |concluded| {
            bar.inc(1);
            match concluded {
                Ok(concluded) => {
                    images += 1;
                    concluded.count(probes);
                    scratch.judged();
                }
                Err((image, error)) => unread.add(&image, &error),
            }
            Ok(ControlFlow::Continue(()))
        })?;
        bar.finish_and_clear();
        unread.unless_read(images)?;
        style::notes(&unread.notes())?;
        Ok(images)
    }
}

/// What an image is by all policies.
fn conclude(
    image: &str,
    decoded: &Decoded,
    whole: &Way<'_>,
    changed: &[Changed<'_>],
) -> Result<Concluded, JudgeError> {
    let conclude = |way: &Way<'_>| {
        let verdict = way.judging().judge_image(image.to_owned(), Ok(decoded.clone()))?;
        Ok::<_, JudgeError>(verdict.verdict)
    };
    let whole = conclude(whole)?;
    let rules = changed.iter().map(|rule| Ok((conclude(&rule.alone)?, conclude(&rule.inverted)?)));
    let rules = rules.collect::<Result<Vec<_>, JudgeError>>()?;
    let only = if whole == Conclusion::Unsafe { the_only_unsafe(&rules) } else { None };
    let without = only.and_then(|only| Some((only, changed[only].without.as_ref()?)));
    let without = without.map(|(only, way)| Ok::<_, JudgeError>((only, conclude(way)?)));
    Ok(Concluded { rules, without: without.transpose()? })
}

impl Concluded {
    fn count(&self, probes: &mut [RuleProbe]) {
        for (probe, (alone, inverted)) in probes.iter_mut().zip(&self.rules) {
            probe.add_inverted(*alone, *inverted);
        }
        if let Some((only, without)) = self.without {
            probes[only].add_removed(without);
        }
    }
}

/// The one rule by which alone an image is unsafe, if it is safe by all others.
fn the_only_unsafe(rules: &[(Conclusion, Conclusion)]) -> Option<usize> {
    let alone = rules.iter().map(|(alone, _)| *alone).enumerate();
    let mut grave = alone.filter(|(_, alone)| *alone != Conclusion::Safe);
    match (grave.next(), grave.next()) {
        (Some((index, Conclusion::Unsafe)), None) => Some(index),
        _ => None,
    }
}

fn text(probes: &[RuleProbe], images: usize) -> String {
    let width = probes.iter().map(|probe| probe.rule.as_str().len()).max().unwrap_or(0).max(9) + 2;
    let mut lines = vec![
        String::new(),
        style::dim(&format!(
            "{:<width$}{:>20}{:>32}{:>16}",
            "", "taken out:", "turned into its opposite:", ""
        )),
        style::dim(&format!(
            "{:<width$}{:>20}{:>16}{:>16}{:>16}",
            "rule", "unsafe -> safe", "unsafe -> safe", "safe -> unsafe", "undetermined"
        )),
    ];
    let row = |name: &str, removed: Turned, violated: Turned, clear: Turned| {
        format!(
            "{name:<width$}{:>20}{:>16}{:>16}{:>16}",
            of(removed),
            of(violated),
            of(clear),
            violated.open + clear.open
        )
    };
    for probe in probes {
        let RuleProbe { rule, removed, inverted_violated, inverted_clear, .. } = probe;
        lines.push(row(rule.as_str(), *removed, *inverted_violated, *inverted_clear));
    }
    let removed = total(probes, |probe| probe.removed);
    let violated = total(probes, |probe| probe.inverted_violated);
    let clear = total(probes, |probe| probe.inverted_clear);
    lines.push(style::bold(&row("all rules", removed, violated, clear)));
    lines.push(String::new());
    lines.push(format!("{images} images"));
    lines.push(sentence("taken-out rules", removed));
    let inverted = total(probes, RuleProbe::inverted);
    lines.push(sentence("rules turned into their opposite", inverted));
    if inverted.share().is_some_and(|(share, _)| share < FEW) {
        lines.push(style::dim(
            "few opposites are followed: either the model judges by its own taste, or it does not \
             understand `no`\n(what rules should avoid for that reason: `praetor constitution explain \
             absence`)",
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn of(turned: Turned) -> String {
    if turned.asked() == 0 {
        return "-".to_owned();
    }
    format!("{} of {}", turned.flipped, turned.asked())
}

fn sentence(what: &str, turned: Turned) -> String {
    match turned.share() {
        None => format!("no verdict could show whether the judge follows {what}"),
        Some((share, interval)) => {
            format!("verdicts follow {what} in {} of cases ({interval})", percent(share, 1))
        }
    }
}
