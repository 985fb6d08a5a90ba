//! `--check`: whether the lock is fresh, for CI.

use std::io::{self, Write};
use std::path::Path;

use crate::cli::exit::Failure;
use crate::cli::style;
use crate::cli::{Ending, Outcome};
use crate::constitution::{Desk, Standing, State, Touched};
use crate::imaging::shown;

pub(super) fn run(desk: &Desk, path: &Path) -> Outcome {
    let standings = desk.standings();
    let mut lines = Vec::new();
    for (Standing { rule, state, touched }, now) in standings.iter().zip(&desk.constitution().rules)
    {
        let kept = touched.map_or_else(String::new, |touched| {
            let who = super::summary::by_whom(touched);
            format!("; that was {who}, and would have `source: {}` now", now.source_hash())
        });
        match state {
            State::Fresh => {}
            State::Stale => lines.push((
                "stale",
                rule.as_str().to_owned(),
                format!("its text was changed after its entry was made{kept}"),
            )),
            State::Adopted => lines.push((
                "adopted",
                rule.as_str().to_owned(),
                "its text is now the entry's own; compiling puts the hash right without a model"
                    .to_owned(),
            )),
            State::Missing => {
                lines.push(("missing", rule.as_str().to_owned(), "it has no entry".to_owned()));
            }
        }
    }
    for rule in desk.leftovers() {
        let what = "the lock has an entry for it, and the constitution has no such rule";
        lines.push(("leftover", rule.to_string(), what.to_owned()));
    }
    let mut out = io::stdout().lock();
    let width = lines.iter().map(|(_, rule, _)| rule.chars().count()).max().unwrap_or(0);
    for (word, rule, what) in &lines {
        writeln!(out, "{} {rule:<width$}  {what}", style::yellow(&format!("{word:<9}")))?;
    }
    style::notes(&notes(&standings))?;
    if lines.is_empty() {
        let rules = super::summary::counted(standings.len(), "rule has a", "rules have a");
        writeln!(out, "{rules} fresh entry in {}", shown(desk.lock_path()))?;
        return Ok(Ending::Done);
    }
    Err(Failure::Input(miette::miette!(
        code = "praetor::lock::not_fresh",
        help = helps(&standings, &lines, path),
        "`{}` does not fit `{}`",
        shown(desk.lock_path()),
        shown(path)
    )))
}

/// What helps against each kind of line.
fn helps(standings: &[Standing], lines: &[(&str, String, String)], path: &Path) -> String {
    let mut helps = Vec::new();
    let is_open = |standing: &&Standing| standing.state != State::Fresh;
    let open = || standings.iter().filter(is_open);
    let adopted = |standing: &Standing| standing.state == State::Adopted;
    if open().any(|standing| standing.touched.is_none() || adopted(standing)) {
        let path = shown(path);
        helps.push(format!(
            "`praetor constitution compile {path} --model MODEL` makes missing and stale entries"
        ));
    }
    if open().any(|standing| standing.touched.is_some() && !adopted(standing)) {
        helps.push(
            "an entry that people have reviewed, edited or written is never compiled over: read \
             it against the new text and write the new `source:` there, or compile it anew with \
             `--force --rule ID`"
                .to_owned(),
        );
    }
    if lines.iter().any(|(word, _, _)| *word == "leftover") {
        helps.push("delete leftover entries from the lock".to_owned());
    }
    helps.join("; ")
}

/// What is no mistake and worth knowing.
fn notes(standings: &[Standing]) -> Vec<String> {
    let with = |touched: &[Option<Touched>]| {
        let found = standings
            .iter()
            .filter(|one| one.state != State::Missing && touched.contains(&one.touched))
            .map(|one| one.rule.to_string())
            .collect::<Vec<_>>();
        (!found.is_empty()).then(|| found.join(", "))
    };
    let edited = with(&[Some(Touched::Edited)])
        .map(|rules| format!("edited by hand, and not reviewed: {rules}"));
    let unread =
        with(&[None, Some(Touched::Written)]).map(|rules| format!("not reviewed: {rules}"));
    edited.into_iter().chain(unread).collect()
}
