//! Verdicts in plain words, for pages and terminals alike.
//!
//! Texts that came from outside are given back as they are; whoever shows them makes them safe.

use crate::constitution::{Policy, PolicyRule};
use crate::ids::{RuleId, ViewKind};
use crate::units::{self, Probability};
use crate::verdict::{
    Conclusion, Finding, Holds, Method, ObjectBox, Outcome, RuleVerdict, Stage, Step, Verdict,
};

/// What the questions of a verdict were about, since Yes means another thing for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Whether content is visible.
    Visible,
    /// Whether a rule is broken.
    Broken,
    /// Whether the image is unsafe.
    Unsafe,
}

impl Asked {
    /// What the questions of this verdict were about.
    pub fn of(verdict: &Verdict) -> Self {
        match verdict.method {
            Method::WholeConstitution | Method::WholeConstitutionCot => Self::Broken,
            Method::Clue if verdict.without.contains(&Stage::Preconditions) => Self::Broken,
            Method::Clue | Method::PriorKnowledge | Method::PriorKnowledgeCot => Self::Visible,
            Method::UnsafeBench | Method::PerspectiveVision | Method::Classifier => Self::Unsafe,
        }
    }

    /// The answer in a word or two.
    pub fn answer(self, holds: Holds) -> &'static str {
        match (self, holds) {
            (Self::Visible, Holds::Yes) => "visible",
            (Self::Visible, Holds::No) => "not visible",
            (Self::Broken, Holds::Yes) => "broken",
            (Self::Broken, Holds::No) => "not broken",
            (Self::Unsafe, Holds::Yes) => "unsafe",
            (Self::Unsafe, Holds::No) => "safe",
            (_, Holds::Unknown) => "not settled",
        }
    }
}

/// The rule of the policy that an entry of the verdict is about. A baseline's entry is about none,
/// whatever rules are called; PerspectiveVision's is about one where the answer names it.
pub fn rule_of<'policy>(
    verdict: &Verdict,
    policy: &'policy Policy,
    id: &RuleId,
) -> Option<&'policy PolicyRule> {
    policy.rules.iter().find(|rule| verdict.is_of_rule(id) && rule.id == *id)
}

/// What decided a precondition: `visible: M 0.930 is above 0.901`.
///
/// `drop` is the rule's β, where the rule is known.
pub fn decision(finding: &Finding, asked: Asked, drop: Option<f64>) -> String {
    let answer = asked.answer(finding.holds);
    if finding.holds == Holds::Unknown {
        let why = finding.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        return format!("{answer}{why}");
    }
    let said = if finding.holds == Holds::Yes { "Yes" } else { "No" };
    let because = |compared: Option<String>| match compared {
        Some(compared) => format!("{answer}: {compared}"),
        None => answer.to_owned(),
    };
    match finding.by {
        Some(Step::Region) => match fall(finding) {
            Some(fall) => format!("{answer}: {fall}{}", beyond(drop)),
            None => format!("{answer}: M falls once the central objects are painted over"),
        },
        Some(Step::Reasoning) => format!("{answer}, by reasoning: {said}"),
        Some(Step::Score) => because(against_threshold(finding)),
        Some(Step::Stated) => format!("{answer}, as the model's answer says"),
        Some(Step::Lean) => format!("{answer}: between the thresholds, {}", leaning(finding)),
        Some(Step::Word) => format!("{answer}: the model says {said}, without a probability"),
        Some(Step::PlainCut) => match (finding.m, finding.holds) {
            (Some(m), Holds::Yes) => format!("{answer}: M {m} is at least 0.5"),
            (Some(m), _) => format!("{answer}: M {m} is below 0.5"),
            (None, _) => answer.to_owned(),
        },
        Some(Step::Prior) | None => because(against_band(finding)),
    }
}

fn against_band(finding: &Finding) -> Option<String> {
    let m = finding.m?.value();
    let (word, threshold) = match finding.holds {
        Holds::Yes => ("above", finding.accepts_above?),
        Holds::No => ("below", finding.rejects_below?),
        Holds::Unknown => return None,
    };
    let (m, threshold) = apart(m, threshold);
    Some(format!("M {m} is {word} {threshold}"))
}

/// A classifier's score beside its threshold, which it reaches or not.
fn against_threshold(finding: &Finding) -> Option<String> {
    let word = if finding.holds == Holds::Yes { "at least" } else { "below" };
    let (score, threshold) = apart(finding.score?.value(), finding.accepts_above?);
    Some(format!("score {score} is {word} {threshold}"))
}

fn leaning(finding: &Finding) -> String {
    let side = if finding.holds == Holds::Yes { "not below" } else { "below" };
    let (Some(m), Some(prior)) = (finding.m, finding.prior) else {
        return "and the constitution says to lean".to_owned();
    };
    let (m, prior) = apart(m.value(), prior.value());
    format!("and M {m} leans that way, since it is {side} the prior {prior}")
}

/// Two numbers with as many digits as it takes to tell them apart.
fn apart(one: f64, other: f64) -> (String, String) {
    let [short, long] =
        [3, 6].map(|digits| (format!("{one:.digits$}"), format!("{other:.digits$}")));
    if short.0 == short.1 && one.to_bits() != other.to_bits() { long } else { short }
}

/// M of the whole picture: what strategy 2 compares with.
fn m_whole(finding: &Finding) -> Option<Probability> {
    match finding.view {
        ViewKind::Whole => finding.m,
        _ => finding.region.as_ref()?.m_whole,
    }
}

fn fall(finding: &Finding) -> Option<String> {
    let found = finding.region.as_ref()?;
    let (whole, without) = (m_whole(finding)?, found.m_without?);
    let objects = objects(&found.boxes);
    Some(format!("M falls from {whole} to {without} once {objects} is painted over"))
}

fn beyond(drop: Option<f64>) -> String {
    drop.map(|drop| format!(" (by more than {drop})")).unwrap_or_default()
}

/// The objects of boxes, each named once: `the child and the knife`.
pub fn objects(boxes: &[ObjectBox]) -> String {
    let mut names: Vec<String> = Vec::new();
    for found in boxes {
        let name = format!("the {}", found.object);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    match names.split_last() {
        None => "the central object".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
    }
}

/// Where the question was asked, when it was not of the whole picture:
/// `asked of a crop around the knife, which covers 0.6 % of the image`.
pub fn crop(finding: &Finding) -> Option<String> {
    let ViewKind::Crop { region } = &finding.view else { return None };
    let best = finding.region.as_ref().and_then(|found| found.boxes.first());
    Some(match best {
        Some(best) => format!(
            "asked of a crop around the {}, which covers {} of the image",
            best.object,
            percent(best.region.area())
        ),
        None => format!("asked of a crop that covers {} of the image", percent(region.area())),
    })
}

/// What painting over the central objects showed, when that did not decide:
/// `painting over the knife decides nothing: M goes from 0.710 to 0.550`.
pub fn removal(finding: &Finding, drop: Option<f64>) -> Option<String> {
    let found = finding.region.as_ref()?;
    let without = found.m_without?;
    if finding.by == Some(Step::Region) {
        return None;
    }
    let objects = objects(&found.boxes);
    let change = match m_whole(finding) {
        Some(whole) => format!("M goes from {whole} to {without}"),
        None => format!("M is {without} then"),
    };
    let needed = drop.map(|drop| format!(" (it must fall by more than {drop})"));
    let needed = needed.unwrap_or_default();
    Some(format!("painting over {objects} decides nothing: {change}{needed}"))
}

/// A share as people read it: `0.6 %`, `42 %`.
pub fn percent(share: f64) -> String {
    units::percent(share, usize::from(share * 100.0 < 10.0))
}

/// For a clear rule, the precondition that cleared it most clearly.
pub fn cleared_by(rule: &RuleVerdict) -> Option<&Finding> {
    let rank = |finding: &&Finding| finding.score.map_or(1.0, Probability::value);
    let failed = rule.findings.iter().filter(|finding| finding.holds == Holds::No);
    failed.min_by(|one, other| rank(one).total_cmp(&rank(other)))
}

/// A conclusion in a word.
pub fn conclusion(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Safe => "safe",
        Conclusion::Undetermined => "undetermined",
        Conclusion::Unsafe => "unsafe",
        Conclusion::Failed => "failed",
    }
}

/// A rule's outcome in a word.
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Violated => "violated",
        Outcome::Undetermined => "undetermined",
        Outcome::Clear => "clear",
        Outcome::Irrelevant => "irrelevant",
    }
}

/// What a method does, in a line.
pub fn method(method: Method) -> &'static str {
    match method {
        Method::Clue => "CLUE: rule by rule, precondition by precondition",
        Method::PriorKnowledge => "baseline: one question, by the model's own taste",
        Method::PriorKnowledgeCot => {
            "baseline: one question, by the model's own taste, after thinking"
        }
        Method::WholeConstitution => "baseline: one question with all rules",
        Method::WholeConstitutionCot => "baseline: one question with all rules, after thinking",
        Method::UnsafeBench => {
            "UnsafeBench: three prompts answered in words, two equal answers decide"
        }
        Method::PerspectiveVision => {
            "PerspectiveVision: one question, answered by status and category"
        }
        Method::Classifier => "a conventional classifier, by the categories it was trained on",
    }
}

/// A stage in a word or two, and what leaving it out means.
pub fn left_out(stage: Stage) -> &'static str {
    match stage {
        Stage::Relevance => "relevance (every rule was judged)",
        Stage::Preconditions => "preconditions (each rule was asked as a whole)",
        Stage::Prior => "prior (M was cut at 0.5)",
        Stage::Region => "region (no object was looked for)",
        Stage::Reasoning => "reasoning (the model did not think step by step)",
    }
}

/// The verdict in a sentence.
pub fn sentence(verdict: &Verdict) -> String {
    let count = |wanted| verdict.rules.iter().filter(|rule| rule.outcome == wanted).count();
    let open = count(Outcome::Undetermined);
    let cut = verdict.frames.is_some_and(|frames| frames.cut);
    let baseline = verdict.method != Method::Clue;
    match verdict.verdict {
        Conclusion::Failed => "The image could not be judged.".to_owned(),
        _ if baseline => {
            "The image was judged as a whole, without looking at each rule.".to_owned()
        }
        Conclusion::Unsafe => match (verdict.rules.len(), count(Outcome::Violated)) {
            (1, _) => "The one rule is violated.".to_owned(),
            (all, 1) => format!("1 of {all} rules is violated."),
            (all, some) => format!("{some} of {all} rules are violated."),
        },
        Conclusion::Undetermined if open == 0 && cut => {
            "No rule is violated on the frames that were judged, but some frames were not."
                .to_owned()
        }
        Conclusion::Undetermined => {
            let could = if open == 1 { "1 rule" } else { &format!("{open} rules") };
            format!("No rule is known to be violated, but {could} could not be settled.")
        }
        Conclusion::Safe if count(Outcome::Irrelevant) == verdict.rules.len() => {
            "No rule has to do with this image.".to_owned()
        }
        Conclusion::Safe => "No rule is violated.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Region;
    use crate::verdict::{Reasoning, RegionFinding, Why};

    fn finding(holds: Holds, by: Option<Step>, m: f64) -> Finding {
        Finding {
            m: Probability::new(m),
            prior: Probability::new(0.505),
            rejects_below: Some(0.3535),
            accepts_above: Some(0.901),
            holds,
            by,
            ..Finding::open("a knife is visible", ViewKind::Whole)
        }
    }

    fn knife(area: f64) -> ObjectBox {
        let region = Region::new(0.5, 0.5, 0.5 + area.sqrt(), 0.5 + area.sqrt()).unwrap();
        ObjectBox { object: "knife".to_owned(), region, score: Probability::saturating(0.62) }
    }

    fn with_region(finding: Finding, without: f64) -> Finding {
        let m_without = Probability::new(without);
        let region = RegionFinding { boxes: vec![knife(0.006)], m_whole: None, m_without };
        Finding { region: Some(region), ..finding }
    }

    fn said(finding: &Finding) -> String {
        decision(finding, Asked::Visible, Some(0.6))
    }

    #[test]
    fn every_step_says_what_it_compared() {
        use Holds::{No, Unknown, Yes};
        let prior = Some(Step::Prior);
        assert_eq!(said(&finding(Yes, prior, 0.93)), "visible: M 0.930 is above 0.901");
        assert_eq!(said(&finding(No, prior, 0.1)), "not visible: M 0.100 is below 0.353");
        let region = with_region(finding(Yes, Some(Step::Region), 0.71), 0.04);
        assert_eq!(
            said(&region),
            "visible: M falls from 0.710 to 0.040 once the knife is painted over (by more than 0.6)"
        );
        let thought = finding(No, Some(Step::Reasoning), 0.6);
        assert_eq!(said(&thought), "not visible, by reasoning: No");
        let lean = said(&finding(Yes, Some(Step::Lean), 0.6));
        assert!(lean.ends_with("M 0.600 leans that way, since it is not below the prior 0.505"));
        let cut = finding(No, Some(Step::PlainCut), 0.4);
        assert_eq!(said(&cut), "not visible: M 0.400 is below 0.5");
        let open = Finding { why: Some(Why::BudgetSpent), ..finding(Unknown, None, 0.6) };
        assert_eq!(said(&open), "not settled: the budget for reasoning was spent");
        assert_eq!(
            decision(&finding(Yes, prior, 0.93), Asked::Broken, None),
            "broken: M 0.930 is above 0.901"
        );
    }

    #[test]
    fn numbers_that_round_alike_are_told_apart() {
        let edge = finding(Holds::Yes, Some(Step::Prior), 0.901_2);
        assert_eq!(said(&edge), "visible: M 0.901200 is above 0.901000");
    }

    #[test]
    fn what_decided_nothing_is_said_too() {
        let open = with_region(finding(Holds::Unknown, None, 0.71), 0.55);
        assert_eq!(
            removal(&open, Some(0.6)).unwrap(),
            "painting over the knife decides nothing: M goes from 0.710 to 0.550 \
             (it must fall by more than 0.6)"
        );
        let decided = Finding { by: Some(Step::Region), ..open };
        assert_eq!(removal(&decided, Some(0.6)), None);
        let reasoning =
            Reasoning { thoughts: String::new(), rating: Holds::Yes, rationale: String::new() };
        let thought = Finding { reasoning: Some(reasoning), ..finding(Holds::Yes, None, 0.5) };
        assert_eq!(removal(&thought, None), None);
    }

    #[test]
    fn crops_name_their_object_and_its_size() {
        let region = Region::new(0.4, 0.4, 0.7, 0.7).unwrap();
        let open = with_region(finding(Holds::Yes, Some(Step::Prior), 0.95), 0.5);
        assert_eq!(crop(&open), None);
        let cropped = Finding { view: ViewKind::Crop { region }, ..open };
        assert_eq!(
            crop(&cropped).unwrap(),
            "asked of a crop around the knife, which covers 0.6 % of the image"
        );
        let nameless = Finding { region: None, ..cropped };
        assert_eq!(crop(&nameless).unwrap(), "asked of a crop that covers 9.0 % of the image");
    }

    #[test]
    fn objects_are_named_once() {
        let of = |names: &[&str]| {
            let boxes =
                names.iter().map(|name| ObjectBox { object: (*name).to_owned(), ..knife(0.1) });
            objects(&boxes.collect::<Vec<_>>())
        };
        assert_eq!(of(&["knife", "knife"]), "the knife");
        assert_eq!(of(&["child", "knife", "gun"]), "the child, the knife and the gun");
        assert_eq!(of(&[]), "the central object");
    }
}
