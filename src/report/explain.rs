//! The page of `praetor explain --html`: why one image got its verdict.

use serde::Serialize;

use super::picture::{Inline, Marked, marked};
use super::rules::{Context, Irrelevant, Judged, picture_of};
use super::scale::Axis;
use super::{ReportError, render, words};
use crate::constitution::Policy;
use crate::imaging::{Picture, shown};
use crate::units::duration;
use crate::verdict::{Conclusion, Outcome, RuleVerdict, Verdict};

/// The longer side of the picture on the page, in pixels.
const LONGEST: u32 = 1_024;

/// Makes the page that explains a verdict: one HTML file that needs nothing but itself.
///
/// `policy` is the one that judged and `pictures` are the file's frames as they were judged, in
/// their order; without any, as for an image that could not be read, the page shows none. Of an
/// animation it shows the frame that decided the gravest rule.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use praetor::constitution::Policy;
/// use praetor::ids::Hash;
/// use praetor::pipeline::{Judging, Pipeline};
/// use praetor::report::explain_page;
/// use praetor::verdict::ImageError;
/// use praetor::vlm::scripted::ScriptedVlm;
///
/// let policy = Policy::parse(
///     "{name: pets, rules: [{id: dogs, text: No dogs.}]}",
///     &format!(
///         "{{version: 1, constitution: pets, rules: [{{id: dogs, source: {}, objectiveness: 10,
///            objective_text: A dog must not be visible., reviewed: true,
///            preconditions: [{{statement: a dog is visible, objects: [dog]}}]}}]}}",
///         Hash::of(b"No dogs.")
///     ),
/// )?;
/// let model = ScriptedVlm::new(0.5);
/// let pipeline = Pipeline::new(policy.clone(), &model, &[])?;
/// let error = ImageError { code: "corrupt".to_owned(), message: "cut <short>".to_owned() };
/// let verdict = pipeline.judge_image("a.png".to_owned(), Err(error))?;
/// let page = explain_page(&verdict, &policy, &[])?;
/// assert!(page.contains("cut &lt;short&gt;"));
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ReportError`] when the picture can't be compressed.
pub fn explain_page(
    verdict: &Verdict,
    policy: &Policy,
    pictures: &[Picture],
) -> Result<String, ReportError> {
    let axis = Axis::of(&verdict.rules);
    let context = Context { verdict, policy: Some(policy), pictures, axis };
    let page = Page {
        name: shown(&verdict.image).to_string(),
        conclusion: words::conclusion(verdict.verdict),
        sentence: words::sentence(verdict),
        violated: verdict.violated.iter().map(ToString::to_string).collect(),
        score: verdict.score.map(|score| score.to_string()),
        error: verdict
            .error
            .as_ref()
            .map(|error| format!("{}: {}", shown(&error.code), shown(&error.message))),
        counts: counts(verdict),
        facts: facts(verdict, policy),
        figure: figure(verdict, pictures)?,
        rules: context.judged()?,
        irrelevant: context.irrelevant(),
        version: env!("CARGO_PKG_VERSION"),
    };
    render("explain.html", &page)
}

/// Everything that the template shows.
#[derive(Debug, Serialize)]
struct Page {
    name: String,
    conclusion: &'static str,
    sentence: String,
    violated: Vec<String>,
    score: Option<String>,
    error: Option<String>,
    counts: Vec<Count>,
    facts: Vec<Fact>,
    figure: Option<Figure>,
    rules: Vec<Judged>,
    irrelevant: Vec<Irrelevant>,
    version: &'static str,
}

/// How many rules ended in one way.
#[derive(Debug, Serialize)]
struct Count {
    outcome: &'static str,
    count: usize,
}

/// A line on how the verdict was made.
#[derive(Debug, Serialize)]
struct Fact {
    name: &'static str,
    value: String,
    /// Whether the value is a name or a hash rather than words.
    code: bool,
}

/// The picture with its boxes.
#[derive(Debug, Serialize)]
struct Figure {
    picture: Inline,
    boxes: Vec<Marked>,
    /// The frame that is shown, of an animation.
    frame: Option<u32>,
}

fn counts(verdict: &Verdict) -> Vec<Count> {
    let outcomes = [Outcome::Violated, Outcome::Undetermined, Outcome::Clear, Outcome::Irrelevant];
    let of = |outcome| {
        let count = verdict.rules.iter().filter(|rule| rule.outcome == outcome).count();
        Count { outcome: words::outcome(outcome), count }
    };
    outcomes.into_iter().map(of).filter(|count| count.count > 0).collect()
}

fn facts(verdict: &Verdict, policy: &Policy) -> Vec<Fact> {
    let words = |name, value| Fact { name, value, code: false };
    let code = |name, value| Fact { name, value, code: true };
    let mut facts = vec![code("Image", shown(&verdict.image).to_string())];
    facts.extend(verdict.hash.map(|hash| code("Image hash", hash.to_string())));
    if let Some(frames) = verdict.frames {
        let cut = if frames.cut { "; more were left out by the limit" } else { "" };
        facts.push(words("Frames judged", format!("{}{cut}", frames.judged)));
    }
    facts.push(words("Constitution", shown(&policy.name).to_string()));
    facts.push(code("Policy hash", verdict.policy.to_string()));
    facts.push(words("Model", shown(&verdict.model.name).to_string()));
    facts.push(code("Model fingerprint", verdict.model.fingerprint.to_string()));
    facts.push(words("Method", words::method(verdict.method).to_owned()));
    if !verdict.without.is_empty() {
        let stages: Vec<&str> = verdict.without.iter().map(|one| words::left_out(*one)).collect();
        facts.push(words("Stages left out", stages.join("; ")));
    }
    facts.push(words("Time taken", duration(verdict.took_ms)));
    facts
}

fn figure(verdict: &Verdict, pictures: &[Picture]) -> Result<Option<Figure>, ReportError> {
    let frame = deciding_frame(verdict);
    let Some(picture) = picture_of(pictures, frame).or_else(|| pictures.first()) else {
        return Ok(None);
    };
    // A box of another frame has no place here.
    let here = |rule: &&RuleVerdict| rule.frame.is_none_or(|frame| frame == picture.frame);
    let boxes = marked(verdict.rules.iter().filter(here));
    let several = verdict.frames.is_some();
    Ok(Some(Figure {
        picture: Inline::new(&picture.pixels, LONGEST)?,
        boxes,
        frame: several.then_some(picture.frame),
    }))
}

/// The frame that decided the first violated rule, or else the first that could not be settled.
pub(super) fn deciding_frame(verdict: &Verdict) -> Option<u32> {
    let first = |outcome| verdict.rules.iter().find(|rule| rule.outcome == outcome);
    let wanted = match verdict.verdict {
        Conclusion::Failed | Conclusion::Safe => None,
        Conclusion::Unsafe | Conclusion::Undetermined => {
            first(Outcome::Violated).or_else(|| first(Outcome::Undetermined))
        }
    };
    wanted.and_then(|rule| rule.frame)
}
