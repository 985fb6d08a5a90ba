//! The central promise: what could not be answered is never counted as clear, and never safe.

use praetor::constitution::Policy;
use praetor::ids::Hash;
use praetor::imaging::View;
use praetor::judge::decision::{LEAST_MASS, PAPER};
use praetor::pipeline::{Pipeline, Switches};
use praetor::verdict::{Conclusion, Holds, Outcome, RuleVerdict, Why, conclude};
use praetor::vlm::YesNo;
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

fn judge(model: &ScriptedVlm, undecided: &str, switches: Switches) -> RuleVerdict {
    let pipeline = Pipeline::new(policy(undecided), model, switches).unwrap();
    let view = View::whole(image::RgbImage::new(4, 4));
    pipeline.judge_view(&view).unwrap().remove(0)
}

fn reasons() -> [Why; 5] {
    [
        Why::Refused,
        Why::Filtered,
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
            for prior in [true, false] {
                let rule = judge(&model, undecided, Switches { prior });
                assert_eq!(rule.outcome, Outcome::Undetermined, "{why:?} {undecided} {prior}");
                assert_eq!(rule.why.as_ref(), Some(&why));
                assert_eq!(conclude(&[rule]), Conclusion::Undetermined);
            }
        }
    }
}

#[test]
fn a_prior_without_an_answer_leaves_its_rule_open() {
    for why in reasons() {
        let model = ScriptedVlm::new(0.5).saying(CHILD, 0.99).saying(KNIFE, 0.99);
        let model = model.failing_prior(KNIFE, why.clone());
        let rule = judge(&model, "lean", Switches::default());
        assert_eq!((rule.outcome, rule.why), (Outcome::Undetermined, Some(why)));
        // The plain cut needs no prior.
        assert_eq!(judge(&model, "lean", Switches { prior: false }).outcome, Outcome::Violated);
    }
}

#[test]
fn an_unanswered_precondition_is_cleared_by_one_that_does_not_hold_and_by_nothing_else() {
    let model = ScriptedVlm::new(0.5).saying(CHILD, 0.01).failing(KNIFE, Why::Refused);
    assert_eq!(judge(&model, "undetermined", Switches::default()).outcome, Outcome::Clear);
}

#[test]
fn a_refusal_in_words_is_not_a_no() {
    // "I'm sorry" takes the first token; of the rest No has twenty times what Yes has.
    let refusal = YesNo { ln_yes: 0.001f64.ln(), ln_no: 0.02f64.ln() };
    assert!(refusal.mass().value() < LEAST_MASS && refusal.m().value() < 0.05);
    let model = ScriptedVlm::new(0.5).saying(CHILD, 0.99).mumbling(KNIFE, refusal);
    for prior in [true, false] {
        let rule = judge(&model, "lean", Switches { prior });
        assert_eq!(rule.outcome, Outcome::Undetermined);
        assert!(matches!(rule.why, Some(Why::Unparsable { .. })), "{:?}", rule.why);
        assert_eq!(rule.findings[1].holds, Holds::Unknown);
    }
}

#[test]
fn between_the_thresholds_the_setting_decides() {
    let model = ScriptedVlm::new(0.5).saying(CHILD, 0.99).saying(KNIFE, 0.7);
    let open = judge(&model, "undetermined", Switches::default());
    assert_eq!((open.outcome, open.why), (Outcome::Undetermined, Some(Why::Undecided)));
    assert_eq!(judge(&model, "lean", Switches::default()).outcome, Outcome::Violated);
}
