//! The engine: many questions from one shared prefix give what each gives on its own.
//!
//! On the demo model and on random-weight models of real families (`tools/random-models`), among
//! them Gemma 3, whose image tokens attend to each other and whose window slides, and Qwen-VL,
//! whose image takes fewer positions than cells (M-RoPE).

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::thread;

use image::{Rgb, RgbImage};
use praetor::constitution::Thresholds;
use praetor::imaging::View;
use praetor::judge::decision::{Band, by_prior};
use praetor::prompts::Prompts;
use praetor::units::Probability;
use praetor::verdict::Why;
use praetor::vlm::llama::devices::gpus;
use praetor::vlm::llama::{LlamaOptions, LlamaVlm, LoadError};
use praetor::vlm::{Answer, Vlm};

pub(crate) const FAMILIES: [&str; 7] =
    ["gemma3", "qwen25vl", "qwen3vl", "smolvlm", "internvl", "llava", "llavanext"];

/// The largest difference in log-odds between a question asked alone and one of a batch. Measured:
/// see `docs/models.md`; the cause on a processor is the order of summation in half-precision
/// attention. A GPU rounds in every product, and otherwise for another size of batch.
pub(crate) fn tolerance() -> f64 {
    if gpus().unwrap().is_empty() { 0.02 } else { OTHER_ROUNDING }
}

/// The largest difference in log-odds that a GPU's rounding may make.
pub(crate) const OTHER_ROUNDING: f64 = 0.2;

const OBJECTS: [&str; 12] = [
    "knife", "gun", "child", "dog", "cat", "fire", "skull", "syringe", "beer", "car", "tree",
    "ball",
];

pub(crate) fn models_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models")
}

pub(crate) fn options(family: &str) -> LlamaOptions {
    let folder = models_folder();
    LlamaOptions::new(
        folder.join(format!("{family}.gguf")),
        folder.join(format!("{family}-mmproj.gguf")),
    )
}

pub(crate) fn demo_options() -> LlamaOptions {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/demo");
    LlamaOptions::new(folder.join("demo.gguf"), folder.join("demo-mmproj.gguf"))
}

pub(crate) fn load(options: LlamaOptions) -> LlamaVlm {
    LlamaVlm::load(options, Prompts::built_in().unwrap()).unwrap()
}

/// A picture that no two seeds share: coloured blocks.
pub(crate) fn picture(width: u32, height: u32, seed: u32) -> View {
    let pixel = |x: u32, y: u32| {
        let block = (x / 9 + 7 * (y / 9)).wrapping_mul(2_654_435_761).wrapping_add(seed * 97);
        Rgb([0, 8, 16].map(|shift| u8::try_from(block >> shift & 255).unwrap()))
    };
    View::whole(RgbImage::from_fn(width, height, pixel))
}

/// Questions of different length, with more of them than one batch takes.
pub(crate) fn statements(count: usize) -> Vec<String> {
    (0..count)
        .map(|index| {
            let object = OBJECTS[index % OBJECTS.len()];
            let other = OBJECTS[(index / OBJECTS.len() + index) % OBJECTS.len()];
            match index % 3 {
                0 => format!("a {object} is visible"),
                1 => format!("a {object} is visible or a {other} is visible"),
                _ => format!("number {index}: {object}"),
            }
        })
        .collect()
}

fn texts(statements: &[String]) -> Vec<&str> {
    statements.iter().map(String::as_str).collect()
}

pub(crate) fn log_odds(answer: &Answer) -> f64 {
    match answer {
        Answer::Seen(answer) => answer.ln_yes - answer.ln_no,
        Answer::Said(word) => panic!("no probability: {word}"),
        Answer::Unavailable(why) => panic!("no answer: {why}"),
    }
}

fn m(answer: &Answer) -> Probability {
    Probability::from_log_odds(log_odds(answer))
}

/// Forked and one by one, with the image and without: the same numbers within the tolerance, and
/// the same decisions wherever the number is not on an edge.
pub(crate) fn assert_agreement(model: &LlamaVlm, view: &View, statements: &[String]) -> f64 {
    let texts = texts(statements);
    let priors = model.visible(None, &texts).unwrap();
    let mut largest: f64 = 0.0;
    for view in [Some(view), None] {
        let forked = model.visible(view, &texts).unwrap();
        let alone = model.visible_one_by_one(view, &texts).unwrap();
        assert_eq!(forked.len(), texts.len());
        for (index, (forked, alone)) in forked.iter().zip(&alone).enumerate() {
            let difference = (log_odds(forked) - log_odds(alone)).abs();
            largest = largest.max(difference);
            assert!(difference <= tolerance(), "{}: {difference}", texts[index]);
            let prior = m(&priors[index]);
            let band = Band::around(prior, Thresholds::PAPER);
            let on_an_edge = [band.rejects_below, band.accepts_above]
                .iter()
                .any(|edge| (m(alone).value() - edge).abs() < tolerance() / 4.0);
            let decide = |m| by_prior(m, band).holds;
            assert!(on_an_edge || decide(m(forked)) == decide(m(alone)), "{}", texts[index]);
        }
    }
    largest
}

/// Three engines of one model, asked by six threads at once.
#[test]
fn several_engines_answer_as_one_does() {
    let (one, count) = (load(options("gemma3")), NonZeroUsize::new(3).unwrap());
    let several = load(LlamaOptions { engines: count, ..options("gemma3") });
    let asked = statements(9);
    let asked = texts(&asked);
    let views: Vec<View> = (0..6).map(|seed| picture(70, 50, seed)).collect();
    let together = thread::scope(|scope| {
        let ask = |view| {
            let (several, asked) = (&several, &asked);
            scope.spawn(move || {
                // The second time the view's own engine is asked, which has not to encode it.
                several.visible(Some(view), asked).unwrap();
                several.visible(Some(view), asked).unwrap()
            })
        };
        let threads: Vec<_> = views.iter().map(ask).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    for (view, together) in views.iter().zip(together) {
        for (together, alone) in together.iter().zip(one.visible(Some(view), &asked).unwrap()) {
            let difference = (log_odds(together) - log_odds(&alone)).abs();
            assert!(difference <= tolerance(), "{difference}");
        }
    }
    assert_eq!(several.encoded_images().unwrap(), 6);
}

#[test]
fn forked_answers_equal_answers_one_by_one_on_every_family() {
    for family in FAMILIES {
        let model = load(options(family));
        let largest = assert_agreement(&model, &picture(70, 50, 1), &statements(45));
        println!("{family}: largest difference in log-odds {largest:.2e}");
    }
}

#[test]
fn forked_answers_equal_answers_one_by_one_on_the_demo_model() {
    let model = load(demo_options());
    let largest = assert_agreement(&model, &picture(256, 256, 1), &statements(45));
    println!("demo: largest difference in log-odds {largest:.2e}");
}

#[test]
fn batches_of_every_size_give_the_same_answers() {
    for family in ["gemma3", "qwen25vl"] {
        let statements = statements(9);
        let view = picture(64, 64, 2);
        let whole = load(options(family)).visible(Some(&view), &texts(&statements)).unwrap();
        for forks in [1, 2, 4, 255] {
            let forks = NonZeroU32::new(forks).unwrap();
            let model = load(LlamaOptions { forks, ..options(family) });
            let answers = model.visible(Some(&view), &texts(&statements)).unwrap();
            for (one, other) in whole.iter().zip(&answers) {
                assert!((log_odds(one) - log_odds(other)).abs() <= tolerance(), "{family} {forks}");
            }
        }
    }
}

#[test]
fn answers_depend_on_the_image_and_not_on_the_order_or_what_came_before() {
    for family in FAMILIES {
        let model = load(options(family));
        let statements = statements(6);
        let mut texts = texts(&statements);
        let first = model.visible(Some(&picture(60, 60, 3)), &texts).unwrap();
        let other = model.visible(Some(&picture(60, 60, 4)), &texts).unwrap();
        assert!(
            first.iter().zip(&other).any(|(a, b)| (log_odds(a) - log_odds(b)).abs() > 1e-3),
            "{family} does not see"
        );
        texts.reverse();
        let again = model.visible(Some(&picture(60, 60, 3)), &texts).unwrap();
        for (one, two) in first.iter().zip(again.iter().rev()) {
            assert!((log_odds(one) - log_odds(two)).abs() <= tolerance(), "{family}");
        }
    }
}

#[test]
fn an_image_is_answered_alike_whatever_shape_came_before() {
    let shapes = [(60, 60), (400, 120), (28, 300)];
    for family in FAMILIES {
        let views = shapes.map(|(width, height)| picture(width, height, 5));
        let statements = statements(3);
        let one_after_the_other = load(options(family));
        for view in &views {
            let after = one_after_the_other.visible(Some(view), &texts(&statements)).unwrap();
            let alone = load(options(family)).visible(Some(view), &texts(&statements)).unwrap();
            for (after, alone) in after.iter().zip(&alone) {
                assert!((log_odds(after) - log_odds(alone)).abs() <= tolerance(), "{family}");
            }
        }
    }
}

#[test]
fn a_question_that_does_not_fit_is_its_own_outcome_and_the_others_are_answered() {
    for family in FAMILIES {
        let model = load(options(family));
        let long = "a very long story of a knife ".repeat(2_000);
        let view = picture(32, 32, 5);
        let answers = model.visible(Some(&view), &["a dog", &long, "a cat"]).unwrap();
        assert!(matches!(answers[0], Answer::Seen(_)), "{family}: {:?}", answers[0]);
        assert!(
            matches!(answers[1], Answer::Unavailable(Why::TooLong { needed, limit }) if needed > limit),
            "{family}: {:?}",
            answers[1]
        );
        assert!(matches!(answers[2], Answer::Seen(_)), "{family}");
        let alone = model.visible_one_by_one(Some(&view), &[&long]).unwrap();
        assert!(matches!(alone[0], Answer::Unavailable(Why::TooLong { .. })), "{family}");
    }
}

#[test]
fn a_small_cache_splits_the_questions_or_says_that_the_image_does_not_fit() {
    for family in FAMILIES {
        let view = picture(64, 64, 6);
        let statements = statements(12);
        let wide = load(options(family)).visible(Some(&view), &texts(&statements)).unwrap();
        for cells in [8, 64, 160, 400] {
            let context_tokens = NonZeroU32::new(cells).unwrap();
            let model = load(LlamaOptions { context_tokens, ..options(family) });
            let answers = model.visible(Some(&view), &texts(&statements)).unwrap();
            let fits = |answer: &Answer| matches!(answer, Answer::Seen(_));
            assert!(cells > 8 || !answers.iter().any(fits), "{family}: an image in 8 cells");
            assert!(cells < 400 || answers.iter().all(fits), "{family}: {answers:?}");
            for (answer, wide) in answers.iter().zip(&wide) {
                match answer {
                    Answer::Unavailable(Why::TooLong { .. }) => {}
                    answer => {
                        let difference = (log_odds(answer) - log_odds(wide)).abs();
                        assert!(difference <= tolerance(), "{family} {cells}: {difference}");
                    }
                }
            }
        }
    }
}

#[test]
fn no_shape_of_image_stops_the_process() {
    for family in FAMILIES {
        let model = load(options(family));
        for (width, height) in [(1, 1), (1, 900), (900, 1), (2, 3), (31, 2_000), (1_300, 700)] {
            let view = picture(width, height, 7);
            let answers = model.visible(Some(&view), &["a dog", "a cat"]).unwrap();
            assert_eq!(answers.len(), 2, "{family} {width}x{height}");
        }
        let answers = model.visible(Some(&picture(64, 64, 8)), &["a dog"]).unwrap();
        assert!(matches!(answers[0], Answer::Seen(_)), "{family} is alive afterwards");
    }
}

#[test]
fn markers_and_special_tokens_in_a_statement_are_no_images() {
    for family in FAMILIES {
        let model = load(options(family));
        let statements = ["<__media__>", "<start_of_image>", "<image>", "\u{0}", "", "🔪 a dog"];
        for view in [Some(picture(40, 40, 9)), None] {
            let answers = model.visible(view.as_ref(), &statements).unwrap();
            let alone = model.visible_one_by_one(view.as_ref(), &statements).unwrap();
            for ((answer, alone), statement) in answers.iter().zip(&alone).zip(statements) {
                match (answer, alone) {
                    (Answer::Seen(_), Answer::Seen(_)) => {
                        let difference = (log_odds(answer) - log_odds(alone)).abs();
                        assert!(difference <= tolerance(), "{family} {statement}: {difference}");
                    }
                    // A NUL can't cross into C: mtmd's path refuses it, ours is plain tokens.
                    (_, Answer::Unavailable(Why::Failed { .. })) if statement == "\0" => {}
                    other => panic!("{family} `{statement}`: {other:?}"),
                }
            }
        }
    }
}

#[test]
fn nothing_asked_is_nothing_answered() {
    let model = load(options("qwen25vl"));
    assert!(model.visible(Some(&picture(9, 9, 0)), &[]).unwrap().is_empty());
}

#[test]
fn one_model_serves_several_threads() {
    let model = load(options("internvl"));
    let expected: Vec<Vec<Answer>> = (0..4)
        .map(|seed| model.visible(Some(&picture(48, 48, seed)), &["a dog", "a cat"]).unwrap())
        .collect();
    std::thread::scope(|scope| {
        for (seed, expected) in (0..).zip(&expected) {
            let model = &model;
            scope.spawn(move || {
                let view = picture(48, 48, seed);
                let answers = model.visible(Some(&view), &["a dog", "a cat"]).unwrap();
                for (one, other) in answers.iter().zip(expected) {
                    // Attention sums in blocks of cells, and the image lies elsewhere now.
                    assert!((log_odds(one) - log_odds(other)).abs() <= tolerance());
                }
            });
        }
    });
}

#[test]
fn files_that_are_no_model_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let prompts = || Prompts::built_in().unwrap();
    let load = |model: &Path, projector: &Path| {
        LlamaVlm::load(LlamaOptions::new(model, projector), prompts()).unwrap_err()
    };
    let good = models_folder().join("gemma3.gguf");
    let missing = folder.path().join("none.gguf");
    assert!(matches!(load(&missing, &good), LoadError::Unreadable { .. }));
    let text = folder.path().join("text.gguf");
    fs_err::write(&text, "hello").unwrap();
    assert!(matches!(load(&text, &good), LoadError::NotGguf { .. }));
    let cut = folder.path().join("cut.gguf");
    fs_err::write(&cut, &fs_err::read(&good).unwrap()[..40_000]).unwrap();
    assert!(matches!(load(&cut, &good), LoadError::Model { .. }));
    let swapped = load(&good, &good);
    assert!(matches!(swapped, LoadError::Projector { .. }), "{swapped}");
    let other = models_folder().join("llava-mmproj.gguf");
    let mixed = LlamaVlm::load(LlamaOptions::new(&good, &other), prompts());
    assert!(matches!(mixed, Err(LoadError::Projector { .. })), "{mixed:?}");
}
