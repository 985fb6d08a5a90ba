//! Auditing as a policy team meets it: a sheet is drawn, somebody fills it in, and it is read.

use praetor::verdict::Verdict;
use serde_json::Value;

use crate::cli::{Praetor, Run};
use crate::tune::{demo, judged};

/// What is unsafe among the examples, by their file names, and by which rules.
const UNSAFE: [(&str, &str); 8] = [
    ("beer-and-child.png", "alcohol.child tobacco"),
    ("child-and-gun.png", "weapons.child"),
    ("child-and-knife.png", "weapons.child"),
    ("child-and-wine.png", "alcohol.child"),
    ("dog-and-bomb.png", "weapons.bomb"),
    ("skull-and-blood.png", "death.skull"),
    ("smoker.png", "tobacco"),
    ("woman-by-the-fire.png", "fire.person"),
];

/// The folder of this checkout differs from machine to machine, and with it the temporary one.
fn stable(praetor: &Praetor, text: &str) -> String {
    text.replace(&demo("models/demo/examples"), "EXAMPLES")
        .replace(praetor.path("").to_str().unwrap(), "HERE/")
}

fn sampled(praetor: &Praetor, size: &str) -> Run {
    judged(praetor, &["--trace"]);
    let run = praetor.run(&["audit", "sample", "run", "--size", size, "--out", "sheet.csv"]);
    assert_eq!(run.code, 0, "{}", run.err);
    run
}

/// Fills the sheet in as somebody who sees well would, with a spreadsheet of bad habits.
fn filled(praetor: &Praetor) -> String {
    let sheet = fs_err::read_to_string(praetor.path("sheet.csv")).unwrap();
    let mut filled = "\u{feff}Image;Unsafe? (yes/no/unsure);Rules\r\n".to_owned();
    for line in sheet.lines().skip(1) {
        let image = line.split(',').next().unwrap();
        let found = UNSAFE.iter().find(|(name, _)| image.ends_with(&format!("/{name}")));
        let cells = found.map_or_else(|| "NO;".to_owned(), |(_, rules)| format!("Yes ;{rules}"));
        filled = format!("{filled}{image};{cells}\r\n");
    }
    filled
}

#[test]
fn a_sheet_is_blind_and_the_same_for_the_same_seed() {
    let praetor = Praetor::new();
    let run = sampled(&praetor, "12");
    insta::assert_snapshot!("audit_sample", stable(&praetor, &run.out));
    let sheet = fs_err::read_to_string(praetor.path("sheet.csv")).unwrap();
    assert_eq!(sheet.lines().count(), 13);
    assert!(sheet.starts_with("image,unsafe? (yes/no/unsure),rules\r\n"), "{sheet}");
    assert!(sheet.lines().skip(1).all(|line| line.ends_with(",,")), "{sheet}");
    let plan: Value =
        serde_json::from_slice(&fs_err::read(praetor.path("sheet.audit.json")).unwrap()).unwrap();
    let stood_for: f64 = plan["strata"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| part["weight"].as_f64().unwrap() * part["sampled"].as_f64().unwrap())
        .sum();
    assert!((stood_for - 16.0).abs() < 1e-9, "every image is stood for");

    let again = |seed: &str, out: &str| {
        let arguments = ["audit", "sample", "run", "--size", "12", "--seed", seed, "--out", out];
        assert_eq!(praetor.run(&arguments).code, 0);
        fs_err::read_to_string(praetor.path(out)).unwrap()
    };
    assert_eq!(again("1", "b.csv"), sheet);
    assert_ne!(again("2", "c.csv"), sheet);
    let over = praetor.run(&["audit", "sample", "run", "--out", "sheet.csv"]);
    assert_eq!(over.code, 2);
    assert!(over.err.contains("may hold labels"), "{}", over.err);
}

#[test]
fn what_was_labelled_is_read_with_its_ranges() {
    let praetor = Praetor::new();
    sampled(&praetor, "16");
    praetor.write("sheet.csv", filled(&praetor));
    let constitution = demo("constitutions/demo.yaml");
    let run = praetor.run(&["audit", "read", "sheet.csv", "-c", &constitution]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    insta::assert_snapshot!("audit_read", run.out);
    let json = praetor.run(&["audit", "read", "sheet.csv", "--format", "json"]);
    let value: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(value["prevalence"]["value"], 0.5);
    assert_eq!(value["labelled"], 16);
}

#[test]
fn blank_and_unsure_rows_are_told_of_and_the_rest_counts() {
    let praetor = Praetor::new();
    sampled(&praetor, "16");
    let sheet = filled(&praetor);
    let blank = |line: &str| format!("{};;", line.split(';').next().unwrap());
    let lines: Vec<String> = sheet
        .lines()
        .enumerate()
        .map(|(number, line)| match number {
            2 => blank(line),
            3 => format!("{};unsure;", line.split(';').next().unwrap()),
            _ => line.to_owned(),
        })
        .collect();
    praetor.write("sheet.csv", lines[..lines.len() - 1].join("\n"));
    let run = praetor.run(&["audit", "read", "sheet.csv", "--format", "json"]);
    let value: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((&value["labelled"], &value["unsure"]), (&Value::from(13), &Value::from(1)));
    assert_eq!(value["blank"], 2);
    assert!(value["notes"].to_string().contains("missing from the sheet"), "{}", value["notes"]);
    assert!(value["prevalence_if_unsure"].is_array());
}

#[test]
fn bad_cells_and_other_mistakes_say_how_to_mend_them() {
    let praetor = Praetor::new();
    sampled(&praetor, "8");
    let with = |sheet: &str| {
        praetor.write("sheet.csv", sheet);
        let run = praetor.run(&["audit", "read", "sheet.csv"]);
        assert_eq!(run.out, "");
        stable(&praetor, &format!("exit {}\n{}", run.code, run.err))
    };
    let sheet = fs_err::read_to_string(praetor.path("sheet.csv")).unwrap();
    insta::assert_snapshot!("audit_no_labels", with(&sheet));
    insta::assert_snapshot!("audit_no_columns", with("picture,bad\na.png,yes\n"));
    let images: Vec<&str> =
        sheet.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    let bad = format!(
        "image;unsafe?;rules\n{};perhaps;\nelsewhere.png;yes;\n{};yes;tobaco\n",
        images[0], images[1]
    );
    insta::assert_snapshot!("audit_bad_cells", with(&bad));
    fs_err::rename(praetor.path("sheet.csv"), praetor.path("other.csv")).unwrap();
    let renamed = praetor.run(&["audit", "read", "other.csv"]);
    assert_eq!(renamed.code, 3);
    assert!(renamed.err.contains("--plan"), "{}", renamed.err);
}

#[test]
fn a_run_that_is_not_the_one_drawn_from_is_refused() {
    let praetor = Praetor::new();
    sampled(&praetor, "8");
    praetor.write("sheet.csv", filled(&praetor));
    let path = praetor.path("run/verdicts.jsonl");
    let mut lines = fs_err::read_to_string(&path).unwrap();
    let first: Verdict = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    let more = Verdict { image: "more.png".to_owned(), ..first };
    lines.push_str(&(serde_json::to_string(&more).unwrap() + "\n"));
    fs_err::write(&path, lines).unwrap();
    let run = praetor.run(&["audit", "read", "sheet.csv"]);
    assert_eq!(run.code, 2, "{}", run.err);
    assert!(run.err.contains("drawn from 16 images"), "{}", run.err);
}
