//! Rules that say nearly the same: compared by the words that carry meaning.

use std::collections::BTreeSet;

use super::finding::Mark;
use super::words::Text;
use super::{Draft, Lint};

/// Words that nearly every rule has, or that say nothing of what is seen.
#[rustfmt::skip]
const COMMON: &[&str] = &[
    "a", "an", "the", "and", "or", "of", "in", "on", "at", "by", "to", "with", "for", "from", "as",
    "is", "are", "be", "been", "being", "it", "its", "their", "his", "her", "they", "that", "which",
    "who", "whose", "this", "these", "any", "all", "some", "every", "each", "one", "where", "when",
    "if", "not", "never", "such", "together", "other", "another", "there", "must", "may", "should", "shall",
    "allowed", "permitted", "forbidden", "prohibited", "banned", "shown", "show", "shows", "showing",
    "visible", "seen", "depicted", "depict", "depicts", "appear", "contain", "contains", "image",
    "images", "picture", "pictures", "photo", "photos",
];

/// Of all words of two rules, the share that both have from which on they are nearly the same, when
/// the words of one are all among the other's. With fewer, one rule may be a case of the other.
const SHARED_WITHIN: f64 = 0.8;

/// The same where each has words of its own: one word can be all the difference.
const SHARED_APART: f64 = 0.85;

/// For every rule with an earlier twin: its index, the twin's, and what is said of it.
pub(super) fn check(rules: &[(String, Text)]) -> Vec<(usize, usize, Draft)> {
    let words: Vec<BTreeSet<String>> = rules.iter().map(|(_, text)| carrying(text)).collect();
    let mut found = Vec::new();
    for later in 1..rules.len() {
        if let Some(first) = (0..later).find(|first| are_twins(&words[*first], &words[later])) {
            found.push((later, first, draft(&rules[later], &rules[first])));
        }
    }
    found
}

fn draft((id, text): &(String, Text), (twin, twin_text): &(String, Text)) -> Draft {
    let message = format!("the rule `{id}` says nearly the same as `{twin}`");
    let mark = |text: &Text, label: &str| Mark {
        at: first_line(text),
        label: label.to_owned(),
        message: message.clone(),
        instead: None,
    };
    let (marks, related) =
        (vec![mark(text, "says nearly the same")], Some(mark(twin_text, "as this rule")));
    let help = "keep one of the two; if they differ, say in the text how";
    Draft { lint: Lint::NearDuplicate, message, marks, related, help: help.to_owned() }
}

/// The place of a text, up to the end of its first line in the file.
fn first_line(text: &Text) -> miette::SourceSpan {
    let end = text.content.trim_end().find('\n').unwrap_or(text.content.len());
    text.place(0, end, false).unwrap_or_else(|| text.whole())
}

fn are_twins(one: &BTreeSet<String>, other: &BTreeSet<String>) -> bool {
    if one.is_empty() || other.is_empty() {
        return false;
    }
    let shared = one.intersection(other).count();
    let (own, others) = (one.len() - shared, other.len() - shared);
    // Rules have far fewer words than a float has digits.
    #[expect(clippy::cast_precision_loss, reason = "counts of words")]
    let share = shared as f64 / (shared + own + others) as f64;
    share >= if own == 0 || others == 0 { SHARED_WITHIN } else { SHARED_APART }
}

/// The words of a text that carry its meaning, without their endings.
fn carrying(text: &Text) -> BTreeSet<String> {
    let words = text.words.iter().map(|word| word.plain.as_str());
    words.filter(|word| !COMMON.contains(word)).map(stem).collect()
}

/// A word without the ending of its plural.
fn stem(word: &str) -> String {
    for (ending, single) in [("ies", "y"), ("sses", "ss"), ("s", "")] {
        if let Some(start) = word.strip_suffix(ending)
            && start.len() > 2
            && !(ending == "s" && start.ends_with(['s', 'u', 'i']))
        {
            return format!("{start}{single}");
        }
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn twins(one: &str, other: &str) -> bool {
        let rules = [("a".to_owned(), Text::of(one)), ("b".to_owned(), Text::of(other))];
        !check(&rules).is_empty()
    }

    #[test]
    fn the_same_in_other_words_of_no_meaning_is_a_twin() {
        assert!(twins("Skulls must not be shown.", "A skull must not be visible in the image."));
        assert!(
            twins(
                "A child must not be shown holding a knife or a gun.",
                "Children or a child holding knives, a knife or a gun must not be shown."
            ) || twins(
                "A child must not be shown holding a knife or a gun.",
                "A child holding a gun or a knife must not be visible."
            )
        );
    }

    #[test]
    fn one_word_can_be_all_the_difference() {
        for (one, other) in [
            ("People must not be shown in a fire.", "Animals must not be shown in a fire."),
            ("A gun must not be shown.", "A child with a gun must not be shown."),
            ("A bloody wound must not be shown.", "A cow's bloody wound must not be shown."),
            (
                "A man must not be shown taking a shower in a bathroom with another man.",
                "A woman must not be shown taking a shower in a bathroom with another woman.",
            ),
            ("Must not be shown.", "Must not be visible."),
            ("A bus must not be shown.", "A bush must not be shown."),
        ] {
            assert!(!twins(one, other), "{one}");
        }
    }
}
