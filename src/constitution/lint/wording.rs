//! Lints of single words: those that need an opinion, measure nothing, or can't be seen.

use super::finding::{Mark, Replacement};
use super::tables::{EMPTY, Group, INNOCENT, Instead, NOT_VISIBLE, SAID, SUBJECTIVE, VAGUE};
use super::words::{Match, Text};
use super::{Draft, Lint, capital, listed, one_line};

/// A table of words, and how its findings are worded.
struct Table {
    lint: Lint,
    groups: &'static [Group],
    /// What one word does, and what several do.
    verbs: (&'static str, &'static str),
    help: &'static str,
}

const TABLES: [Table; 3] = [
    Table {
        lint: Lint::SubjectiveWord,
        groups: SUBJECTIVE,
        verbs: ("needs an opinion", "need an opinion"),
        help: "two people who see the image have to agree on it",
    },
    Table {
        lint: Lint::VagueQuantity,
        groups: VAGUE,
        verbs: ("is a quantity without a number", "are quantities without a number"),
        help: "where the rule draws no line, the model draws it elsewhere on every image",
    },
    Table {
        lint: Lint::NotVisible,
        groups: NOT_VISIBLE,
        verbs: ("can't be seen in an image", "can't be seen in an image"),
        help: "the model sees one image and nothing else",
    },
];

/// What a rule's text says in words of the three tables.
pub(super) fn check(text: &Text) -> Vec<Draft> {
    TABLES.iter().filter_map(|table| table.check(text)).collect()
}

/// The words of all three tables in a text of the lock.
pub(super) fn marks(text: &Text) -> Vec<Mark> {
    TABLES.iter().flat_map(|table| table.marks(text)).map(|found| found.mark).collect()
}

/// A change to the text, before it is one to the file: from byte to byte, and the new words.
type Change = (usize, usize, String);

/// A word of a table, where it was found.
struct Found {
    words: String,
    hint: &'static str,
    mark: Mark,
    change: Option<Change>,
}

impl Table {
    fn check(&self, text: &Text) -> Option<Draft> {
        let found = self.marks(text);
        let words: Vec<String> = found.iter().map(|one| one.words.clone()).collect();
        let verb = if words.len() > 1 { self.verbs.1 } else { self.verbs.0 };
        let changes: Option<Vec<Change>> = found.iter().map(|one| one.change.clone()).collect();
        let help = match changes.and_then(|changes| rewritten(text, &changes)) {
            Some(sentence) => format!("{}\nfor example: {sentence}", self.help(&found)),
            None => self.help(&found),
        };
        (!found.is_empty()).then(|| Draft {
            lint: self.lint,
            message: format!("{} {verb}", listed(&words)),
            marks: found.into_iter().map(|one| one.mark).collect(),
            related: None,
            help,
        })
    }

    /// What to do, by word where that differs.
    fn help(&self, found: &[Found]) -> String {
        let Some((first, rest)) = found.split_first() else { return self.help.to_owned() };
        if rest.iter().all(|one| one.hint == first.hint) {
            return format!("{}: {}", self.help, first.hint);
        }
        let hints = found.iter().map(|one| format!("\n`{}`: {}", one.words, one.hint));
        format!("{}{}", self.help, hints.collect::<String>())
    }

    fn marks(&self, text: &Text) -> Vec<Found> {
        let phrases: Vec<&str> =
            self.groups.iter().flat_map(|group| group.words).copied().collect();
        let found = text.find(&phrases, INNOCENT);
        found.iter().filter_map(|one| self.mark(text, one)).collect()
    }

    fn mark(&self, text: &Text, found: &Match) -> Option<Found> {
        let (group, word) = self.group(found.phrase)?;
        let change = change(text, found, group, word);
        let instead = change.as_ref().and_then(|(start, end, by)| {
            Some(Replacement { at: text.place(*start, *end, true)?, by: by.clone() })
        });
        let words = text.between(found.first, found.after);
        let mark = Mark {
            at: text.at(found.first, found.after),
            label: group.ask.to_owned(),
            message: format!("`{words}` {}: {}", self.verbs.0, group.hint),
            instead,
        };
        Some(Found { words, hint: group.hint, mark, change })
    }

    /// The group that a phrase of the table is of, and which of the group's words it is.
    fn group(&self, mut phrase: usize) -> Option<(&'static Group, usize)> {
        for group in self.groups {
            if phrase < group.words.len() {
                return Some((group, phrase));
            }
            phrase -= group.words.len();
        }
        None
    }
}

/// What can be written in the place of a phrase without thinking, if anything.
fn change(text: &Text, found: &Match, group: &Group, word: usize) -> Option<Change> {
    let (first, last) = (text.words.get(found.first)?, text.words.get(found.after - 1)?);
    match group.instead {
        Instead::Nothing => None,
        Instead::Write(words) => {
            let by = words.get(word)?;
            let begins = first.plain.chars().next() != text.content[first.start..].chars().next();
            Some((first.start, last.end, if begins { capital(by) } else { (*by).to_owned() }))
        }
        Instead::LeaveOut => leave_out(text, found),
    }
}

/// A sentence without one of its words, where the word only colours the next one.
fn leave_out(text: &Text, found: &Match) -> Option<Change> {
    let next = text.words.get(found.after)?;
    let is_between = text.are_adjacent(found.after - 1)
        && !EMPTY.contains(&next.plain.as_str())
        && !SAID.contains(&text.word_before(found.first));
    if !is_between {
        return None;
    }
    let word = text.words.get(found.first)?;
    if text.begins_sentence(found.first) {
        let letter = text.content.get(next.start..)?.chars().next()?;
        let by = letter.to_uppercase().to_string();
        return Some((word.start, next.start + letter.len_utf8(), by));
    }
    let article = text.word_before(found.first);
    if article != "a" && article != "an" {
        return Some((word.start, next.start, String::new()));
    }
    let before = text.words.get(found.first - 1)?;
    let by = if next.plain.starts_with(['a', 'e', 'i', 'o', 'u']) { "an " } else { "a " };
    let by = if text.begins_sentence(found.first - 1) { capital(by) } else { by.to_owned() };
    Some((before.start, next.start, by))
}

/// The text on one line with its changes made, if none gets in another's way.
fn rewritten(text: &Text, changes: &[Change]) -> Option<String> {
    if changes.is_empty() {
        return None;
    }
    let (mut sentence, mut from) = (String::new(), 0);
    for (start, end, by) in changes {
        sentence.push_str(text.content.get(from..*start)?);
        sentence.push_str(by);
        from = *end;
    }
    sentence.push_str(text.content.get(from..)?);
    Some(one_line(&sentence))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lints(content: &str) -> Vec<&'static str> {
        check(&Text::of(content)).iter().map(|draft| draft.lint.id()).collect()
    }

    fn example(content: &str) -> Option<String> {
        let drafts = check(&Text::of(content));
        drafts[0].help.split_once("for example: ").map(|(_, sentence)| sentence.to_owned())
    }

    #[test]
    fn plain_rules_are_left_alone() {
        for rule in [
            "A child must not be shown together with a weapon.",
            "A gun aimed at a person must not be shown.",
            "Weapons must not appear in the picture.",
            "A graphic novel must not be shown.",
            "Swimwear revealing the buttocks must not be shown.",
            "People with false teeth or fake blood must not be shown.",
            "The word \"stolen\" must not be visible.",
            "A person must not be shown sound asleep on one side of a car.",
            "A knife longer than 10 cm must not be shown.",
            "Two people apart from each other on a bed must not be shown.",
            "A human must not be shown on their knees with an open mouth.",
        ] {
            assert_eq!(lints(rule), [""; 0], "{rule}");
        }
    }

    #[test]
    fn words_of_each_table_are_found() {
        for (rule, lint) in [
            ("Shocking injuries must not be shown.", "subjective-word"),
            ("People who seem likely to fall must not be shown.", "subjective-word"),
            ("Legs spread in a suggestive way must not be shown.", "subjective-word"),
            ("A lot of blood must not be shown.", "vague-quantity"),
            ("A child close to a fire must not be shown.", "vague-quantity"),
            ("Images that glorify war must not be shown.", "not-visible"),
            ("People must not be touched against their will.", "not-visible"),
            ("A gun held with the intention to harm must not be shown.", "not-visible"),
        ] {
            assert_eq!(lints(rule), [lint], "{rule}");
        }
    }

    #[test]
    fn a_mechanical_change_is_shown_as_a_sentence() {
        let cases = [
            ("A shocking injury must not be shown.", "An injury must not be shown."),
            ("Shocking injuries must not be shown.", "Injuries must not be shown."),
            ("People with severe injuries are out.", "People with injuries are out."),
            ("Many people must not be shown.", "More than five people must not be shown."),
            ("Minors must not be shown.", "Children must not be shown."),
        ];
        for (rule, sentence) in cases {
            assert_eq!(example(rule).as_deref(), Some(sentence));
        }
    }

    #[test]
    fn a_word_that_carries_the_sentence_is_not_left_out() {
        for rule in [
            "Injuries that are shocking must not be shown.",
            "Shocking and bloody injuries must not be shown.",
            "Shocking content must not be shown.",
            "Injuries so severe that people die must not be shown.",
            "Suggestive poses with shocking injuries must not be shown.",
        ] {
            assert_eq!(example(rule), None, "{rule}");
        }
    }
}
