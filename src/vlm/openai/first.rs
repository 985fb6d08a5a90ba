//! Yes or No, read off what a server tells of a reply's first token.
//!
//! A server tells the likeliest tokens and not all. Where one of the two words is not among them, it
//! is at most as probable as the least of those that are, and at most what all of them leave over:
//! that bound is taken, which pulls M towards one half and never away from it. Where neither is, it
//! was no answer.
//!
//! Some tell no probabilities at all: reasoning models, whose token after thinking would be an
//! extract of the thoughts and no measure of anything besides. Then the answer is a word, which is
//! taken as it is and marked so ([`Answer::Said`]).

use super::wire::{Place, Said};
use crate::vlm::spelling::{ln_sum_exp, says};
use crate::vlm::{Answer, YesNo};

/// Logarithms of probability below this are a server's way of writing "never".
const NEVER: f64 = -100.0;

/// The words that mean Yes and No; of their own for models that were trained on others.
pub(super) type Words = Option<(&'static str, &'static str)>;

/// What an answer says.
#[derive(Debug, PartialEq)]
pub(super) enum Read {
    /// It is one.
    Answer(Answer),
    /// It might be one if it were longer: it begins with white space, or has not ended to think.
    Longer(String),
    /// It is none: what came instead.
    Neither(String),
}

/// Reads an answer.
pub(super) fn read(said: &Said, words: Words) -> Read {
    let place = said.tokens.iter().find(|place| !blank(&place.chosen));
    match place {
        Some(place) if !said.thought => probable(place, words),
        None if !said.tokens.is_empty() => {
            Read::Longer("the answer begins with white space".to_owned())
        }
        _ => plain(said, words),
    }
}

/// By the probabilities of the first token that is more than white space.
fn probable(place: &Place, words: Words) -> Read {
    let mass = |yes: bool| {
        let of_word = place.top.iter().filter(|(token, _)| meant(token, yes, words));
        let found: Vec<f64> = of_word.map(|(_, ln)| ln.max(NEVER)).collect();
        (!found.is_empty()).then(|| ln_sum_exp(found.into_iter()))
    };
    let (ln_yes, ln_no) = match (mass(true), mass(false)) {
        (Some(yes), Some(no)) => (yes, no),
        (Some(yes), None) => (yes, most_of_the_rest(&place.top)),
        (None, Some(no)) => (most_of_the_rest(&place.top), no),
        (None, None) => {
            let count = place.top.len();
            return Read::Neither(format!(
                "neither Yes nor No is among the {count} likeliest first tokens; the likeliest is `{}`",
                place.chosen.trim()
            ));
        }
    };
    Read::Answer(Answer::Seen(YesNo { ln_yes, ln_no }))
}

/// The most that a word can have which is not among the likeliest.
fn most_of_the_rest(top: &[(String, f64)]) -> f64 {
    let least = top.iter().map(|(_, ln)| ln.max(NEVER)).fold(0.0, f64::min);
    let told: f64 = top.iter().map(|(_, ln)| ln.exp()).sum();
    if told < 1.0 { least.min((1.0 - told).ln().max(NEVER)) } else { least }
}

/// Whether a token is one of the two words, or begins one of a model's own.
fn meant(token: &str, yes: bool, words: Words) -> bool {
    // SentencePiece's and GPT-2's signs for a space, as some servers pass them on.
    let token = token.replace(['▁', 'Ġ'], " ");
    match words {
        None => says(token.as_bytes(), if yes { "yes" } else { "no" }),
        Some((own_yes, own_no)) => {
            let (word, other) = if yes { (own_yes, own_no) } else { (own_no, own_yes) };
            let token = token.trim();
            !token.is_empty() && word.starts_with(token) && !other.starts_with(token)
        }
    }
}

fn blank(token: &str) -> bool {
    token.trim_matches(['▁', 'Ġ', 'Ċ']).trim().is_empty()
}

/// By the text alone: it has to be one of the two words, and nothing that only begins so.
fn plain(said: &Said, words: Words) -> Read {
    let text = said.text.as_deref().unwrap_or_default().trim();
    if text.is_empty() {
        return if said.finish == "length" || said.thought {
            Read::Longer(
                "the model had not begun to answer when its tokens were used up".to_owned(),
            )
        } else {
            Read::Neither("the answer is empty".to_owned())
        };
    }
    let (yes, no) = words.unwrap_or(("yes", "no"));
    let marks: &[char] = &['*', '"', '\'', '`', '_', '“', '”'];
    let text = text.trim_start_matches(marks);
    let end = text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    // "No idea" and "Yes and no" go on; "No, there is none" and "Yes." have said it.
    let rest = rest.trim_start_matches(marks);
    let ended = rest.is_empty() || rest.starts_with(['.', ',', ';', ':', '!', '\n', '"', '}']);
    match (ended, word.eq_ignore_ascii_case(yes), word.eq_ignore_ascii_case(no)) {
        (true, true, _) => Read::Answer(Answer::Said(true)),
        (true, _, true) => Read::Answer(Answer::Said(false)),
        _ if said.finish == "length" => {
            Read::Longer(format!("`{}` is not Yes or No", begins(text)))
        }
        _ => Read::Neither(format!("`{}` is not Yes or No", begins(text))),
    }
}

fn begins(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(top: &[(&str, f64)]) -> Said {
        let top: Vec<(String, f64)> =
            top.iter().map(|(token, p)| ((*token).to_owned(), p.ln())).collect();
        Said {
            text: Some(top[0].0.clone()),
            refusal: false,
            thought: false,
            finish: "length".to_owned(),
            tokens: vec![Place { chosen: top[0].0.clone(), top }],
        }
    }

    fn text(text: &str, finish: &str) -> Said {
        let said = answered(&[("x", 1.0)]);
        Said { text: Some(text.to_owned()), finish: finish.to_owned(), tokens: Vec::new(), ..said }
    }

    fn seen(said: &Said) -> YesNo {
        match read(said, None) {
            Read::Answer(Answer::Seen(answer)) => answer,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn mass_is_summed_over_the_spellings() {
        let answer = seen(&answered(&[("Yes", 0.3), ("No", 0.2), (" yes", 0.1), ("I", 0.1)]));
        assert!((answer.m().value() - 0.4 / 0.6).abs() < 1e-9);
        assert!((answer.mass().value() - 0.6).abs() < 1e-9);
        let pieces = seen(&answered(&[("▁Yes", 0.6), ("ĠNo", 0.2)]));
        assert!((pieces.m().value() - 0.75).abs() < 1e-9);
    }

    #[test]
    fn a_word_that_is_not_told_of_is_at_most_the_least_that_is_and_what_is_left() {
        let by_least = seen(&answered(&[("Yes", 0.9), ("I", 0.01)]));
        assert!((by_least.ln_no.exp() - 0.01).abs() < 1e-9);
        let by_rest = seen(&answered(&[("No", 0.9), ("I", 0.098)]));
        assert!((by_rest.ln_yes.exp() - 0.002).abs() < 1e-9);
        // Rounding may make the sum more than one; OpenAI writes -9999 for never.
        let mut sure = answered(&[("Yes", 1.0), ("I", 1e-12)]);
        sure.tokens[0].top.push(("The".to_owned(), -9_999.0));
        assert!(seen(&sure).ln_no.is_finite() && seen(&sure).m().value() > 0.999);
    }

    #[test]
    fn what_is_neither_is_no_answer() {
        let Read::Neither(detail) = read(&answered(&[("Sure", 0.9), ("The", 0.1)]), None) else {
            panic!("neither")
        };
        assert!(detail.contains("2 likeliest") && detail.contains("`Sure`"), "{detail}");
        for cut in ["No idea", "Yes and no", "Nothing", "Maybe"] {
            assert!(matches!(read(&text(cut, "stop"), None), Read::Neither(_)), "{cut}");
            assert!(matches!(read(&text(cut, "length"), None), Read::Longer(_)), "{cut}");
        }
        assert!(matches!(read(&text("", "stop"), None), Read::Neither(_)));
        assert!(matches!(read(&text(" ", "length"), None), Read::Longer(_)));
    }

    #[test]
    fn white_space_is_passed_over_where_there_is_more() {
        let mut said = answered(&[("\n\n", 0.9), ("Yes", 0.1)]);
        assert!(matches!(read(&said, None), Read::Longer(_)));
        said.tokens.extend(answered(&[("No", 0.9), ("Yes", 0.1)]).tokens);
        assert!((seen(&said).m().value() - 0.1).abs() < 1e-9);
    }

    #[test]
    fn without_probabilities_a_word_is_a_word() {
        for (word, yes) in [("Yes", true), ("**No**", false), ("no.", false), ("YES, a dog", true)]
        {
            assert_eq!(read(&text(word, "stop"), None), Read::Answer(Answer::Said(yes)), "{word}");
        }
        // After thinking, a probability is none.
        let thought = Said { thought: true, ..answered(&[("Yes", 0.99), ("No", 0.01)]) };
        assert_eq!(read(&thought, None), Read::Answer(Answer::Said(true)));
    }

    #[test]
    fn a_models_own_words_are_known_by_how_they_begin() {
        let words = Some(("Unsafe", "Safe"));
        let said = answered(&[("Un", 0.6), ("S", 0.2), ("Uns", 0.2)]);
        let Read::Answer(Answer::Seen(answer)) = read(&said, words) else { panic!("answered") };
        assert!((answer.m().value() - 0.8).abs() < 1e-9);
    }
}
