//! What an answer has to be: the schema the model is held to, and the checks that no schema makes.
//!
//! A complaint goes back to the model, so it says what is wrong in words that help.

use serde_json::{Map, Value, json};

use super::lenient::{cut, number, object, text, texts, truth};
use crate::constitution::one_line;
use crate::prompts::compile::Task;

/// Preconditions of a rule at most; praetor's own, as all of these.
const MOST_PRECONDITIONS: usize = 6;
/// Alternatives of a precondition at most.
const MOST_ALTERNATIVES: usize = 8;
/// Characters of a statement at most: a line.
const LONGEST_STATEMENT: usize = 120;
/// Characters of a rule at most.
const LONGEST_RULE: usize = 500;
/// Characters of an explanation at most; longer ones are cut.
const LONGEST_EXPLANATION: usize = 300;
/// Central objects of a precondition at most.
const MOST_OBJECTS: usize = 8;
/// Words of an object's name at most.
const MOST_WORDS: usize = 4;
/// Differences between two rules at most; further ones are left out.
const MOST_DIFFERENCES: usize = 4;

/// What is asked, in the order in which a rule comes by it.
pub(super) const ORDER: [&str; 6] = [
    "how objective the rule is",
    "for a more objective wording",
    "for the preconditions",
    "for the central objects of a precondition",
    "which rule the preconditions stand for",
    "whether the preconditions stand for the rule",
];

/// A question in words, one of [`ORDER`].
pub(super) fn asked(task: &Task) -> &'static str {
    ORDER[match task {
        Task::Objectiveness { .. } => 0,
        Task::Objectify { .. } => 1,
        Task::Preconditions { .. } => 2,
        Task::Objects { .. } => 3,
        Task::Rebuild { .. } => 4,
        Task::Covers { .. } => 5,
    }]
}

/// An answer that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Rated { explanation: String, rating: u8 },
    Reworded(String),
    Chained(Vec<Vec<String>>),
    Named(Vec<String>),
    Rebuilt(String),
    Compared { missing: Vec<String>, added: Vec<String>, covers: bool },
}

/// The JSON Schema of an answer. What explains comes before what is decided, so that a model
/// decides by what it has said.
pub(super) fn schema(task: &Task) -> Value {
    let words = |longest: usize| json!({ "type": "string", "minLength": 1, "maxLength": longest });
    let list = |items: Value, least: usize, most: usize| json!({ "type": "array", "items": items, "minItems": least, "maxItems": most });
    let differences = || list(words(LONGEST_STATEMENT), 0, MOST_DIFFERENCES);
    let properties = match task {
        Task::Objectiveness { .. } => json!({
            "explanation": words(LONGEST_EXPLANATION),
            "rating": { "type": "integer", "minimum": 1, "maximum": 10 },
        }),
        Task::Objectify { .. } | Task::Rebuild { .. } => json!({ "rule": words(LONGEST_RULE) }),
        Task::Preconditions { .. } => {
            let alternatives = list(words(LONGEST_STATEMENT), 1, MOST_ALTERNATIVES);
            json!({ "preconditions": list(alternatives, 1, MOST_PRECONDITIONS) })
        }
        Task::Objects { statements } => {
            // A small model goes on for as long as a list may be.
            let most = (2 * statements.len() + 1).min(MOST_OBJECTS);
            json!({ "objects": list(words(40), 1, most) })
        }
        Task::Covers { .. } => json!({
            "explanation": words(LONGEST_EXPLANATION),
            "missing": differences(),
            "added": differences(),
            "same": { "type": "boolean" },
        }),
    };
    let required: Vec<String> =
        properties.as_object().into_iter().flat_map(Map::keys).cloned().collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// Reads an answer; the error is the complaint.
pub(super) fn read(task: &Task, said: &str) -> Result<Answer, String> {
    match task {
        Task::Objectiveness { .. } => rated(&object(said, "rating")?),
        Task::Objectify { attempts, .. } => {
            let rule = rule(&object(said, "rule")?)?;
            if attempts.iter().any(|attempt| same(&attempt.text, &rule)) {
                return Err("that wording was tried already; write a different one".to_owned());
            }
            Ok(Answer::Reworded(rule))
        }
        Task::Preconditions { .. } => chain(&object(said, "preconditions")?).map(Answer::Chained),
        Task::Objects { .. } => objects(&object(said, "objects")?).map(Answer::Named),
        Task::Rebuild { .. } => rule(&object(said, "rule")?).map(Answer::Rebuilt),
        Task::Covers { .. } => compared(&object(said, "same")?),
    }
}

/// Whether a chain has nothing to do with its rule and is only repeated from the question's
/// examples, as small models like to do.
pub(super) fn is_example(chain: &[Vec<String>], rule: &str, question: &str) -> bool {
    const COMMON: [&str; 7] = ["the", "and", "are", "visible", "from", "with", "that"];
    let rule = rule.to_lowercase();
    let statements = || chain.iter().flatten();
    // "cars" is about "a car": the beginning of a word is enough.
    let beginning = |word: &str| word.chars().take(4).collect::<String>().to_lowercase();
    let is_named =
        |word: &str| word.len() > 2 && !COMMON.contains(&word) && rule.contains(&beginning(word));
    statements().all(|statement| question.contains(&format!("\"{statement}\"")))
        && !statements().flat_map(|statement| statement.split(' ')).any(is_named)
}

/// Whether two texts say the same, whatever their case and full stops.
pub(super) fn same(one: &str, other: &str) -> bool {
    let plain = |text: &str| one_line(text).trim_end_matches('.').to_lowercase();
    plain(one) == plain(other)
}

fn rated(answer: &Map<String, Value>) -> Result<Answer, String> {
    let rating = number(&answer["rating"]).and_then(|rating| u8::try_from(rating).ok());
    let rating = rating.filter(|rating| (1..=10).contains(rating));
    let rating = rating.ok_or("\"rating\" has to be a whole number from 1 to 10")?;
    Ok(Answer::Rated { explanation: explanation(answer), rating })
}

fn explanation(answer: &Map<String, Value>) -> String {
    let words = answer.get("explanation").and_then(text).unwrap_or_default();
    cut(&words, LONGEST_EXPLANATION)
}

fn rule(answer: &Map<String, Value>) -> Result<String, String> {
    let rule = text(&answer["rule"]).ok_or("\"rule\" has to be a text")?;
    if rule.chars().filter(|c| c.is_alphabetic()).count() < 3 {
        return Err("\"rule\" is empty".to_owned());
    }
    if rule.chars().count() > LONGEST_RULE {
        return Err(format!("the rule is longer than {LONGEST_RULE} characters"));
    }
    Ok(rule)
}

fn chain(answer: &Map<String, Value>) -> Result<Vec<Vec<String>>, String> {
    let items = answer["preconditions"].as_array();
    let items = items.ok_or("\"preconditions\" has to be a list of lists of statements")?;
    let mut chain: Vec<Vec<String>> = Vec::new();
    for item in items {
        let statements = texts(item).ok_or("each precondition has to be a list of statements")?;
        let mut alternatives: Vec<String> = Vec::new();
        for statement in statements {
            let statement = tidy(&statement);
            if statement.is_empty() {
                continue;
            }
            check_statement(&statement)?;
            if !alternatives.iter().any(|other| same(other, &statement)) {
                alternatives.push(statement);
            }
        }
        if alternatives.is_empty() {
            return Err("a precondition has no statement".to_owned());
        }
        if alternatives.len() > MOST_ALTERNATIVES {
            return Err(format!("a precondition has more than {MOST_ALTERNATIVES} alternatives"));
        }
        if !chain.contains(&alternatives) {
            chain.push(alternatives);
        }
    }
    if chain.is_empty() {
        return Err("there is no precondition".to_owned());
    }
    if chain.len() > MOST_PRECONDITIONS {
        return Err(format!("there are more than {MOST_PRECONDITIONS} preconditions"));
    }
    Ok(chain)
}

/// A statement as a lock has it: without numbers, brackets and full stops around it.
fn tidy(statement: &str) -> String {
    let numbered = |c: char| c.is_ascii_digit() || matches!(c, '.' | ')' | '(' | '-' | '*' | ' ');
    let around = |c: char| matches!(c, '{' | '}' | '[' | ']' | '"' | '`' | ' ');
    let inner = statement.trim_start_matches(numbered).trim_matches(around);
    let inner = inner.trim_end_matches(['.', ' ']).trim_matches(around);
    let mut characters = inner.chars();
    match (characters.next(), characters.clone().next()) {
        // "A child", and not "USA" or "T-shirts".
        (Some(first), Some(next)) if next == ' ' || next.is_lowercase() => {
            first.to_lowercase().chain(characters).collect()
        }
        _ => inner.to_owned(),
    }
}

fn check_statement(statement: &str) -> Result<(), String> {
    const NEGATIONS: [&str; 9] =
        ["not", "no", "never", "without", "nor", "none", "nothing", "nobody", "cannot"];
    if statement.split(' ').count() < 2 {
        return Err(format!("\"{statement}\" is no statement, such as \"a car is visible\""));
    }
    if statement.chars().count() > LONGEST_STATEMENT {
        return Err(format!("a statement is longer than {LONGEST_STATEMENT} characters"));
    }
    let lower = statement.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '’' | '-'));
    if words.any(|word| NEGATIONS.contains(&word) || word.ends_with("n't") || word.ends_with("n’t"))
    {
        return Err(format!("\"{statement}\" says what is not visible; say what is"));
    }
    Ok(())
}

fn objects(answer: &Map<String, Value>) -> Result<Vec<String>, String> {
    let names = texts(&answer["objects"]).ok_or("\"objects\" has to be a list of words")?;
    let mut objects: Vec<String> = Vec::new();
    for name in names {
        let name = tidy(&name);
        let words = name.split(' ').count();
        if name.is_empty() || words > MOST_WORDS {
            return Err(format!("\"{name}\" is no name of an object in one or two words"));
        }
        if !objects.contains(&name) {
            objects.push(name);
        }
    }
    match objects.len() {
        0 => Err("there is no object".to_owned()),
        1..=MOST_OBJECTS => Ok(objects),
        _ => Err(format!("there are more than {MOST_OBJECTS} objects")),
    }
}

fn compared(answer: &Map<String, Value>) -> Result<Answer, String> {
    let same = truth(&answer["same"]).ok_or("\"same\" has to be true or false")?;
    let differences = |key: &str| {
        let found = answer.get(key).map_or(Some(Vec::new()), texts);
        let mut found: Vec<String> = found.ok_or(format!("\"{key}\" has to be a list of texts"))?;
        let nothing = ["", "none", "nothing", "n/a"];
        found.retain(|one| !nothing.contains(&one.trim_end_matches('.').to_lowercase().as_str()));
        let mut kept: Vec<String> = Vec::new();
        for one in found.iter().map(|one| cut(one, LONGEST_EXPLANATION)) {
            if kept.len() < MOST_DIFFERENCES && !kept.iter().any(|other| self::same(other, &one)) {
                kept.push(one);
            }
        }
        Ok::<_, String>(kept)
    };
    let (mut missing, added) = (differences("missing")?, differences("added")?);
    let covers = same && missing.is_empty() && added.is_empty();
    if !same && missing.is_empty() && added.is_empty() {
        match explanation(answer) {
            why if why.is_empty() => {
                return Err("say under \"missing\" or \"added\" what is not the same".to_owned());
            }
            why => missing.push(why),
        }
    }
    Ok(Answer::Compared { missing, added, covers })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chained(json: &str) -> Result<Vec<Vec<String>>, String> {
        let task = Task::Preconditions { rule: String::new(), criticisms: Vec::new() };
        match read(&task, &format!("{{\"preconditions\": {json}}}"))? {
            Answer::Chained(chain) => Ok(chain),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn statements_are_tidied() {
        let chain = chained(
            r#"[["1. A child is visible."], "{a knife is visible}", ["a gun is visible", "A gun is visible"]]"#,
        );
        let expected = [["a child is visible"], ["a knife is visible"], ["a gun is visible"]];
        assert_eq!(chain.unwrap(), expected.map(|one| one.map(str::to_owned).to_vec()));
    }

    #[test]
    fn chains_that_can_not_be_asked_are_complained_about() {
        let long = format!(r#"[["{}"]]"#, "a very long word ".repeat(9));
        let many = format!("[{}]", [r#"["a is b", "c is d"]"#; 9].join(", "));
        assert_eq!(chained(&many).unwrap().len(), 1, "the same again is once");
        let many: Vec<String> = (0..9).map(|number| format!(r#"["a is {number}"]"#)).collect();
        let many = format!("[{}]", many.join(", "));
        for (json, complaint) in [
            ("[]", "there is no precondition"),
            ("[[]]", "a precondition has no statement"),
            ("\"a dog\"", "\"preconditions\" has to be a list"),
            ("[[1]]", "each precondition has to be a list"),
            (r#"[["dog"]]"#, "\"dog\" is no statement"),
            (r#"[["a man without a hat is visible"]]"#, "says what is not visible"),
            (r#"[["the man isn't dressed"]]"#, "says what is not visible"),
            (&long, "longer than 120"),
            (&many, "more than 6"),
        ] {
            let said = chained(json).unwrap_err();
            assert!(said.contains(complaint), "{json}: {said}");
        }
    }

    #[test]
    fn what_is_only_repeated_from_the_question_is_told_from_an_answer() {
        let question = r#"Example: {"preconditions": [["a car is visible"], ["e is f"]]}"#;
        let copied = |statements: &[&str], rule: &str| {
            let one = |statement: &&str| (*statement).to_owned();
            is_example(&[statements.iter().map(one).collect()], rule, question)
        };
        assert!(copied(&["a car is visible", "e is f"], "Dogs must not be visible."));
        assert!(!copied(&["a car is visible", "e is g"], "Dogs must not be visible."));
        assert!(!copied(&["a car is visible"], "Cars must not be visible."));
    }

    #[test]
    fn a_comparison_is_only_as_good_as_its_lists() {
        let task = Task::Covers { rule: String::new(), rebuilt: String::new() };
        let covers = |json: &str| match read(&task, json) {
            Ok(Answer::Compared { missing, added, covers }) => Ok((missing, added, covers)),
            Ok(other) => panic!("{other:?}"),
            Err(complaint) => Err(complaint),
        };
        assert_eq!(covers(r#"{"same": "yes", "missing": ["None."]}"#), Ok((vec![], vec![], true)));
        let repeated = covers(r#"{"same": false, "missing": ["guns", "Guns."]}"#).unwrap();
        assert_eq!(repeated.0, ["guns"]);
        let contradicts = covers(r#"{"same": true, "missing": ["guns"], "added": []}"#).unwrap();
        assert!(!contradicts.2);
        let explained = covers(r#"{"same": false, "explanation": "B lacks guns"}"#).unwrap();
        assert_eq!(explained.0, ["B lacks guns"]);
        assert!(covers(r#"{"same": false}"#).is_err());
        assert!(covers(r#"{"same": "maybe"}"#).is_err());
    }

    #[test]
    fn ratings_have_a_range() {
        let task = Task::Objectiveness { rule: String::new() };
        let rating = |json: &str| read(&task, json);
        let rated = |rating| Ok(Answer::Rated { explanation: String::new(), rating });
        assert_eq!(rating(r#"{"rating": "9/10"}"#), rated(9));
        for json in [r#"{"rating": 0}"#, r#"{"rating": 11}"#, r#"{"rating": -3}"#, "9"] {
            assert!(rating(json).is_err(), "{json}");
        }
    }

    #[test]
    fn objects_are_named_in_a_word_or_two() {
        let task = Task::Objects { statements: Vec::new() };
        let named = |json: &str| read(&task, json);
        let expected = vec!["knife".to_owned(), "gun".to_owned()];
        assert_eq!(named(r#"{"objects": ["[knife]", "gun", "Gun"]}"#), Ok(Answer::Named(expected)));
        for json in [r#"{"objects": []}"#, r#"{"objects": ["the thing that he has in his hand"]}"#]
        {
            assert!(named(json).is_err(), "{json}");
        }
    }
}
