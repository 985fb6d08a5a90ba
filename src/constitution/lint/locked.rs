//! Lints of the lock: what the model is asked, and whether anybody has read it.

use super::finding::Mark;
use super::words::Text;
use super::{Draft, Lint, Sheet, listed, one_line, wording};
use crate::constitution::tree::{Entry, Kind, Node};
use crate::paper;

/// A lock entry and what of it is looked at.
pub(super) struct LockEntry<'a> {
    pub(super) id: String,
    node: &'a Node,
    objective: Option<Text>,
    /// By precondition: where to point, and its statement and alternatives.
    chain: Vec<(&'a Node, Vec<Text>)>,
}

impl<'a> LockEntry<'a> {
    /// The entries of a lock.
    pub(super) fn all(lock: &'a Sheet) -> Vec<Self> {
        lock.tree.items("rules").iter().map(|node| Self::new(node, lock)).collect()
    }

    fn new(node: &'a Node, lock: &Sheet) -> Self {
        let text = |entry: &Entry| Text::new(&entry.value, entry.span(), lock.source.inner());
        let chain = node.items("preconditions").iter().map(|precondition| {
            let alternatives = precondition.items("any_of").iter();
            let mut texts: Vec<Text> =
                precondition.get("statement").and_then(text).into_iter().collect();
            texts.extend(
                alternatives.filter_map(|one| Text::new(one, one.span, lock.source.inner())),
            );
            (precondition, texts)
        });
        Self {
            id: node.text("id").unwrap_or_default().to_owned(),
            node,
            objective: node.get("objective_text").and_then(text),
            chain: chain.collect(),
        }
    }

    /// What one entry gives rise to; `rule` is the rule's own text, which has findings of its own.
    pub(super) fn check(&self, rule: Option<&str>) -> Vec<Draft> {
        [self.low_objectiveness(), self.words(rule), self.repeated(), self.no_objects()]
            .into_iter()
            .flatten()
            .collect()
    }

    fn low_objectiveness(&self) -> Option<Draft> {
        let entry = self.node.get("objectiveness")?;
        let Kind::Number(score, written) = &entry.value.kind else { return None };
        let least = paper::LEAST_OBJECTIVENESS;
        let message = format!("the objectiveness of `{}` is {written} of 10", self.id);
        (1.0..f64::from(least)).contains(score).then(|| Draft {
            lint: Lint::LowObjectiveness,
            marks: vec![Mark {
                at: entry.span(),
                label: format!("below {least}"),
                message: message.clone(),
                instead: None,
            }],
            message,
            related: None,
            help: format!("below {least} people differ about what a rule says: replace the words in its `objective_text` that need an opinion, and rate it anew"),
        })
    }

    /// Words that no look at the image can answer, in statements and in the objective text.
    fn words(&self, rule: Option<&str>) -> Option<Draft> {
        let mut marks = Vec::new();
        // A text that was taken over as it is would only repeat the rule's findings.
        let own = self
            .objective
            .as_ref()
            .filter(|text| rule.is_none_or(|rule| one_line(rule) != one_line(&text.content)));
        marks.extend(own.into_iter().flat_map(wording::marks));
        for text in self.chain.iter().flat_map(|(_, texts)| texts) {
            marks.extend(wording::marks(text));
            marks.extend(negation(text));
        }
        for mark in &mut marks {
            mark.message = format!("`{}`: {}", self.id, mark.message);
        }
        (!marks.is_empty()).then(|| Draft {
            lint: Lint::StatementWords,
            message: format!("the model can't answer this for `{}` by looking", self.id),
            marks,
            related: None,
            help: "a statement is asked word for word: let it say what is either to be seen or not"
                .to_owned(),
        })
    }

    fn repeated(&self) -> Option<Draft> {
        let texts: Vec<&Text> = self.chain.iter().flat_map(|(_, texts)| texts).collect();
        let plain = |text: &Text| {
            one_line(&text.content).to_lowercase().trim_end_matches('.').trim().to_owned()
        };
        let again = texts.iter().enumerate().find_map(|(index, text)| {
            let first = texts[..index].iter().find(|earlier| plain(earlier) == plain(text))?;
            Some((*first, *text))
        });
        let (first, again) = again?;
        let message = format!("`{}` asks the same twice", self.id);
        let mark = |text: &Text, label: &str| Mark {
            at: text.whole(),
            label: label.to_owned(),
            message: message.clone(),
            instead: None,
        };
        Some(Draft {
            lint: Lint::RepeatedStatement,
            marks: vec![mark(again, "and again here")],
            related: Some(mark(first, "first here")),
            message,
            help: "delete one of the two, or write the statement that was meant".to_owned(),
        })
    }

    fn no_objects(&self) -> Option<Draft> {
        let bare = self.chain.iter().filter(|(precondition, texts)| {
            precondition.items("objects").is_empty() && !texts.is_empty()
        });
        let marks: Vec<Mark> = bare
            .map(|(precondition, _)| Mark {
                at: precondition.span,
                label: "no `objects:`".to_owned(),
                message: format!("a precondition of `{}` names no objects", self.id),
                instead: None,
            })
            .collect();
        (!marks.is_empty()).then(|| Draft {
            lint: Lint::NoObjects,
            message: match marks.len() {
                1 => format!("a precondition of `{}` names no objects", self.id),
                several => format!("{several} preconditions of `{}` name no objects", self.id),
            },
            marks,
            related: None,
            help: "write `objects:` with what has to be in the picture, in a word or two each, such as `[child, knife]`".to_owned(),
        })
    }

    /// Whether the entry says that nobody has read it.
    pub(super) fn is_unreviewed(&self) -> bool {
        self.unreviewed().is_some()
    }

    fn unreviewed(&self) -> Option<&Entry> {
        self.node.get("reviewed").filter(|entry| matches!(entry.value.kind, Kind::Bool(false)))
    }
}

/// One finding for a lock, whatever number of its entries nobody has read; `allowed` are the ids
/// whose rules allow it.
pub(super) fn unreviewed(entries: &[LockEntry<'_>], allowed: &[&str]) -> Option<Draft> {
    let open: Vec<(&str, &Entry)> = entries
        .iter()
        .filter(|entry| !allowed.contains(&entry.id.as_str()))
        .filter_map(|entry| Some((entry.id.as_str(), entry.unreviewed()?)))
        .collect();
    let (_, first) = open.first()?;
    let ids: Vec<&str> = open.iter().map(|(id, _)| *id).collect();
    let message = match (open.len(), entries.len()) {
        (1, 1) => "the only entry of the lock is not reviewed".to_owned(),
        (some, all) if some == all => format!("none of the {all} entries is reviewed"),
        (1, all) => format!("1 of {all} entries is not reviewed: {}", listed(&ids)),
        (some, all) => format!("{some} of {all} entries are not reviewed: {}", listed(&ids)),
    };
    Some(Draft {
        lint: Lint::Unreviewed,
        marks: vec![Mark {
            at: first.value.span,
            label: if open.len() == 1 { "here" } else { "the first one" }.to_owned(),
            message: message.clone(),
            instead: None,
        }],
        message,
        related: None,
        help: "read the preconditions against the rule, and write `reviewed: true` when you stand by them".to_owned(),
    })
}

/// A statement's negation, of which one is enough to be said.
fn negation(text: &Text) -> Option<Mark> {
    const WORDS: &[&str] = &[
        "not", "no", "without", "never", "nobody", "none", "nothing", "neither", "nor", "isn't",
        "aren't", "doesn't", "don't", "lacks", "lacking", "absent", "unless", "except",
    ];
    const INNOCENT: &[&str] =
        &["or not", "with or without", "whether or not", "no parking", "no smoking", "no entry"];
    let found = *text.find(WORDS, INNOCENT).first()?;
    let words = text.between(found.first, found.after);
    Some(Mark {
        at: text.at(found.first, found.after),
        label: "what is missing can't be seen: what is there instead?".to_owned(),
        message: format!("`{words}` asks for what is missing: say what is seen in its place"),
        instead: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_negation_is_found_and_a_choice_is_none() {
        let found = |statement| negation(&Text::of(statement)).is_some();
        assert!(found("the man is not wearing a helmet"));
        assert!(found("no helmet is visible"));
        assert!(!found("legs are visible, clothed or not"));
        assert!(!found("a notebook is visible next to a no smoking sign"));
    }
}
