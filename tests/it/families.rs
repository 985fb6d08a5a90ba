//! What only some families do: images that do not fit, tiles, and Pixtral's unwritten memory.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::thread;

use praetor::cache::{Cache, DEFAULT_LIMIT_BYTES};
use praetor::imaging::View;
use praetor::verdict::Why;
use praetor::vlm::chat::{Form, Generate, Reply, Turn};
use praetor::vlm::llama::{LlamaOptions, LlamaVlm};
use praetor::vlm::{Answer, Chat, Vlm};

use crate::engine::{
    FAMILIES, assert_agreement, load, log_odds, options, picture, statements, tolerance,
};

/// Its answers are numbers or `failed`, depending on what was in the memory before; see below.
const PIXTRAL: &str = "pixtral";

/// Pixtral is not let onto a GPU.
fn options_of(family: &str) -> LlamaOptions {
    let gpu_layers = (family == PIXTRAL).then_some(0);
    LlamaOptions { gpu_layers, ..options(family) }
}

fn load_with_room_for(family: &str, tokens: u32) -> LlamaVlm {
    let context_tokens = NonZeroU32::new(tokens).unwrap();
    load(LlamaOptions { context_tokens, ..options_of(family) })
}

/// Tokens that a question about the view takes, as a model without room for it says.
fn needed(model: &LlamaVlm, view: Option<&View>) -> u32 {
    match model.visible_one_by_one(view, &["a dog"]).unwrap().remove(0) {
        Answer::Unavailable(Why::TooLong { needed, .. }) => needed,
        other => panic!("{other:?}"),
    }
}

/// Numbers; on Pixtral's images also that there are none.
fn is_answered(family: &str, answer: &Answer) -> bool {
    matches!(answer, Answer::Seen(_)) || (family == PIXTRAL && is_no_number(answer))
}

fn is_no_number(answer: &Answer) -> bool {
    let Answer::Unavailable(Why::Failed { detail }) = answer else { return false };
    detail.contains("not numbers")
}

#[test]
fn context_overflow_is_too_long_to_the_token_in_every_family() {
    let view = picture(200, 120, 3);
    let story = "a very long story of a knife ".repeat(2_000);
    for family in FAMILIES.into_iter().chain([PIXTRAL]) {
        let narrow = load_with_room_for(family, 8);
        for view in [Some(&view), None] {
            let whole = needed(&narrow, view);
            // The image alone, and the words alone, are more than 8 tokens.
            for answer in narrow.visible(view, &["a dog", "a cat"]).unwrap() {
                assert!(
                    matches!(answer, Answer::Unavailable(Why::TooLong { needed, limit: 8 })
                        if (9..=whole).contains(&needed)),
                    "{family}: {answer:?}"
                );
            }
            let short = load_with_room_for(family, whole - 1);
            let answers = short.visible_one_by_one(view, &["a dog"]).unwrap();
            let expected = Answer::Unavailable(Why::TooLong { needed: whole, limit: whole - 1 });
            assert_eq!(answers, [expected], "{family}");
            let exact = load_with_room_for(family, whole);
            for answer in [
                exact.visible_one_by_one(view, &["a dog"]).unwrap().remove(0),
                exact.visible(view, &["a dog"]).unwrap().remove(0),
            ] {
                assert!(is_answered(family, &answer), "{family} {whole}: {answer:?}");
            }
            let said = [vec![Turn::User("tell me".to_owned())], vec![Turn::User(story.clone())]];
            let generate = Generate { most_tokens: 1, form: Form::Free };
            let replies = narrow.chat(view, &said, &generate).unwrap();
            assert!(
                matches!(replies[1], Reply::Unavailable(Why::TooLong { limit: 8, .. })),
                "{family}: {replies:?}"
            );
        }
        // More than the model was trained on is not to be had, whatever is asked for.
        let wide = load_with_room_for(family, 1_000_000);
        let answers = wide.visible(Some(&view), &["a dog", &story]).unwrap();
        let trained = if family == "llava" { 512 } else { 2_048 };
        assert!(is_answered(family, &answers[0]), "{family}: {:?}", answers[0]);
        assert!(
            matches!(answers[1], Answer::Unavailable(Why::TooLong { limit, .. }) if limit == trained),
            "{family}: {:?}",
            answers[1]
        );
    }
}

/// That a pair stands for many tiles is only so if an image takes many.
#[test]
fn a_larger_image_takes_more_tiles_where_the_family_cuts_it() {
    let cost = |family, width, height| {
        needed(&load_with_room_for(family, 8), Some(&picture(width, height, 1)))
    };
    // 16 tokens a tile, and an overview wherever there is more than one; nothing around them.
    for family in ["llavanext", "internvl"] {
        let one = cost(family, 64, 64);
        assert_eq!(cost(family, 128, 64) - one, 32, "{family}");
        assert_eq!(cost(family, 128, 128) - one, 64, "{family}");
    }
    // Each tile with its row and column before it.
    assert!(cost("smolvlm", 256, 256) > cost("smolvlm", 256, 64) + 64);
    // No tiles, but as many tokens as there are pixels.
    for (family, side) in [("qwen25vl", 28), ("qwen3vl", 32)] {
        let square = cost(family, 4 * side, 4 * side);
        assert_eq!(cost(family, 8 * side, 4 * side) - square, 16, "{family}");
    }
    for family in ["gemma3", "llava"] {
        assert_eq!(cost(family, 64, 64), cost(family, 900, 500), "{family}");
    }
}

/// The last row of patches ends without a break, so that an image of one row reads no memory that
/// was not written, and is held to what every family is held to.
/// Tiles, M-RoPE, deepstack, images that see all of themselves: what comes off the disk is what the
/// encoder gave, to the last bit of every answer.
#[test]
fn an_image_that_was_kept_is_not_encoded_again_and_answers_are_the_same() {
    let asked = statements(5);
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    for family in FAMILIES {
        let folder = tempfile::tempdir().unwrap();
        let open = || Arc::new(Cache::open(folder.path(), DEFAULT_LIMIT_BYTES).unwrap());
        let view = picture(200, 120, 3);
        let plain = load(options_of(family)).visible(Some(&view), &asked).unwrap();
        let first = load(options_of(family)).keeping_images(open());
        assert_eq!(first.visible(Some(&view), &asked).unwrap(), plain, "{family}");
        assert_eq!(first.encoded_images().unwrap(), 1, "{family}");
        drop(first);
        let again = load(options_of(family)).keeping_images(open());
        assert_eq!(again.visible(Some(&view), &asked).unwrap(), plain, "{family}");
        assert_eq!(again.encoded_images().unwrap(), 0, "{family}");
        let other = picture(200, 120, 4);
        assert_ne!(again.visible(Some(&other), &asked).unwrap(), plain, "{family}");
        assert_eq!(again.encoded_images().unwrap(), 1, "{family}: another image is encoded");
    }
}

#[test]
fn pixtral_forked_equals_one_by_one_on_an_image_of_one_row() {
    let largest =
        assert_agreement(&load(options_of(PIXTRAL)), &picture(900, 28, 1), &statements(45));
    println!("{PIXTRAL}: largest difference in log-odds {largest:.2e}");
}

/// Fills the heap that the next thread will be given with a byte and frees it again, but for a
/// piece at its end which keeps the rest from going back to the system.
fn leave_behind(byte: u8) -> Vec<u8> {
    let fill = move || {
        let blocks: Vec<Vec<u8>> = (0..24).map(|_| vec![byte; 3 << 20]).collect();
        let last = vec![byte; 64];
        drop(blocks);
        last
    };
    thread::spawn(fill).join().unwrap()
}

/// llama.cpp multiplies memory that it never wrote by zero to make a row's break. With numbers in
/// it that is right, and with NaN (0xFF) it is NaN: an answer is right or `failed`, never wrong.
#[test]
fn pixtral_is_right_or_failed_and_never_wrong_whatever_was_in_memory() {
    const ASKED: [&str; 3] = ["a dog", "a cat", "a knife is visible"];
    let views = [picture(70, 50, 1), picture(200, 200, 2), picture(400, 120, 3)];
    let mut right: [Option<Vec<f64>>; 3] = [const { None }; 3];
    let mut failed = 0;
    for byte in [0x42, 0xFF, 0x7F, 0x00, 0xFF, 0xC1] {
        let kept = leave_behind(byte);
        let model = load(options_of(PIXTRAL));
        drop(kept);
        let priors = model.visible(None, &ASKED).unwrap();
        for (view, right) in views.iter().zip(&mut right) {
            let answers = model.visible(Some(view), &ASKED).unwrap();
            if answers.iter().all(is_no_number) {
                failed += 1;
            } else {
                let found: Vec<f64> = answers.iter().map(log_odds).collect();
                let right = right.get_or_insert_with(|| found.clone());
                for (found, right) in found.iter().zip(right) {
                    assert!((found - *right).abs() <= tolerance(), "{byte:#x}: {found} {right}");
                }
                assert_agreement(&model, view, &statements(5));
            }
            // Nothing of a failed image is left for who is asked next.
            assert_eq!(model.visible(None, &ASKED).unwrap(), priors, "{byte:#x}");
        }
    }
    println!("{PIXTRAL}: {failed} of 18 images failed");
    assert!(
        right.iter().all(Option::is_some),
        "no load gave numbers, so that nothing was compared"
    );
}
