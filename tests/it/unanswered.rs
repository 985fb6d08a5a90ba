//! The central promise: what could not be answered is never counted as clear, and never safe.

use std::path::Path;

use praetor::constitution::Policy;
use praetor::ids::Hash;
use praetor::imaging::View;
use praetor::judge::decision::LEAST_MASS;
use praetor::pipeline::baseline;
use praetor::pipeline::{Budget, Judging, Pipeline};
use praetor::verdict::{
    Conclusion, Holds, Method, Outcome, RuleVerdict, Stage, Step, Why, conclude,
};
use praetor::vlm::YesNo;
use praetor::vlm::chat::Reply;
use praetor::vlm::counted::{Asked, CountedVlm};
use praetor::vlm::scripted::ScriptedVlm;

const CHILD: &str = "a child is visible";
const KNIFE: &str = "a knife is visible";

fn policy(undecided: &str) -> Policy {
    let text = "A child must not be shown with a knife.";
    let yaml = format!(
        "name: test\nsettings: {{undecided: {undecided}}}\nrules: [{{id: weapons, text: {text}}}]"
    );
    let lock = format!(
        "version: 1\nconstitution: test\nrules:\n- id: weapons\n  source: {}\n  objectiveness: 9\n  \
         objective_text: {text}\n  reviewed: true\n  preconditions:\n  - statement: {CHILD}\n    \
         objects: [child]\n  - statement: {KNIFE}\n    objects: [knife]\n",
        Hash::of(text.as_bytes())
    );
    Policy::parse(&yaml, &lock).unwrap()
}

fn judge(model: &ScriptedVlm, undecided: &str, without: &[Stage]) -> RuleVerdict {
    let pipeline = Pipeline::new(policy(undecided), model, without).unwrap();
    let view = View::whole(image::RgbImage::new(4, 4));
    pipeline.judge_view(&view).unwrap().remove(0)
}

fn reasons() -> [Why; 6] {
    [
        Why::Refused,
        Why::Filtered,
        Why::NotRecorded,
        Why::Unparsable { detail: "hm".to_owned() },
        Why::TooLong { needed: 9_000, limit: 8_192 },
        Why::Failed { detail: "gone".to_owned() },
    ]
}

#[test]
fn a_question_without_an_answer_leaves_its_rule_open_whatever_the_settings() {
    for why in reasons() {
        let model = ScriptedVlm::new(0.5).saying(CHILD, 0.99).failing(KNIFE, why.clone());
        for undecided in ["undetermined", "lean"] {
            for without in [&[][..], &[Stage::Prior]] {
                let rule = judge(&model, undecided, without);
                assert_eq!(rule.outcome, Outcome::Undetermined, "{why:?} {undecided} {without:?}");
                assert_eq!(rule.why.as_ref(), Some(&why));
                assert_eq!(conclude(&[rule]), Conclusion::Undetermined);
            }
        }
    }
}

/// What a classifier judges by says of no rule what must be visible: a model can be asked nothing.
#[test]
fn a_policy_without_a_lock_leaves_every_rule_open_and_asks_nothing() {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("constitutions/demo.yaml");
    let policy = Policy::of_names(&demo).unwrap();
    let scripted = ScriptedVlm::new(0.99);
    let model = CountedVlm::new(&scripted);
    let pipeline = Pipeline::new(policy, &model, &[]).unwrap();
    let rules = pipeline.judge_view(&View::whole(image::RgbImage::new(4, 4))).unwrap();
    assert!(rules.len() > 1 && rules.iter().all(|rule| rule.outcome == Outcome::Undetermined));
    assert_eq!(conclude(&rules), Conclusion::Undetermined);
    assert_eq!(model.asked(), Asked::default());
}

#[test]
fn a_prior_without_an_answer_leaves_its_rule_open() {
    for why in reasons() {
        let model = ScriptedVlm::new(0.5).saying(CHILD, 0.99).saying(KNIFE, 0.99);
        let model = model.failing_prior(KNIFE, why.clone());
        let rule = judge(&model, "lean", &[]);
        assert_eq!((rule.outcome, rule.why), (Outcome::Undetermined, Some(why)));
        // The plain cut needs no prior.
        assert_eq!(judge(&model, "lean", &[Stage::Prior]).outcome, Outcome::Violated);
    }
}

#[test]
fn an_unanswered_precondition_is_cleared_by_one_that_does_not_hold_and_by_nothing_else() {
    let model = ScriptedVlm::new(0.5).saying(CHILD, 0.01).failing(KNIFE, Why::Refused);
    assert_eq!(judge(&model, "undetermined", &[]).outcome, Outcome::Clear);
}

#[test]
fn a_refusal_in_words_is_not_a_no() {
    // "I'm sorry" takes the first token; of the rest No has twenty times what Yes has.
    let refusal = YesNo { ln_yes: 0.001f64.ln(), ln_no: 0.02f64.ln() };
    assert!(refusal.mass().value() < LEAST_MASS && refusal.m().value() < 0.05);
    let model = ScriptedVlm::new(0.5).saying(CHILD, 0.99).mumbling(KNIFE, refusal);
    for without in [&[][..], &[Stage::Prior]] {
        let rule = judge(&model, "lean", without);
        assert_eq!(rule.outcome, Outcome::Undetermined);
        assert!(matches!(rule.why, Some(Why::Unparsable { .. })), "{:?}", rule.why);
        assert_eq!(rule.findings[1].holds, Holds::Unknown);
    }
}

#[test]
fn between_the_thresholds_reasoning_decides_and_without_it_the_setting() {
    let said = |text: &str| Reply::Said(text.to_owned());
    let model = ScriptedVlm::new(0.5).saying(CHILD, 0.99).saying(KNIFE, 0.7);
    let alone = [Stage::Reasoning];
    let open = judge(&model, "undetermined", &alone);
    assert_eq!((open.outcome, open.why), (Outcome::Undetermined, Some(Why::Undecided)));
    assert_eq!(judge(&model, "lean", &alone).outcome, Outcome::Violated);

    let no = said(r#"{"rating": "No", "rationale": "a spoon"}"#);
    let thinking = model.clone().replying(KNIFE, [said("I see a spoon."), no]);
    for undecided in ["undetermined", "lean"] {
        let rule = judge(&thinking, undecided, &[]);
        assert_eq!(rule.outcome, Outcome::Clear);
        assert_eq!(rule.findings[1].by, Some(Step::Reasoning));
        assert_eq!(rule.findings[1].reasoning.as_ref().unwrap().rationale, "a spoon");
    }
}

#[test]
fn reasoning_that_comes_to_nothing_leaves_the_rule_open() {
    let said = |text: &str| Reply::Said(text.to_owned());
    let model = || ScriptedVlm::new(0.5).saying(CHILD, 0.99).saying(KNIFE, 0.7);
    let empty = [said("")];
    let looping = [Reply::Unavailable(Why::Looping)];
    let overlong = [said("Well."), Reply::Unavailable(Why::Overlong { limit: 256 })];
    for (replies, why) in [
        (empty.to_vec(), Why::Empty),
        (looping.to_vec(), Why::Looping),
        (overlong.to_vec(), Why::Overlong { limit: 256 }),
    ] {
        let rule = judge(&model().replying(KNIFE, replies), "undetermined", &[]);
        assert_eq!((rule.outcome, rule.why), (Outcome::Undetermined, Some(why)));
    }
    let mumbling = model().replying(KNIFE, [said("Hm."), said("perhaps")]);
    let rule = judge(&mumbling, "undetermined", &[]);
    assert!(matches!(rule.why, Some(Why::Unparsable { .. })), "{:?}", rule.why);
    // Who asked to lean gets a lean, and not a rating that was never given.
    assert_eq!(judge(&mumbling, "lean", &[]).findings[1].by, Some(Step::Lean));
}

#[test]
fn what_a_budget_leaves_out_says_so() {
    let model = ScriptedVlm::new(0.5).saying(CHILD, 0.99).saying(KNIFE, 0.7);
    let budget = Budget { escalations: Some(0), whole_run: None };
    let pipeline = Pipeline::new(policy("undetermined"), &model, &[]).unwrap().with_budget(budget);
    let view = View::whole(image::RgbImage::new(4, 4));
    let rule = pipeline.judge_view(&view).unwrap().remove(0);
    assert_eq!((rule.outcome, rule.why), (Outcome::Undetermined, Some(Why::BudgetSpent)));
    assert_eq!((pipeline.spent().left_out, pipeline.spent().questions), (1, 0));
}

#[test]
fn a_word_without_a_probability_is_taken_as_it_is_and_marked() {
    let model = ScriptedVlm::new(0.5).merely_saying(CHILD, true).merely_saying(KNIFE, true);
    for undecided in ["undetermined", "lean"] {
        for without in [&[][..], &[Stage::Prior]] {
            let rule = judge(&model, undecided, without);
            assert_eq!((rule.outcome, rule.score), (Outcome::Violated, None));
            for finding in &rule.findings {
                assert!(finding.discrete && finding.by == Some(Step::Word), "{finding:?}");
                assert_eq!((finding.m, finding.prior), (None, None));
            }
        }
    }
    let no = judge(&model.merely_saying(KNIFE, false), "undetermined", &[]);
    assert_eq!(no.outcome, Outcome::Clear);
}

#[test]
fn a_rule_that_is_kept_here_is_not_put_to_a_model_elsewhere() {
    let mut policy = policy("lean");
    policy.rules[0].local_only = true;
    let view = View::whole(image::RgbImage::new(4, 4));
    let judged = |model: &ScriptedVlm| {
        let counted = praetor::vlm::counted::CountedVlm::new(model);
        let pipeline = Pipeline::new(policy.clone(), &counted, &[]).unwrap();
        let rule = pipeline.judge_view(&view).unwrap().remove(0);
        (rule.outcome, rule.why, counted.asked().questions)
    };
    let model = ScriptedVlm::new(0.5).saying(CHILD, 0.99).saying(KNIFE, 0.01);
    assert_eq!(judged(&model), (Outcome::Clear, None, 2));
    let far = model.far_away();
    assert_eq!(judged(&far), (Outcome::Undetermined, Some(Why::KeptLocal), 0));

    let says_no = ScriptedVlm::new(0.01).far_away();
    let methods = [Method::WholeConstitution, Method::UnsafeBench, Method::PerspectiveVision];
    for method in methods {
        let counted = praetor::vlm::counted::CountedVlm::new(&says_no);
        let whole = baseline::of_method(&policy, &counted, method).unwrap();
        let rule = whole.judge_view(&view).unwrap().remove(0);
        assert_eq!((rule.outcome, rule.why), (Outcome::Undetermined, Some(Why::KeptLocal)));
        assert_eq!((counted.asked().questions, counted.asked().conversations), (0, 0));
    }
}
