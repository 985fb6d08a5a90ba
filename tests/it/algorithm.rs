//! Algorithm 1 as it is printed, line by line, against the pipeline that asks everything at once.
//!
//! The reference here knows nothing of batches, views or shared questions: it takes one rule and
//! one precondition after the other, asks what it needs, and leaves the loop as the paper does.

use std::collections::BTreeMap;
use std::fmt::Write;

use image::RgbImage;
use praetor::constitution::Policy;
use praetor::encoder::{EncoderError, Features, Found, Localizer, scripted::ScriptedEncoder};
use praetor::ids::{Hash, ModelId, ViewKind};
use praetor::imaging::{Fill, View};
use praetor::pipeline::{Judging, Pipeline};
use praetor::units::{Probability, Region};
use praetor::verdict::Outcome;
use praetor::vlm::chat::{Generate, Reply, Turn};
use praetor::vlm::{Answer, Chat, Vlm, VlmError, YesNo};
use proptest::prelude::*;

/// All that is true of one content in this little world.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    m: f64,
    prior: f64,
    m_without: f64,
    m_crop: f64,
    /// The localizer's score and whether the object is small; none when it finds nothing.
    found: Option<(f64, bool)>,
    rating: bool,
}

/// A model and a localizer that answer from a table of contents.
pub(crate) struct World {
    contents: Vec<Content>,
    model: ModelId,
}

impl World {
    pub(crate) fn new(contents: Vec<Content>) -> Self {
        let model = ModelId { name: "world".to_owned(), fingerprint: Hash::of(b"world") };
        Self { contents, model }
    }

    fn content(&self, words: &str) -> &Content {
        let number = words.rsplit(' ').next().unwrap();
        &self.contents[number.parse::<usize>().unwrap()]
    }
}

/// Where the object of a content is; no two contents' boxes are the same.
fn place(content: usize, small: bool) -> Region {
    let side = if small { 0.05 } else { 0.2 };
    let at = 0.01 * f64::from(u32::try_from(content).unwrap());
    Region::new(at, 0.5, at + side, 0.5 + side).unwrap()
}

impl Vlm for World {
    fn visible(&self, view: Option<&View>, statements: &[&str]) -> Result<Vec<Answer>, VlmError> {
        let answer = |statement: &&str| {
            let content = self.content(statement);
            let m = match view.map(View::kind) {
                None => content.prior,
                Some(ViewKind::Whole) => content.m,
                Some(ViewKind::Without { .. }) => content.m_without,
                Some(ViewKind::Crop { .. }) => content.m_crop,
                Some(other) => panic!("{other:?}"),
            };
            Answer::Seen(YesNo::certain(Probability::saturating(m)))
        };
        Ok(statements.iter().map(answer).collect())
    }

    fn answers(&self, _: Option<&View>, _: &[&str]) -> Result<Vec<Answer>, VlmError> {
        panic!("CLUE asks for content only")
    }
}

impl Chat for World {
    fn chat(
        &self,
        _: Option<&View>,
        talks: &[Vec<Turn>],
        _: &Generate,
    ) -> Result<Vec<Reply>, VlmError> {
        let reply = |turns: &Vec<Turn>| {
            let Turn::User(first) = &turns[0] else { panic!("praetor asks first") };
            let rating = if self.content(first).rating { "Yes" } else { "No" };
            Reply::Said(match turns.len() {
                1 => "thinking".to_owned(),
                _ => format!("{{\"rating\": \"{rating}\", \"rationale\": \"so\"}}"),
            })
        };
        Ok(talks.iter().map(reply).collect())
    }

    fn model(&self) -> &ModelId {
        &self.model
    }
}

impl Localizer for World {
    fn model(&self) -> &ModelId {
        &self.model
    }

    fn default_gate(&self) -> f64 {
        0.05
    }

    fn look(&self, _: &RgbImage) -> Result<Features, EncoderError> {
        Ok(Features::default())
    }

    fn find_in(
        &self,
        _: &RgbImage,
        _: &Features,
        objects: &[&str],
    ) -> Result<Vec<Vec<Found>>, EncoderError> {
        let find = |object: &&str| {
            let number: usize = object.rsplit(' ').next().unwrap().parse().unwrap();
            let found = self.contents[number].found.iter();
            let found = found.map(|&(score, small)| Found {
                region: place(number, small),
                score: Probability::saturating(score),
            });
            found.collect()
        };
        Ok(objects.iter().map(find).collect())
    }
}

/// A rule: its cosine, and the contents of its chain.
pub(crate) type Chain = (f64, Vec<usize>);

/// Algorithm 1, with the constants as the paper prints them.
fn algorithm_1(world: &World, rules: &[Chain]) -> Vec<Outcome> {
    let of_rule = |(cosine, chain): &Chain| {
        if *cosine <= 0.22 {
            return Outcome::Irrelevant; // lines 4-6
        }
        for &index in chain {
            let content = &world.contents[index];
            let found = content.found.filter(|(score, _)| *score > 0.05);
            let small = found.is_some_and(|(_, small)| small);
            let m = if small { content.m_crop } else { content.m };
            let difference = m - content.prior;
            if difference < -0.3 * content.prior {
                return Outcome::Clear; // lines 13-14: break
            }
            if difference > 0.8 * (1.0 - content.prior) {
                continue; // lines 15-17
            }
            if found.is_some() && content.m - content.m_without > 0.6 {
                continue; // lines 18-20
            }
            if !content.rating {
                return Outcome::Clear; // lines 21-23, and sat == C fails
            }
        }
        Outcome::Violated // lines 25-27
    };
    rules.iter().map(of_rule).collect()
}

pub(crate) fn policy(rules: &[Chain]) -> Policy {
    let mut yaml = "name: world\nrules:\n".to_owned();
    let mut lock = "version: 1\nconstitution: world\nrules:\n".to_owned();
    for (number, (_, chain)) in rules.iter().enumerate() {
        let text = format!("Rule {number}");
        let _ = writeln!(yaml, "- {{id: r{number}, text: {text}}}");
        let _ = write!(
            lock,
            "- id: r{number}\n  source: {}\n  objectiveness: 9\n  objective_text: {text}\n  \
             reviewed: true\n  preconditions:\n",
            Hash::of(text.as_bytes())
        );
        for content in chain {
            let _ =
                writeln!(lock, "  - {{statement: content {content}, objects: [object {content}]}}");
        }
    }
    Policy::parse(&yaml, &lock).unwrap()
}

fn by_the_pipeline(world: &World, rules: &[Chain]) -> Vec<Outcome> {
    let cosines: BTreeMap<String, f64> =
        (0..).zip(rules).map(|(number, rule)| (format!("Rule {number}"), rule.0)).collect();
    let encoder = cosines
        .iter()
        .fold(ScriptedEncoder::new(0.0), |encoder, (text, cosine)| encoder.saying(text, *cosine));
    let pipeline = Pipeline::new(policy(rules), world, &[])
        .unwrap()
        .with_relevance(&encoder, None)
        .unwrap()
        .with_regions(world, Fill::Grey);
    let view = View::whole(RgbImage::new(100, 100));
    pipeline.judge_view(&view).unwrap().iter().map(|rule| rule.outcome).collect()
}

prop_compose! {
    pub(crate) fn content()(
        m in 0.0..=1.0f64, prior in 0.0..=1.0f64, m_without in 0.0..=1.0f64,
        m_crop in 0.0..=1.0f64, found in prop::option::of((0.0..=0.2f64, any::<bool>())),
        rating in any::<bool>(),
    ) -> Content {
        Content { m, prior, m_without, m_crop, found, rating }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn the_pipeline_gives_the_verdicts_of_algorithm_1(
        contents in prop::collection::vec(content(), 6),
        rules in prop::collection::vec(
            ((0.0..=0.5f64).prop_filter("float cosines blur an edge", |c| (c - 0.22).abs() > 1e-3),
             prop::collection::vec(0usize..6, 1..4)), 1..5),
    ) {
        let world = World::new(contents);
        prop_assert_eq!(by_the_pipeline(&world, &rules), algorithm_1(&world, &rules));
    }
}

fn certain() -> Content {
    Content { m: 0.99, prior: 0.5, m_without: 0.99, m_crop: 0.99, found: None, rating: false }
}

#[test]
fn a_small_object_is_judged_by_its_crop_but_its_removal_by_the_whole() {
    // Of the crop the model is unsure; of the whole it is not, and the object's removal shows it.
    let small =
        Content { m: 0.95, m_crop: 0.6, m_without: 0.1, found: Some((0.9, true)), ..certain() };
    let rules = [(0.4, vec![0])];
    assert_eq!(by_the_pipeline(&World::new(vec![small.clone()]), &rules), [Outcome::Violated]);
    // Had the crop's 0.6 been compared, 0.6 - 0.1 would not be above 0.6.
    let faint = Content { m: 0.6, ..small };
    assert_eq!(by_the_pipeline(&World::new(vec![faint]), &rules), [Outcome::Clear]);
}

#[test]
fn a_box_at_the_score_gate_does_not_count() {
    let at_gate = Content { m: 0.8, m_without: 0.0, found: Some((0.05, false)), ..certain() };
    let above = Content { found: Some((0.0501, false)), ..at_gate.clone() };
    let rules = [(0.4, vec![0])];
    assert_eq!(by_the_pipeline(&World::new(vec![at_gate]), &rules), [Outcome::Clear]);
    assert_eq!(by_the_pipeline(&World::new(vec![above]), &rules), [Outcome::Violated]);
}
