//! Reports of runs made by hand: what they count and say, and that nothing in them can do harm.

use base64::Engine as _;
use sha2::{Digest as _, Sha256};

use super::{Found, RunReport};
use crate::constitution::Policy;
use crate::ids::Hash;
use crate::report::Inline;
use crate::report::tests::{HOSTILE, finding, irrelevant, policy, rule, verdict};
use crate::store::RunManifest;
use crate::units::Probability;
use crate::verdict::{Conclusion, Finding, Frames, Holds, ImageError, Reasoning, Verdict, Why};

fn manifest(verdict: &Verdict) -> RunManifest {
    RunManifest {
        praetor: "0.1.0".to_owned(),
        started: "2026-11-24T06:00:00Z".to_owned(),
        constitution: "school".to_owned(),
        policy: verdict.policy,
        model: verdict.model.clone(),
        settings: [("max_frames", "16"), ("constitution", "policies/school.yaml")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        machine: "linux x86_64".to_owned(),
    }
}

fn named(image: &str, verdict: Verdict) -> Verdict {
    Verdict { image: image.to_owned(), hash: Some(Hash::of(image.as_bytes())), ..verdict }
}

fn failed(image: &str) -> Verdict {
    let message = format!("`{image}`: the file is cut short");
    Verdict {
        verdict: Conclusion::Failed,
        hash: None,
        error: Some(ImageError { code: "corrupt".to_owned(), message }),
        ..named(image, verdict(Vec::new()))
    }
}

fn refused() -> Finding {
    let why = Some(Why::Refused);
    Finding { why, m: None, score: Probability::new(0.5), ..finding("a gun is visible", 0.6, 0.5) }
}

/// An unsafe image, an undetermined one, a safe one, and one that could not be read.
fn four() -> Vec<Verdict> {
    let dog = |m| rule("dogs", 0.3, vec![finding("a dog is visible", m, 0.5)]);
    vec![
        named("in/safe.png", verdict(vec![dog(0.1), irrelevant("guns", 0.1)])),
        named("in/dog.png", verdict(vec![dog(0.97), rule("guns", 0.3, vec![refused()])])),
        named("in/gun.png", verdict(vec![dog(0.2), rule("guns", 0.3, vec![refused()])])),
        failed("in/cut.png"),
    ]
}

fn report<'a>(
    verdicts: &[Verdict],
    manifest: &'a RunManifest,
    policy: Option<&'a Policy>,
    redact: bool,
) -> RunReport<'a> {
    let mut report = RunReport::new(manifest, policy, 1 << 20, redact);
    add_all(&mut report, verdicts);
    report.end(false);
    let wanted = report.traced(10);
    for verdict in verdicts {
        report.trace(verdict, &wanted).unwrap();
    }
    report
}

fn add_all(report: &mut RunReport<'_>, verdicts: &[Verdict]) {
    for verdict in verdicts {
        report.add(verdict);
    }
}

fn page_of(verdicts: &[Verdict], redact: bool) -> String {
    let manifest = manifest(&verdicts[0]);
    let policy = policy(&[("dogs", "No dogs."), ("guns", "No guns.")]);
    report(verdicts, &manifest, Some(&policy), redact).page().unwrap().0
}

/// The page without what stands in its scripts.
fn markup(page: &str) -> String {
    let parts = page.split("<script").enumerate().map(|(place, part)| match place {
        0 => part,
        _ => part.split_once("</script>").unwrap().1,
    });
    parts.collect()
}

/// A block of the page's data.
fn data(page: &str, id: &str) -> serde_json::Value {
    let (_, from) =
        page.split_once(&format!("<script type=\"application/json\" id=\"{id}\">")).unwrap();
    serde_json::from_str(from.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn the_finding_leads_and_nothing_open_is_called_safe() {
    let page = markup(&page_of(&four(), false));
    assert!(page.contains("<h1>1 of 4 images violates the constitution</h1>"));
    assert!(page.contains("1 more could not be settled and needs a person; 1 could not be read."));
    assert!(page.contains("24 November 2026, 06:00 UTC"));
    // Wilson's interval of 1 in 4, as statsmodels has it: 0.0456 to 0.6994.
    assert_eq!(page.matches("95 %: 4.6–69.9 %").count(), 4);
    assert!(page.contains("a dog is visible (M\u{a0}0.970)"));
    assert!(page.contains("the model refused to answer"));
    assert!(page.contains("No dogs.") && page.contains("No guns."));
    let severe = page.split_once("class=\"severe\"").unwrap().1.split_once("</ol>").unwrap().0;
    let order: Vec<usize> =
        ["dog.png", "gun.png", "cut.png"].map(|name| severe.find(name).unwrap()).into();
    assert!(order.is_sorted(), "the gravest first");
    assert!(!severe.contains("safe.png"));
}

#[test]
fn the_data_has_every_image_with_its_reasons_and_numbers() {
    let page = page_of(&four(), false);
    let rows = &data(&page, "data")["rows"];
    assert_eq!(rows.as_array().unwrap().len(), 4);
    assert_eq!(rows[1]["verdict"], "unsafe");
    assert_eq!((&rows[1]["violated"][0], &rows[1]["open"][0]), (&0.into(), &1.into()));
    assert_eq!(rows[3]["why"], "corrupt: `in/cut.png`: the file is cut short");
    let traces = data(&page, "traces");
    assert_eq!(traces.as_object().unwrap().len(), 3, "the one not read has none");
    let step = &traces["1"]["rules"][0]["steps"][0];
    assert_eq!(step["decision"], "visible: M 0.970 is above 0.900");
    assert_eq!(step["scale"]["prior"]["text"], "0.500");
    assert_eq!(traces["0"]["far"][0][0], "guns");
}

#[test]
fn an_image_twice_in_a_run_counts_once() {
    let mut verdicts = four();
    verdicts.push(verdicts[1].clone());
    let page = page_of(&verdicts, false);
    assert!(page.contains("1 of 4 images violates"));
    assert!(page.contains("1 line is about an image that stands in the run before"));
}

#[test]
fn frames_that_were_left_out_are_a_reason_of_their_own() {
    let mut verdicts = four();
    let cut = Some(Frames { judged: 16, cut: true });
    verdicts[0] = Verdict { frames: cut, verdict: Conclusion::Undetermined, ..verdicts[0].clone() };
    let page = page_of(&verdicts, false);
    assert!(markup(&page).contains("frames beyond the limit were not judged"));
    assert!(page.contains("Of 1 animation not every frame was judged"));
    assert_eq!(data(&page, "data")["rows"][0]["why"], "frames beyond the limit were not judged");
}

#[test]
fn hostile_text_stays_text() {
    let said = Reasoning {
        thoughts: HOSTILE.to_owned(),
        rating: Holds::Unknown,
        rationale: HOSTILE.to_owned(),
    };
    let open = Finding {
        why: Some(Why::Unparsable { detail: HOSTILE.to_owned() }),
        reasoning: Some(said),
        ..finding(HOSTILE, 0.6, 0.5)
    };
    let bad = ImageError { code: HOSTILE.to_owned(), message: HOSTILE.to_owned() };
    let verdicts = [
        named(HOSTILE, verdict(vec![rule("r", 0.3, vec![open])])),
        Verdict { error: Some(bad), ..failed("b.png") },
    ];
    let text = HOSTILE.replace(['\u{1b}', '\u{202e}'], "");
    let policy = policy(&[("r", &text)]);
    let mut manifest = manifest(&verdicts[0]);
    manifest.started = HOSTILE.to_owned();
    manifest.constitution = HOSTILE.to_owned();
    manifest.machine = HOSTILE.to_owned();
    manifest.settings.insert(HOSTILE.to_owned(), HOSTILE.to_owned());
    let (page, _) = report(&verdicts, &manifest, Some(&policy), false).page().unwrap();
    assert_eq!(page.matches("<script").count(), 4, "three of data and one that runs");
    assert_eq!(page.matches("</script").count(), 4);
    assert_eq!(page.matches("</style>").count(), 1);
    let markup = markup(&page);
    assert!(!markup.contains("alert('"), "a quote came through");
    assert!(markup.contains("&lt;script&gt;") && markup.contains("{{ 7 * 7 }}"));
    assert!(page.chars().all(|c| !c.is_control() || c == '\n'), "a control character came through");
    assert!(!page.contains('\u{202e}') && markup.contains("\\u{202e}"));
    for id in ["data", "pictures", "traces"] {
        assert!(data(&page, id).is_object(), "{id}");
    }
}

#[test]
fn the_policy_lets_exactly_this_script_and_this_style_through() {
    let page = page_of(&four(), false);
    let of = |start: &str, end: &str| {
        let text = page.rsplit_once(start).unwrap().1.split_once(end).unwrap().0;
        base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text.as_bytes()))
    };
    let policy = format!(
        "content=\"default-src 'none'; img-src data:; style-src 'sha256-{}'; script-src 'sha256-{}'; \
         base-uri 'none'; form-action 'none'\"",
        of("<style>", "</style>"),
        of("<script>", "</script>")
    );
    assert!(page.contains(&policy), "{policy}");
    let markup = markup(&page);
    for bad in
        ["http:", "https:", "//www", "url(", "@import", "<link", "<iframe", " style=", " onclick="]
    {
        assert!(!markup.contains(bad), "`{bad}`");
    }
}

#[test]
fn a_redacted_report_names_nobody_and_quotes_nothing() {
    let said = Reasoning {
        thoughts: "I see Anna.".to_owned(),
        rating: Holds::Unknown,
        rationale: "Anna again.".to_owned(),
    };
    let why = Some(Why::Unparsable { detail: "Anna!".to_owned() });
    let open = Finding { reasoning: Some(said), why, ..finding("a gun is visible", 0.6, 0.5) };
    let mut verdicts = four();
    verdicts.push(named("in/Anna.png", verdict(vec![rule("guns", 0.3, vec![open])])));
    let full = page_of(&verdicts, false);
    let redacted = page_of(&verdicts, true);
    for text in
        ["safe.png", "Anna", "cut short", "school.yaml", &Hash::of(b"in/dog.png").to_string()]
    {
        assert!(full.contains(text), "{text} is there unless redacted");
        assert!(!redacted.contains(text), "{text} came through");
    }
    let alias = super::rows::alias("in/dog.png");
    assert!(redacted.contains(&alias) && full.contains(&alias));
    assert!(redacted.contains("a dog is visible (M\u{a0}0.970)"));
    let manifest = manifest(&verdicts[0]);
    assert!(report(&verdicts, &manifest, None, true).wanted(10).is_empty());
}

#[test]
fn pictures_and_numbers_keep_to_their_budget_the_gravest_first() {
    let verdicts = four();
    let manifest = manifest(&verdicts[0]);
    let mut report = RunReport::new(&manifest, None, 8_000, false);
    add_all(&mut report, &verdicts);
    report.end(false);
    let wanted: Vec<usize> = report.wanted(10).into_iter().map(|one| one.row).collect();
    assert_eq!(wanted, [1, 2, 0], "the one that could not be read is not looked for");
    assert_eq!(report.wanted(1).len(), 1);
    let uri = format!("data:image/jpeg;base64,{}", "A".repeat(2_500));
    let picture = || Found::Picture(Inline { uri: uri.clone(), width: 9, height: 9 });
    assert!(report.picture(1, picture()));
    assert!(!report.picture(2, picture()), "the second is too much");
    assert!(report.picture(2, Found::Gone), "a word costs nothing");
    let traced = report.traced(10);
    for verdict in &verdicts {
        report.trace(verdict, &traced).unwrap();
    }
    report.budget = 2 * report.traces[&1].len() + 100;
    let (page, held) = report.page().unwrap();
    assert_eq!((held.pictures, held.gone, held.traces), (1, 1, 1));
    assert!(held.trace_bytes < 4_000 && data(&page, "traces")["1"].is_object());
    assert_eq!(data(&page, "pictures")["2"], "gone");
    assert!(page.contains("1 image is not where the run found it."));
}

#[test]
fn what_whoever_reads_must_know_stands_at_the_top() {
    let verdicts = four();
    let manifest = manifest(&verdicts[0]);
    let other = policy(&[("dogs", "No big dogs.")]);
    assert_ne!(other.hash, manifest.policy);
    let mut report = RunReport::new(&manifest, Some(&other), 1 << 20, false);
    let untraced = |verdict: &Verdict| {
        let mut verdict = verdict.clone();
        verdict.rules.iter_mut().for_each(|rule| rule.findings.clear());
        verdict
    };
    for verdict in &verdicts {
        report.add(&untraced(verdict));
    }
    let foreign = Hash::of(b"another");
    report.add(&Verdict { policy: foreign, ..named("x.png", verdicts[0].clone()) });
    report.end(true);
    let notes = report.notes().join("\n");
    for part in ["cut off", "another policy or model", "not the one that judged"] {
        assert!(notes.contains(part), "{part}: {notes}");
    }
    let page = report.page().unwrap().0;
    assert_eq!(page.matches("<p class=\"error\">").count(), notes.lines().count());
    assert!(page.contains("No big dogs."));
}
