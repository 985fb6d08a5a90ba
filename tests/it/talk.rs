//! Conversations: held to a form, in parallel as alone, and ended by the engine when the model
//! does not.

use praetor::imaging::View;
use praetor::verdict::Why;
use praetor::vlm::chat::{Form, Generate, Reply, Turn};
use praetor::vlm::llama::{LlamaChat, LlamaOptions, LlamaVlm, LoadError};
use praetor::vlm::{Answer, Chat, Vlm};
use serde_json::Value;

use crate::engine::{FAMILIES, load, log_odds, options, picture};

fn user(text: &str) -> Vec<Turn> {
    vec![Turn::User(text.to_owned())]
}

fn rating() -> Generate {
    let schema = serde_json::json!({
        "type": "object",
        "properties": { "rating": { "enum": ["Yes", "No"] } },
        "required": ["rating"],
        "additionalProperties": false,
    });
    Generate { most_tokens: 64, form: Form::Json(schema) }
}

fn free(most_tokens: u32) -> Generate {
    Generate { most_tokens, form: Form::Free }
}

#[test]
fn random_models_keep_to_the_form_or_are_stopped() {
    for family in FAMILIES {
        let model = load(options(family));
        let replies = model
            .chat(Some(&picture(64, 64, 1)), &[user("rate it"), user("rate it again")], &rating())
            .unwrap();
        assert_eq!(replies.len(), 2);
        for reply in replies {
            match reply {
                Reply::Said(text) => {
                    let json: Value = serde_json::from_str(&text).unwrap();
                    assert!(["Yes", "No"].contains(&json["rating"].as_str().unwrap()), "{text}");
                }
                Reply::Unavailable(Why::Overlong { .. } | Why::Looping) => {}
                Reply::Unavailable(why) => panic!("{family}: {why}"),
            }
        }
    }
}

#[test]
fn a_reply_that_does_not_end_is_no_reply() {
    for family in FAMILIES {
        let model = load(options(family));
        for reply in model.chat(Some(&picture(64, 64, 1)), &[user("tell me")], &free(2)).unwrap() {
            match reply {
                Reply::Unavailable(Why::Overlong { limit: 2 }) => {}
                // A random model may end at once.
                Reply::Said(text) => assert!(text.len() < 40, "{family}: {text}"),
                Reply::Unavailable(why) => panic!("{family}: {why}"),
            }
        }
        let many =
            model.chat(Some(&picture(64, 64, 1)), &[user("tell me")], &free(1_000_000)).unwrap();
        assert!(
            matches!(many[0], Reply::Unavailable(Why::TooLong { .. })),
            "{family}: {:?}",
            many[0]
        );
    }
}

/// Asking, talking and asking again of many views, more than the cache keeps: what an image is
/// asked never depends on what was in the cache before.
#[test]
fn images_kept_in_the_cache_answer_as_images_encoded_anew() {
    const STATEMENTS: [&str; 3] = ["a dog", "a cat", "a knife is visible or a gun is visible"];
    for family in ["gemma3", "qwen25vl"] {
        let views: Vec<View> = (0..12).map(|seed| picture(64, 64, seed)).collect();
        let model = load(options(family));
        let expected: Vec<Vec<Answer>> = views
            .iter()
            .map(|view| model.visible_one_by_one(Some(view), &STATEMENTS).unwrap())
            .collect();
        let order = [0, 1, 0, 2, 3, 0, 4, 5, 6, 7, 8, 9, 10, 11, 0, 1, 11, 11];
        for index in order {
            let view = &views[index];
            let answers = model.visible(Some(view), &STATEMENTS).unwrap();
            for (one, other) in answers.iter().zip(&expected[index]) {
                let difference = (log_odds(one) - log_odds(other)).abs();
                assert!(difference < 0.02, "{family} {index}: {difference}");
            }
            let _ = model.chat(Some(view), &[user("why?"), user("what?")], &free(4)).unwrap();
        }
    }
}

#[test]
fn conversations_in_parallel_are_those_alone() {
    let model: LlamaVlm = load(options("gemma3"));
    let view = picture(64, 64, 3);
    let conversations: Vec<Vec<Turn>> =
        ["a dog?", "tell me of the picture at length", "b"].map(user).into();
    let together = model.chat(Some(&view), &conversations, &free(12)).unwrap();
    for (conversation, reply) in conversations.iter().zip(together) {
        let alone = model.chat(Some(&view), std::slice::from_ref(conversation), &free(12)).unwrap();
        assert_eq!(alone, [reply]);
    }
}

/// A language model alone talks; asked about a picture it says that it can't see.
#[test]
fn a_model_without_a_projector_talks_and_does_not_see() {
    let text_only = LlamaOptions::text_only(options("smolvlm").model);
    let model = LlamaChat::load(text_only.clone()).unwrap();
    let conversations = [user("rate it"), user("rate something else")];
    let together = model.chat(None, &conversations, &rating()).unwrap();
    for (conversation, reply) in conversations.iter().zip(&together) {
        let Reply::Said(text) = reply else { panic!("{reply:?}") };
        assert!(serde_json::from_str::<Value>(text).unwrap()["rating"].is_string(), "{text}");
        let alone = model.chat(None, std::slice::from_ref(conversation), &rating()).unwrap();
        assert_eq!(alone[0], *reply);
    }
    let blind = model.chat(Some(&picture(64, 64, 1)), &conversations, &rating()).unwrap();
    for reply in blind {
        let Reply::Unavailable(Why::Failed { detail }) = &reply else { panic!("{reply:?}") };
        assert!(detail.contains("can't see"), "{detail}");
    }
    let error = LlamaVlm::load(text_only, praetor::prompts::Prompts::built_in().unwrap());
    assert!(matches!(error, Err(LoadError::NoProjector { .. })), "{error:?}");
}
