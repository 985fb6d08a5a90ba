//! The demo model: numbers that somebody else computed, and verdicts a person agrees with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use praetor::constitution::Policy;
use praetor::encoder;
use praetor::ids::RuleId;
use praetor::imaging::{Fill, Limits, Source, View, decode};
use praetor::pipeline::{Judging, Pipeline};
use praetor::prompts::Prompts;
use praetor::verdict::Conclusion;
use praetor::vlm::llama::{LlamaVlm, demo};
use praetor::vlm::{Answer, Vlm, YesNo};
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models/demo")
}

fn load() -> LlamaVlm {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("demo-cache");
    LlamaVlm::load(demo::unpack(&cache).unwrap(), Prompts::built_in().unwrap()).unwrap()
}

fn view(path: &Path) -> View {
    decode(&Source::new(path), &Limits::default()).unwrap().pictures[0].whole()
}

fn seen(answer: &Answer) -> YesNo {
    match answer {
        Answer::Seen(answer) => *answer,
        Answer::Said(word) => panic!("no probability: {word}"),
        Answer::Unavailable(why) => panic!("no answer: {why}"),
    }
}

/// `models/demo/parity.json` holds what the training code (JAX, single precision) computes from
/// the shipped files; llama.cpp computes in half precision. The largest difference is printed, and
/// kept in `docs/models.md`.
#[test]
fn llama_cpp_agrees_with_the_training_code() {
    const TOLERANCE: f64 = 0.03;
    let model = load();
    let parity: Value =
        serde_json::from_slice(&fs_err::read(folder().join("parity.json")).unwrap()).unwrap();
    let cases = parity["answers"].as_array().unwrap();
    assert!(cases.len() >= 40);
    let mut largest: f64 = 0.0;
    for case in cases {
        let statement = case["statement"].as_str().unwrap();
        let image = view(&folder().join(case["image"].as_str().unwrap()));
        for (view, expected) in
            [(Some(&image), &case["with_image"]), (None, &case["without_image"])]
        {
            let answer = seen(&model.visible(view, &[statement]).unwrap()[0]);
            let number = |name: &str| expected[name].as_f64().unwrap();
            let difference =
                ((answer.ln_yes - answer.ln_no) - (number("ln_yes") - number("ln_no"))).abs();
            largest = largest.max(difference);
            assert!(difference < TOLERANCE, "{statement}: {answer:?}, expected {expected}");
            assert!((answer.m().value() - number("m")).abs() < 0.002, "{statement}: {answer:?}");
        }
    }
    println!("largest difference in log-odds: {largest:.4}");
}

/// What a person sees on the example pictures, by the demo constitution.
const EXAMPLES: [(&str, &[&str]); 16] = [
    ("beer-and-child.png", &["alcohol.child", "tobacco"]),
    ("birthday.png", &[]),
    ("child-and-gun.png", &["weapons.child"]),
    ("child-and-knife.png", &["weapons.child"]),
    ("child-and-wine.png", &["alcohol.child"]),
    ("crossed-swords.png", &[]),
    ("dog-and-bomb.png", &["weapons.bomb"]),
    ("family.png", &[]),
    ("garden.png", &[]),
    ("medicine.png", &[]),
    ("park.png", &[]),
    ("skull-and-blood.png", &["death.skull"]),
    ("smoker.png", &["tobacco"]),
    ("street.png", &[]),
    ("two-beers.png", &[]),
    ("woman-by-the-fire.png", &["fire.person"]),
];

#[test]
fn a_person_agrees_with_the_verdicts_on_the_examples() {
    let model = load();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let policy = Policy::load(&root.join("constitutions/demo.yaml"), None).unwrap();
    let encoder = Arc::new(encoder::demo::load().unwrap());
    let localizer = encoder::demo::localizer(Arc::clone(&encoder));
    let pipeline = Pipeline::new(policy, &model, &[])
        .unwrap()
        .with_relevance(&*encoder, None)
        .unwrap()
        .with_regions(&localizer, Fill::default());
    let mut wrong = Vec::new();
    for (name, expected) in EXAMPLES {
        let path = folder().join("examples").join(name);
        let decoded = decode(&Source::new(&path), &Limits::default()).unwrap();
        let verdict = pipeline.judge_image(name.to_owned(), Ok(decoded)).unwrap();
        let violated: Vec<&str> = verdict.violated.iter().map(RuleId::as_str).collect();
        let conclusion = if expected.is_empty() { Conclusion::Safe } else { Conclusion::Unsafe };
        if violated != expected || verdict.verdict != conclusion {
            wrong
                .push(format!("{name}: {:?} {violated:?}, expected {expected:?}", verdict.verdict));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
