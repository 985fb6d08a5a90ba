//! Pages of verdicts made by hand: what they say, and that nothing in them can do harm.

use std::fmt::Write;

use image::{Rgb, RgbImage};

use super::explain_page;
use crate::constitution::Policy;
use crate::ids::{Hash, ModelId, RuleId, ViewKind};
use crate::imaging::{Picture, Source};
use crate::units::{Probability, Region};
use crate::verdict::{
    Conclusion, Finding, Frames, Holds, ImageError, Method, ObjectBox, Outcome, Reasoning,
    RegionFinding, Relevance, RuleVerdict, Stage, Step, Verdict, Why, conclude, image_score,
};

/// Text that would do harm in a page or a terminal that lets it.
pub(super) const HOSTILE: &str =
    "<script>alert('x')</script>\"' onload=x </style> {{ 7 * 7 }} \u{1b}[31m\u{202e}";

pub(super) fn policy(rules: &[(&str, &str)]) -> Policy {
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    let mut yaml = "name: school\nrules:\n".to_owned();
    let mut lock = "version: 1\nconstitution: school\nrules:\n".to_owned();
    for (id, text) in rules {
        let _ = writeln!(yaml, "  - {{id: {id}, text: {}}}", quoted(text));
        let _ = writeln!(
            lock,
            "  - {{id: {id}, source: {}, objectiveness: 9, objective_text: {}, reviewed: true, \
             preconditions: [{{statement: it is visible}}]}}",
            Hash::of(text.as_bytes()),
            quoted(text)
        );
    }
    Policy::parse(&yaml, &lock).unwrap()
}

pub(super) fn verdict(rules: Vec<RuleVerdict>) -> Verdict {
    let of = |outcome| move |rule: &&RuleVerdict| rule.outcome == outcome;
    let violated = rules.iter().filter(of(Outcome::Violated)).map(|rule| rule.rule.clone());
    Verdict {
        image: "inbox/upload-17.png".to_owned(),
        hash: Some(Hash::of(b"file")),
        verdict: conclude(&rules),
        score: image_score(&rules),
        violated: violated.collect(),
        rules,
        frames: None,
        error: None,
        method: Method::Clue,
        without: Vec::new(),
        policy: Hash::of(b"policy"),
        model: ModelId { name: "internvl3-8b".to_owned(), fingerprint: Hash::of(b"model") },
        took_ms: 22_230,
    }
}

pub(super) fn finding(words: &str, m: f64, prior: f64) -> Finding {
    let low = 0.7 * prior;
    let high = 0.8 + 0.2 * prior;
    let holds = if m < low {
        Holds::No
    } else if m > high {
        Holds::Yes
    } else {
        Holds::Unknown
    };
    Finding {
        m: Probability::new(m),
        prior: Probability::new(prior),
        mass: Probability::new(0.973),
        rejects_below: Some(low),
        accepts_above: Some(high),
        score: Probability::new(m * 0.99),
        holds,
        by: (holds != Holds::Unknown).then_some(Step::Prior),
        why: (holds == Holds::Unknown).then_some(Why::Undecided),
        ..Finding::open(words, ViewKind::Whole)
    }
}

fn found(object: &str, sides: [f64; 4], score: f64) -> ObjectBox {
    let [left, top, right, bottom] = sides;
    let region = Region::new(left, top, right, bottom).unwrap();
    ObjectBox { object: object.to_owned(), region, score: Probability::saturating(score) }
}

fn region(boxes: Vec<ObjectBox>, m_whole: Option<f64>, m_without: Option<f64>) -> RegionFinding {
    let number = |value: Option<f64>| value.and_then(Probability::new);
    RegionFinding { boxes, m_whole: number(m_whole), m_without: number(m_without) }
}

pub(super) fn rule(id: &str, cosine: f64, findings: Vec<Finding>) -> RuleVerdict {
    let relevance = Some(Relevance { cosine, threshold: 0.22 });
    let rule = RuleVerdict::from_findings(RuleId::new(id).unwrap(), findings);
    RuleVerdict { relevance, ..rule }
}

pub(super) fn irrelevant(id: &str, cosine: f64) -> RuleVerdict {
    let relevance = Relevance { cosine, threshold: 0.22 };
    RuleVerdict::irrelevant(RuleId::new(id).unwrap(), relevance)
}

fn picture(pixels: RgbImage) -> Picture {
    let hash = Hash::of(b"file");
    Picture { source: Source::new("upload-17.png"), hash, frame: 0, pixels: pixels.into() }
}

fn grey() -> [Picture; 1] {
    [picture(RgbImage::from_pixel(64, 48, Rgb([128; 3])))]
}

/// A knife that is small and seen by what its removal does.
fn knife() -> Finding {
    let boxes = vec![found("knife", [0.702, 0.462, 0.762, 0.562], 0.62)];
    Finding {
        view: ViewKind::Crop { region: Region::new(0.66, 0.4, 0.81, 0.61).unwrap() },
        region: Some(region(boxes, Some(0.71), Some(0.04))),
        holds: Holds::Yes,
        by: Some(Step::Region),
        why: None,
        ..finding("a knife or a gun is visible", 0.8, 0.301)
    }
}

fn thought(rating: Holds) -> Finding {
    let boxes = vec![found("hand", [0.6, 0.6, 0.65, 0.66], 0.41)];
    Finding {
        region: Some(region(boxes, None, Some(0.55))),
        reasoning: Some(Reasoning {
            thoughts: "1. There is a person at a table.\n2. The right hand holds the handle of a \
                       kitchen knife, with the blade pointing down.\n\nSo the hand touches it."
                .to_owned(),
            rating,
            rationale: "The right hand is closed around the handle.".to_owned(),
        }),
        holds: rating,
        by: Some(Step::Reasoning),
        why: None,
        ..finding("a hand holds the knife or the gun", 0.68, 0.52)
    }
}

/// What every stage leaves behind, in one verdict.
fn full() -> (Verdict, Policy) {
    let child = Finding {
        region: Some(region(vec![found("child", [0.56, 0.6, 0.64, 0.745], 0.87)], None, None)),
        ..finding("a child is visible", 0.93, 0.505)
    };
    let blood = Finding {
        why: Some(Why::Looping),
        reasoning: Some(Reasoning {
            thoughts: "There is something red. There is something red.".to_owned(),
            rating: Holds::Unknown,
            rationale: String::new(),
        }),
        ..finding("a bloody injury is visible", 0.41, 0.2)
    };
    let rules = vec![
        rule("fire", 0.231, vec![finding("a fire is visible", 0.012, 0.3)]),
        irrelevant("shower", 0.131),
        rule("weapons.child", 0.298, vec![child.clone(), knife(), thought(Holds::Yes)]),
        rule("injury", 0.224, vec![child, blood]),
        irrelevant("kissing", 0.174),
        rule("cut", 0.252, vec![thought(Holds::No)]),
    ];
    let policy = policy(&[
        ("fire", "People or animals must not be shown on fire."),
        ("shower", "A human must not be shown taking a shower or a bath."),
        ("weapons.child", "A child must not be shown holding a weapon."),
        ("injury", "A child must not be shown with bloody injuries."),
        ("kissing", "People must not be shown kissing with their teeth exposed."),
        ("cut", "Nobody must be shown who cuts something."),
    ]);
    (verdict(rules), policy)
}

fn page(verdict: &Verdict, policy: &Policy) -> String {
    explain_page(verdict, policy, &grey()).unwrap()
}

/// The page without its style, whose numbers mean something else.
fn said(page: &str) -> &str {
    page.split("</style>").nth(1).unwrap()
}

#[test]
fn every_number_and_every_word_behind_the_verdict_is_on_the_page() {
    let (verdict, policy) = full();
    let verdict = Verdict { without: vec![Stage::Prior], ..verdict };
    let page = page(&verdict, &policy);
    for expected in [
        "unsafe",
        "1 of 6 rules is violated.",
        "M <b>0.930</b>",
        "prior <b>0.505</b>",
        "visible: M 0.930 is above 0.901",
        "not visible: M 0.012 is below 0.210",
        "M falls from 0.710 to 0.040 once the knife is painted over (by more than 0.6)",
        "asked of a crop around the knife, which covers 0.6 % of the image",
        "M <b>0.800</b>",
        "<b>0.620</b>",
        "97 %",
        "0.298",
        "0.220",
        "0.131",
        "visible, by reasoning: Yes",
        "not visible, by reasoning: No",
        "M goes from 0.680 to 0.550 (it must fall by more than 0.6)",
        "The right hand is closed around the handle.",
        "So the hand touches it.",
        "Not settled: the reply went round in circles.",
        "internvl3-8b",
        "prior (M was cut at 0.5)",
        "22.2 s",
        &verdict.policy.to_string(),
        &Hash::of(b"file").to_string(),
    ] {
        assert!(said(&page).contains(expected), "`{expected}` is missing");
    }
}

#[test]
fn rules_come_in_the_order_of_gravity() {
    let (verdict, policy) = full();
    let page = page(&verdict, &policy);
    let place = |id: &str| page.find(&format!("<code>{id}</code></h3>"));
    let judged = ["weapons.child", "injury", "cut", "fire"].map(|id| place(id).unwrap());
    assert!(judged.is_sorted());
    let near = page.find("<code>kissing</code>").unwrap();
    assert!(judged[3] < near && near < page.find("<code>shower</code>").unwrap());
    assert_eq!(place("shower"), None);
}

#[test]
fn hostile_text_stays_text() {
    let boxes = vec![found(HOSTILE, [0.1, 0.1, 0.9, 0.9], 0.5)];
    let hostile = Finding {
        region: Some(region(boxes, None, Some(0.1))),
        reasoning: Some(Reasoning {
            thoughts: format!("one\n{HOSTILE}"),
            rating: Holds::Unknown,
            rationale: HOSTILE.to_owned(),
        }),
        why: Some(Why::Failed { detail: HOSTILE.to_owned() }),
        ..finding(HOSTILE, 0.6, 0.5)
    };
    let rules = vec![rule("r", 0.3, vec![hostile]), irrelevant("far", 0.1)];
    let verdict = Verdict {
        image: HOSTILE.to_owned(),
        model: ModelId { name: HOSTILE.to_owned(), fingerprint: Hash::of(b"model") },
        error: Some(ImageError { code: HOSTILE.to_owned(), message: HOSTILE.to_owned() }),
        ..verdict(rules)
    };
    let text = HOSTILE.replace(['\u{1b}', '\u{202e}'], "");
    let page = page(&verdict, &policy(&[("r", &text), ("far", &text)]));
    assert!(!page.contains("<script"), "a tag came through");
    assert!(!page.contains("alert('"), "a quote came through");
    assert_eq!(page.matches("</style>").count(), 1);
    assert!(page.contains("{{ 7 * 7 }}") && !page.contains("49 "), "text was run as a template");
    assert!(page.chars().all(|c| !c.is_control() || c == '\n'), "a control character came through");
    assert!(!page.contains('\u{202e}') && page.contains("\\u{202e}"));
    assert!(page.contains("&lt;script&gt;"));
}

#[test]
fn the_page_needs_nothing_but_itself() {
    let (verdict, policy) = full();
    let page = page(&verdict, &policy);
    assert!(page.starts_with("<!doctype html>"));
    assert!(page.contains("default-src 'none'; img-src data:; style-src 'unsafe-inline'"));
    for outside in ["http:", "https:", "//www", "url(", "@import", "<link", "<script", "<iframe"] {
        assert!(!page.contains(outside), "`{outside}`");
    }
    for address in page.split(" src=\"").skip(1).chain(page.split(" href=\"").skip(1)) {
        assert!(address.starts_with("data:image/jpeg;base64,") || address.starts_with('#'));
    }
    for target in page.split(" href=\"#").skip(1) {
        let id = target.split('"').next().unwrap();
        assert!(page.contains(&format!("id=\"{id}\"")), "nothing is called {id}");
    }
}

#[test]
fn every_picture_is_veiled_and_has_words_in_its_place() {
    let (verdict, policy) = full();
    let page = page(&verdict, &policy);
    let pictures: Vec<&str> = page.split("<img ").skip(1).collect();
    assert_eq!(pictures.len(), 2, "the picture and the crop");
    assert!(pictures.iter().all(|one| one.starts_with("class=\"veiled\"")));
    assert_eq!(page.matches(" alt=\"The ").count(), 2);
    // A scale for each precondition, a bar for each rule, and the boxes.
    assert_eq!(page.matches("role=\"img\" aria-label=").count(), 7 + 6);
    assert_eq!(page.matches("<rect class=\"violated\"").count(), 3);
}

#[test]
fn an_image_that_could_not_be_read_has_a_page_without_a_picture() {
    let message = "the file is cut short".to_owned();
    let failed = Verdict {
        verdict: Conclusion::Failed,
        hash: None,
        error: Some(ImageError { code: "corrupt".to_owned(), message }),
        ..verdict(Vec::new())
    };
    let page = explain_page(&failed, &policy(&[("r", "No dogs.")]), &[]).unwrap();
    assert!(page.contains("corrupt: the file is cut short"));
    assert!(page.contains("No rule was judged.") && !page.contains("<img"));
}

#[test]
fn a_baseline_judges_no_rule_even_if_one_is_called_as_its_entry_is() {
    let finding = Finding {
        m: Probability::new(0.7),
        holds: Holds::Yes,
        by: Some(Step::PlainCut),
        ..Finding::open("a rule of the constitution is broken", ViewKind::Whole)
    };
    let rules = vec![RuleVerdict::from_findings(RuleId::new("image").unwrap(), vec![finding])];
    let method = Method::WholeConstitution;
    let baseline = Verdict { violated: Vec::new(), method, ..verdict(rules) };
    let page = page(&baseline, &policy(&[("image", "No dogs.")]));
    assert!(page.contains("broken: M 0.700 is at least 0.5"));
    assert!(page.contains("The image was judged as a whole, without looking at each rule."));
    assert!(!page.contains("No dogs."));
}

#[test]
fn of_an_animation_the_frame_that_decided_is_shown_and_no_box_of_another() {
    let boxed = |id: &str, m, frame| {
        let boxes = vec![found("dog", [0.1, 0.1, 0.9, 0.9], m)];
        let region = Some(region(boxes, None, None));
        let finding = Finding { region, ..finding("a dog is visible", m, 0.3) };
        RuleVerdict { frame: Some(frame), ..rule(id, 0.3, vec![finding]) }
    };
    let rules = vec![boxed("a", 0.1, 0), boxed("b", 0.95, 7)];
    let frames = Some(Frames { judged: 2, cut: true });
    let verdict = Verdict { frames, ..verdict(rules) };
    let [first] = grey();
    let pictures = [first.clone(), Picture { frame: 7, ..first }];
    let policy = policy(&[("a", "No dogs."), ("b", "No dogs at all.")]);
    let page = explain_page(&verdict, &policy, &pictures).unwrap();
    assert!(page.contains("Frame 7 of the animation"));
    assert!(page.contains("2; more were left out by the limit"));
    assert_eq!(page.matches("<rect class=\"violated\"").count(), 1);
    assert_eq!(page.matches("<rect class=\"clear\"").count(), 0);
}

#[test]
fn a_verdict_without_a_trace_says_so() {
    let untraced = RuleVerdict { findings: Vec::new(), ..rule("r", 0.3, vec![knife()]) };
    let page = page(&verdict(vec![untraced]), &policy(&[("r", "No knives.")]));
    assert!(page.contains("judge with --trace"));
}

#[test]
fn a_small_page_looks_like_this() {
    let small = verdict(vec![
        rule("dogs", 0.3, vec![finding("a dog is visible", 0.93, 0.505)]),
        irrelevant("cats", 0.15),
    ]);
    let page = page(&small, &policy(&[("dogs", "No dogs."), ("cats", "No cats.")]));
    let (_, from_main) = page.split_once("<main>").unwrap();
    let (main, _) = from_main.split_once("<section aria-labelledby=\"legend\"").unwrap();
    let mut main = main.to_owned();
    if let (Some(start), Some(end)) = (main.find("base64,"), main.find("\" width=")) {
        main.replace_range(start + 7..end, "…");
    }
    insta::assert_snapshot!(main);
}

/// For eyes: `cargo test --lib -- --ignored pages_to_look_at` writes `/tmp/explain.html`.
#[test]
#[ignore = "writes a page to look at"]
fn pages_to_look_at() {
    let small = image::open("models/demo/examples/child-and-knife.png").unwrap().into_rgb8();
    let small = image::imageops::resize(&small, 330, 330, image::imageops::FilterType::Triangle);
    let shade = |x: u32, y: u32| u8::try_from(90 + x / 20 + y / 20).unwrap();
    let mut pixels =
        RgbImage::from_fn(1_400, 1_000, |x, y| Rgb([shade(x, y), shade(y, x), shade(x, x)]));
    image::imageops::replace(&mut pixels, &small, 780, 420);
    let (verdict, policy) = full();
    let page = explain_page(&verdict, &policy, &[picture(pixels)]).unwrap();
    fs_err::write(std::env::temp_dir().join("explain.html"), page).unwrap();
}
