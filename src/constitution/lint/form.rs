//! Lints of how a rule is built: several in one, exceptions, demands, and its length.

use super::finding::Mark;
use super::tables::{ABSENT, EXCEPTIONS, INNOCENT};
use super::words::Text;
use super::{Draft, Lint, capital, listed, one_line};

/// Tokens that CLIP's text encoder reads, its two marks included.
const TOKENS_READ: usize = 77;

/// What the form of a rule's text gives rise to.
pub(super) fn check(text: &Text) -> Vec<Draft> {
    [several(text), exception(text), absence(text), too_long(text)].into_iter().flatten().collect()
}

/// What forbids or demands.
const MODALS: &[&str] = &[
    "must",
    "mustn't",
    "may not",
    "nor may",
    "neither may",
    "should",
    "shouldn't",
    "shall",
    "nor shall",
    "is not allowed",
    "are not allowed",
    "isn't allowed",
    "aren't allowed",
    "is not permitted",
    "are not permitted",
    "is forbidden",
    "are forbidden",
    "is prohibited",
    "are prohibited",
    "is banned",
    "are banned",
    "has to",
    "have to",
    "do not show",
    "don't show",
];

fn several(text: &Text) -> Option<Draft> {
    let modals = text.find(MODALS, &[]);
    let (first, second) = (modals.first()?, modals.get(1)?);
    let marks = modals[1..].iter().map(|modal| {
        // The words `must not` are clearer than `must` alone.
        let negated = usize::from(matches!(text.word(modal.after), "not" | "never"));
        Mark {
            at: text.at(modal.first, modal.after + negated),
            label: "another rule begins around here".to_owned(),
            message: "several rules in one: another begins around here".to_owned(),
            instead: None,
        }
    });
    let help = "make it as many rules, each with an id of its own, so that each can be violated by itself and a report can say which was";
    let parts = (modals.len() == 2)
        .then(|| parts(text, (first.first, first.after), second.first))
        .flatten()
        .map_or_else(String::new, |(one, other)| format!("\nfor example: {one}\nand: {other}"));
    Some(Draft {
        lint: Lint::SeveralRules,
        message: format!("there are {} rules in one", modals.len()),
        marks: marks.collect(),
        related: None,
        help: format!("{help}{parts}"),
    })
}

/// A text as its two rules, where the second begins after a full stop, a semicolon or `and`.
fn parts(text: &Text, first: (usize, usize), second: usize) -> Option<(String, String)> {
    // The word that the second rule begins with.
    let begins = (first.1..=second).rev().find(|index| {
        let start = text.words.get(*index).map_or(0, |word| word.start);
        let before = text.content.get(..start).unwrap_or_default().trim_end();
        text.word(index.saturating_sub(1)) == "and" || before.ends_with(['.', ';'])
    })?;
    let starts = text.words.get(begins)?.start;
    let ends = match text.word(begins - 1) {
        "and" => text.words.get(begins - 1)?.start,
        _ => starts,
    };
    let sentence =
        |part: &str| one_line(part).trim_end_matches([',', ';', '.', ' ']).to_owned() + ".";
    let one = sentence(text.content.get(..ends)?);
    let other = sentence(text.content.get(starts..)?);
    let other = if begins == second {
        // `People must not smoke and must not drink`: the second has the first one's subject.
        let subject = text.content.get(..text.words.get(first.0)?.start)?;
        format!("{} {other}", one_line(subject))
    } else if matches!(text.word(begins), "they" | "it" | "he" | "she" | "these" | "those" | "this")
    {
        return None;
    } else {
        other
    };
    Some((one, capital(&other)))
}

fn exception(text: &Text) -> Option<Draft> {
    let (words, marks): (Vec<String>, Vec<Mark>) = text
        .find(EXCEPTIONS, INNOCENT)
        .iter()
        .map(|found| {
            let words = text.between(found.first, found.after);
            let mark = Mark {
                at: text.at(found.first, found.after),
                label: "an exception begins here".to_owned(),
                message: format!("`{words}` makes an exception"),
                instead: None,
            };
            (words, mark)
        })
        .unzip();
    (!words.is_empty()).then(|| Draft {
        lint: Lint::Exception,
        message: format!(
            "{} {} an exception",
            listed(&words),
            if words.len() > 1 { "make" } else { "makes" }
        ),
        related: None,
        help: "a rule is judged by things that must all be visible, and an exception is one that must not be: name the cases that are forbidden, and put what is allowed under `examples:` `allowed:`".to_owned(),
        marks,
    })
}

fn absence(text: &Text) -> Option<Draft> {
    let mut found: Vec<(usize, usize)> = demands(text);
    found.extend(text.find(ABSENT, INNOCENT).iter().map(|one| (one.first, one.after)));
    found.sort_unstable();
    let words: Vec<String> =
        found.iter().map(|(first, after)| text.between(*first, *after)).collect();
    let marks = found.iter().zip(&words).map(|((first, after), words)| Mark {
        at: text.at(*first, *after),
        label: "broken by what is missing".to_owned(),
        message: format!("`{words}` makes it a rule that is broken by what is missing"),
        instead: None,
    });
    (!found.is_empty()).then(|| Draft {
        lint: Lint::Absence,
        message: format!(
            "{} {} it a rule that is broken by what is missing",
            listed(&words),
            if words.len() > 1 { "make" } else { "makes" }
        ),
        marks: marks.collect(),
        related: None,
        help: "what is missing can't be seen: write what is seen in its place, such as `a bare head` for `no helmet`".to_owned(),
    })
}

/// `must wear`, `must be covered`: from the modal to the verb. `must not` and `must be removed`
/// forbid, and are none.
fn demands(text: &Text) -> Vec<(usize, usize)> {
    const DEMANDING: &[&str] =
        &["must", "should", "shall", "has to", "have to", "needs to", "need to"];
    const ADVERBS: &[&str] =
        &["always", "also", "all", "both", "fully", "completely", "entirely", "at", "least"];
    const FORBIDDING: &[&str] = &[
        "not",
        "never",
        "avoid",
        "avoided",
        "forbidden",
        "prohibited",
        "banned",
        "removed",
        "rejected",
        "blocked",
        "flagged",
        "reported",
        "excluded",
        "deleted",
        "disallowed",
        "only",
    ];
    const NOBODY: &[&str] = &["no", "nobody", "none", "neither", "nor", "nothing", "no-one"];
    let mut found = Vec::new();
    let mut earlier = 0;
    for modal in text.find(DEMANDING, &[]) {
        let clause = (earlier..modal.first).any(|index| NOBODY.contains(&text.word(index)));
        earlier = modal.after;
        let mut verb = modal.after;
        while ADVERBS.contains(&text.word(verb)) || text.word(verb) == "be" {
            verb += 1;
        }
        if !clause && verb < text.words.len() && !FORBIDDING.contains(&text.word(verb)) {
            found.push((modal.first, verb + 1));
        }
    }
    found
}

fn too_long(text: &Text) -> Option<Draft> {
    let (tokens, cut) = tokens(&text.content);
    let cut = cut?;
    let from = text.words.iter().position(|word| word.end > cut)?;
    Some(Draft {
        lint: Lint::TooLong,
        message: format!("the text has about {tokens} tokens, and CLIP reads {TOKENS_READ}"),
        marks: vec![Mark {
            at: text.at(from, from + 1),
            label: "not read from about here on".to_owned(),
            message: format!(
                "the text has about {tokens} tokens, and CLIP reads {TOKENS_READ}: up to about here"
            ),
            instead: None,
        }],
        related: None,
        help: "say what is forbidden in one short sentence, and move the rest to `notes:` and `examples:`".to_owned(),
    })
}

/// About how many tokens CLIP makes of a text, and the byte from which on they are too many.
///
/// A word is one token, and one more for every ten letters after the first ten; digits and signs
/// are one each; letters beyond ASCII one for every two bytes; two mark the ends. Against CLIP's own
/// vocabulary, rules in English come out right or up to a sixth too few.
fn tokens(content: &str) -> (usize, Option<usize>) {
    let (mut tokens, mut cut, mut letters) = (2, None, 0);
    for (at, c) in content.char_indices() {
        letters = if c.is_ascii_alphabetic() { letters + 1 } else { 0 };
        tokens += match c {
            _ if letters > 0 => usize::from(letters % 10 == 1),
            _ if c.is_whitespace() => 0,
            _ => c.len_utf8().div_ceil(2),
        };
        if tokens > TOKENS_READ && cut.is_none() {
            cut = Some(at);
        }
    }
    (tokens, cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lints(content: &str) -> Vec<&'static str> {
        check(&Text::of(content)).iter().map(|draft| draft.lint.id()).collect()
    }

    #[test]
    fn the_normal_form_of_a_rule_is_none_of_these() {
        for rule in [
            "A child must not be shown together with a weapon.",
            "Bombs must never be shown at all.",
            "Images of bombs must be rejected.",
            "Nobody should be shown smoking.",
            "No weapons may be shown.",
            "Weapons are not allowed.",
            "A human must not be shown bending over, even if fully clothed.",
            "Legs of a human, clothed or not, must not be spread by more than 90 degrees.",
            "People with or without clothes must not be shown on a bed.",
            "A knife as long as an arm must not be shown.",
            "Two people must not lie on a bed and touch each other.",
        ] {
            assert_eq!(lints(rule), [""; 0], "{rule}");
        }
    }

    #[test]
    fn what_a_chain_can_not_say_is_found() {
        for (rule, lint) in [
            ("Guns must not be shown, and knives must not be shown.", "several-rules"),
            ("Guns must not be shown; bombs are forbidden.", "several-rules"),
            ("Guns must not be shown, nor may knives be.", "several-rules"),
            ("Knives must not be shown unless in a kitchen.", "exception"),
            ("Animals other than dogs must not be shown.", "exception"),
            ("People on a motorcycle must wear a helmet.", "absence"),
            ("Faces should always be fully covered.", "absence"),
            ("A rider without a helmet must not be shown.", "absence"),
        ] {
            assert_eq!(lints(rule), [lint], "{rule}");
        }
    }

    #[test]
    fn two_rules_are_taken_apart() {
        let help = |rule| several(&Text::of(rule)).unwrap().help;
        for rule in [
            "People must not be shown smoking and must not be shown drinking.",
            "People must not be shown smoking. People must not be shown drinking.",
            "People must not be shown smoking, and people must not be shown drinking.",
        ] {
            let parts = "\nfor example: People must not be shown smoking.\nand: People must not be shown drinking.";
            assert!(help(rule).ends_with(parts), "{}", help(rule));
        }
        assert!(!help("Guns must not be shown and they must not be drawn.").contains("example"));
    }

    #[test]
    fn a_demand_is_marked_up_to_its_verb() {
        let text = Text::of("Every part must be fully covered by clothing.");
        assert_eq!(
            absence(&text).unwrap().message.split('`').nth(1),
            Some("must be fully covered")
        );
    }

    #[test]
    fn tokens_are_about_those_of_clip() {
        // Counted with CLIP's own vocabulary.
        for (rule, counted) in [
            ("Two people must not lie on a bed and touch each other.", 15),
            ("Skulls must not be shown.", 8),
            ("People or animals whose internal organs are visible must not be shown.", 15),
        ] {
            assert_eq!(tokens(rule).0, counted, "{rule}");
        }
        let rule = "A weapon must not be shown ".repeat(20);
        let draft = too_long(&Text::of(&rule)).unwrap();
        assert_eq!(draft.marks[0].at.offset(), rule.match_indices(' ').nth(74).unwrap().0 + 1);
    }
}
