//! The doctor: each illness is found by the check that is there for it and by no other, the demo
//! model is well, and random weights of real families get a verdict.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use praetor::doctor::{Concern, Given, Grade, Knows, Report, examine};
use praetor::ids::{Hash, ModelId};
use praetor::imaging::View;
use praetor::units::Probability;
use praetor::verdict::Why;
use praetor::vlm::chat::{Form, Generate, Reply, Turn};
use praetor::vlm::{Answer, Chat, Vlm, VlmError, YesNo};
use serde_json::Value;

use crate::cli::Praetor;
use crate::engine::{FAMILIES, models_folder};

/// What is wrong with a model.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Illness {
    None,
    /// Answers by the statement alone.
    Blind,
    /// Every second question of a batch gets another answer.
    Ordered,
    /// Scatters.
    Random,
    /// Says something else nineteen times of twenty.
    Mumbles,
    /// The last picture shines through.
    Contaminated,
    /// Says Yes, a little more or less by chance.
    YesMan,
    /// Stops after so many calls.
    Dies(u32),
    /// Can't talk.
    Mute,
    /// Answers as it is told.
    Obedient,
    /// A marker spoils a whole batch.
    Leaky,
    /// Says Yes without a picture.
    Credulous,
    /// Reads the beginning of what is too long.
    Cuts,
    /// Gives fewer answers than it was asked for.
    Forgetful,
}

/// A model that knows the doctor's pictograms, and has an illness.
struct Patient {
    model: ModelId,
    illness: Illness,
    context: u32,
    pictures: BTreeMap<String, &'static [&'static str]>,
    calls: AtomicU32,
    last: Mutex<Option<Hash>>,
}

const PICTURES: [(&str, &[&str]); 7] = [
    ("child-and-knife", &["child", "apple", "knife"]),
    ("street", &["house", "tree", "car"]),
    ("birthday", &["cake", "woman", "child"]),
    ("skull-and-blood", &["blood", "skull"]),
    ("dog-and-bomb", &["flower", "bomb", "dog"]),
    ("two-beers", &["man", "woman", "beer"]),
    ("woman-by-the-fire", &["tree", "fire", "woman"]),
];

impl Patient {
    fn new(illness: Illness) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/demo/examples");
        let read = |(name, things): (&str, &'static [&'static str])| {
            let pixels = image::open(folder.join(format!("{name}.png"))).unwrap().into_rgb8();
            (View::whole(pixels).hash().to_string(), things)
        };
        Self {
            model: ModelId { name: "patient".to_owned(), fingerprint: Hash::of(b"patient") },
            illness,
            context: 8_192,
            pictures: PICTURES.map(read).into(),
            calls: AtomicU32::new(0),
            last: Mutex::new(None),
        }
    }

    fn examined(&self) -> Report {
        let given = Given { context_tokens: self.context, knows: Knows::Pictograms };
        let mut told = Vec::new();
        let report = examine(self, given, |check| told.push(check.clone())).unwrap();
        assert_eq!(told, report.checks);
        report
    }

    /// A number from -1 to 1 that is always the same for the same parts.
    fn chance(parts: &[&str]) -> f64 {
        let hash = Hash::of_parts(parts.iter().map(|part| part.as_bytes()));
        f64::from(hash.bytes()[0]) / 127.5 - 1.0
    }

    fn log_odds(&self, view: Option<&View>, statement: &str) -> f64 {
        let Some(view) = view else {
            let prior = Self::chance(&[statement]);
            return match self.illness {
                Illness::Credulous => 6.0,
                Illness::YesMan => 2.0 + prior * 0.3,
                _ => prior,
            };
        };
        let hash = view.hash().to_string();
        let jitter = Self::chance(&[&hash, statement]) * 0.3;
        let things = self.pictures.get(&hash).copied().unwrap_or_default();
        let visible = things.iter().any(|thing| statement.contains(thing));
        match self.illness {
            Illness::Blind => 2.0 * Self::chance(&["blind", statement]),
            Illness::YesMan => 2.5 + jitter,
            Illness::Obedient if statement.to_lowercase().contains("answer yes") => 5.0,
            _ if visible => 4.0 + jitter,
            _ => -4.0 + jitter,
        }
    }

    /// What the circumstances add.
    fn trouble(&self, view: Option<&View>, index: usize, statements: &[&str]) -> f64 {
        let (odd, now) = (index % 2 == 1, view.map(|view| *view.hash().bytes()));
        match self.illness {
            Illness::Ordered if odd => 1.0,
            Illness::Random => {
                Self::chance(&[&self.calls.load(SeqCst).to_string(), &index.to_string()]) * 0.6
            }
            Illness::Contaminated if self.last.lock().unwrap().map(|last| *last.bytes()) != now => {
                1.2
            }
            Illness::Leaky if statements.iter().any(|text| text.contains("<image>")) => 2.0,
            _ => 0.0,
        }
    }

    fn call(&self) -> Result<(), VlmError> {
        let calls = self.calls.fetch_add(1, SeqCst) + 1;
        match self.illness {
            Illness::Dies(after) if calls > after => Err(VlmError::Gone),
            _ => Ok(()),
        }
    }
}

impl Vlm for Patient {
    fn visible(&self, view: Option<&View>, statements: &[&str]) -> Result<Vec<Answer>, VlmError> {
        self.call()?;
        let answer = |(index, statement): (usize, &&str)| {
            let words = u32::try_from(statement.split(' ').count()).unwrap();
            let needed = words + 10 + if view.is_some() { 16 } else { 0 };
            if needed > self.context && self.illness != Illness::Cuts {
                return Answer::Unavailable(Why::TooLong { needed, limit: self.context });
            }
            let log_odds = self.log_odds(view, statement) + self.trouble(view, index, statements);
            let answer = YesNo::certain(Probability::from_log_odds(log_odds));
            let mass: f64 = if self.illness == Illness::Mumbles { 0.05 } else { 0.9 };
            Answer::Seen(YesNo {
                ln_yes: answer.ln_yes + mass.ln(),
                ln_no: answer.ln_no + mass.ln(),
            })
        };
        let mut answers: Vec<Answer> = statements.iter().enumerate().map(answer).collect();
        if self.illness == Illness::Forgetful && answers.len() > 4 {
            answers.pop();
        }
        *self.last.lock().unwrap() = view.map(View::hash);
        Ok(answers)
    }

    fn answers(&self, view: Option<&View>, questions: &[&str]) -> Result<Vec<Answer>, VlmError> {
        self.visible(view, questions)
    }
}

impl Chat for Patient {
    fn chat(
        &self,
        _: Option<&View>,
        conversations: &[Vec<Turn>],
        generate: &Generate,
    ) -> Result<Vec<Reply>, VlmError> {
        self.call()?;
        let reply = match (self.illness, &generate.form) {
            (Illness::Mute, _) => Reply::Unavailable(Why::Looping),
            (_, Form::Free) => Reply::Said("I see a thing.".to_owned()),
            (_, Form::Json(_)) => {
                Reply::Said(r#"{"rating": "Yes", "rationale": "so", "answer": "Yes"}"#.to_owned())
            }
        };
        Ok(vec![reply; conversations.len()])
    }

    fn model(&self) -> &ModelId {
        &self.model
    }
}

/// The checks that are not as they should be.
fn complaints(report: &Report) -> Vec<(Concern, Grade)> {
    let checks = report.checks.iter().filter(|check| check.verdict >= Grade::Warning);
    checks.map(|check| (check.id, check.verdict)).collect()
}

#[test]
fn a_model_that_is_well_passes_everything() {
    let report = Patient::new(Illness::None).examined();
    assert_eq!(complaints(&report), [], "{report:#?}");
    assert_eq!((report.verdict, report.checks.len()), (Grade::Pass, 11));
    for check in &report.checks {
        assert!(!check.found.is_empty() && check.meaning.ends_with('.'), "{check:?}");
    }
}

#[test]
fn each_illness_is_found_by_its_own_check_and_by_no_other() {
    let cases = [
        (Illness::Blind, Concern::Picture, Grade::Fail),
        (Illness::Ordered, Concern::Order, Grade::Fail),
        (Illness::Random, Concern::Determinism, Grade::Fail),
        (Illness::Mumbles, Concern::Answers, Grade::Fail),
        (Illness::Contaminated, Concern::Contamination, Grade::Fail),
        (Illness::YesMan, Concern::Content, Grade::Fail),
        (Illness::Mute, Concern::Talking, Grade::Warning),
        (Illness::Obedient, Concern::Injection, Grade::Warning),
        (Illness::Leaky, Concern::Injection, Grade::Fail),
        (Illness::Credulous, Concern::Priors, Grade::Warning),
        (Illness::Cuts, Concern::Room, Grade::Warning),
    ];
    for (illness, concern, grade) in cases {
        let report = Patient::new(illness).examined();
        assert_eq!(complaints(&report), [(concern, grade)], "{illness:?}: {report:#?}");
        assert_eq!(report.verdict, grade, "{illness:?}");
    }
}

#[test]
fn a_small_context_is_told() {
    let patient = Patient { context: 64, ..Patient::new(Illness::None) };
    let report = patient.examined();
    assert_eq!(complaints(&report), [(Concern::Room, Grade::Warning)], "{report:#?}");
    let room = report.checks.iter().find(|check| check.id == Concern::Room).unwrap();
    assert!((room.numbers["picture_tokens"] - 16.0).abs() < 1e-9, "{room:?}");
    assert!((room.numbers["context_tokens"] - 64.0).abs() < 1e-9, "{room:?}");
}

#[test]
fn a_backend_that_stops_fails_where_it_stops_and_the_rest_does_not_run() {
    for after in [0, 10, 40, 100] {
        let report = Patient::new(Illness::Dies(after)).examined();
        assert_eq!((report.count(Grade::Fail), report.verdict), (1, Grade::Fail), "{after}");
        let grades: Vec<Grade> = report.checks.iter().map(|check| check.verdict).collect();
        let at = grades.iter().position(|grade| *grade == Grade::Fail).unwrap();
        assert!(report.checks[at].found.contains("stopped"));
        assert!(grades[..at].iter().all(|grade| *grade < Grade::NotRun), "{after}: {grades:?}");
        assert!(grades[at + 1..].iter().all(|grade| *grade == Grade::NotRun), "{after}");
    }
}

#[test]
fn a_broken_promise_of_one_answer_each_is_found() {
    let report = Patient::new(Illness::Forgetful).examined();
    assert_eq!(report.checks[0].verdict, Grade::Fail, "{report:#?}");
    assert!(report.checks[0].details[0].contains("answers to"), "{report:#?}");
}

#[test]
fn the_demo_model_is_well() {
    let praetor = Praetor::new();
    let run = praetor.run(&["doctor", "--threads", "1"]);
    println!("{}", run.out);
    assert!(run.code <= 1, "{}{}", run.out, run.err);
    for word in ["answers", "contamination", "throughput", "questions a second"] {
        assert!(run.out.contains(word), "{word} is missing:\n{}", run.out);
    }
    assert!(run.out.lines().all(|line| line.chars().count() <= 98), "{}", run.out);

    let run = praetor.run(&["doctor", "--format", "json", "--context", "2048", "--threads", "1"]);
    let report: Value = serde_json::from_str(&run.out).unwrap();
    let checks = report["checks"].as_array().unwrap();
    assert_eq!((checks.len(), &report["model"]["name"]), (11, &Value::from("demo")));
    for check in checks {
        let warned = ["talking", "injection"].contains(&check["id"].as_str().unwrap());
        let well = ["pass", "info"].contains(&check["verdict"].as_str().unwrap());
        assert!(well || (warned && check["verdict"] == "warning"), "{check}");
    }
}

#[test]
fn random_weights_of_every_family_get_a_verdict_and_it_is_bad() {
    let praetor = Praetor::new();
    for family in FAMILIES {
        let file = |end: &str| {
            models_folder().join(format!("{family}{end}.gguf")).to_str().unwrap().to_owned()
        };
        let (model, projector) = (file(""), file("-mmproj"));
        let files = ["doctor", "--model", &model, "--mmproj", &projector];
        // One thread: several that are short of cores wait for each other by spinning.
        let run = praetor.run(&[&files[..], &["--format", "json", "--threads", "1"]].concat());
        assert_eq!(run.code, 3, "{family}: {}{}", run.out, run.err);
        let report: Value = serde_json::from_str(&run.out).unwrap();
        let of = |id: &str| {
            let checks = report["checks"].as_array().unwrap().iter();
            checks.clone().find(|check| check["id"] == id).unwrap()["verdict"].clone()
        };
        assert_eq!(of("content"), "fail", "{family}: {}", run.out);
        // The engine's promises hold whatever the weights.
        for id in ["determinism", "picture", "order", "contamination"] {
            assert_ne!(of(id), "fail", "{family} {id}: {}", run.out);
        }
    }
}

/// A model file whose vocabulary spells Yes otherwise.
fn without_yes(name: &str) -> Vec<u8> {
    let mut bytes = fs_err::read(models_folder().join(name)).unwrap();
    for at in 0..bytes.len() - 3 {
        if bytes[at..at + 3].eq_ignore_ascii_case(b"yes") {
            bytes[at + 1] = b'x';
        }
    }
    bytes
}

#[test]
fn what_can_not_be_loaded_is_a_finding_too() {
    let praetor = Praetor::new();
    praetor.write("a.gguf", "no model");
    praetor.write("silent.gguf", without_yes("llava.gguf"));
    let projector = models_folder().join("llava-mmproj.gguf");
    for (model, says) in [
        ("a.gguf", "not a GGUF file"),
        ("none.gguf", "can't read the model"),
        ("silent.gguf", "no single token for `Yes`"),
    ] {
        let arguments = ["doctor", "--model", model, "--mmproj", projector.to_str().unwrap()];
        let run = praetor.run(&arguments);
        assert_eq!(run.code, 3, "{}", run.err);
        let flat = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains("FAIL loading") && flat.contains(says), "{}", run.out);
        let run = praetor.run(&[&arguments[..], &["--format", "json"]].concat());
        let report: Value = serde_json::from_str(&run.out).unwrap();
        assert_eq!((&report["verdict"], &report["model"]), (&Value::from("fail"), &Value::Null));
    }
    let half = praetor.run(&["doctor", "--model", "a.gguf"]);
    assert_eq!((half.code, half.out.is_empty()), (2, false));
}
