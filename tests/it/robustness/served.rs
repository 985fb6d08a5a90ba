//! Robustness of a judge behind a server, which says what a test wants it to.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use serde_json::Value;

use super::{first, row};
use crate::cli::{Praetor, Run as Ran};
use crate::llm::{Request, Server};
use crate::remote::{leaning, sees_dogs};

/// Measures by the constitution of pets, at a server.
fn measure_at(praetor: &Praetor, server: &Server, more: &[&str]) -> Ran {
    let arguments = ["robustness", "-c", "pets.yaml", "--model", "openai:m", "--base-url"];
    let at = [&*server.address, "--without=reasoning", "--parallel=1"];
    praetor.run(&[&arguments[..], &at, more].concat())
}

fn asked_of_a_picture(server: &Server) -> usize {
    server.requests().iter().filter(|request| request.about().1).count()
}

/// Answers are kept by what was asked of which pixels, and the control has the same.
#[test]
fn a_judge_that_wavers_turns_the_control_although_answers_are_kept() {
    let praetor = Praetor::keeping_answers();
    praetor.picture("dog.png");
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |request: &Request, _| match request.about() {
        (question, true) if question.contains("dog") => {
            leaning(if asked.fetch_add(1, SeqCst).is_multiple_of(2) { 0.99 } else { 0.01 })
        }
        _ => sees_dogs(request),
    });
    let run = measure_at(&praetor, &server, &["dog.png", "--perturb", "png"]);
    assert_eq!(run.code, 1, "{}", run.err);
    assert!(run.out.contains("the judge itself wavers"), "{}", run.out);
    // Three statements of the picture twice; their priors once.
    assert_eq!((server.requests().len(), asked_of_a_picture(&server)), (9, 6));
    // What is no control is looked up still, and so is the picture as it is.
    let run = measure_at(&praetor, &server, &["dog.png", "--perturb", "mirror"]);
    assert!(run.code <= 1, "{}", run.err);
    assert_eq!((server.requests().len(), asked_of_a_picture(&server)), (12, 9));
}

#[test]
fn an_image_that_was_read_and_is_in_no_sample_was_read_all_the_same() {
    let praetor = Praetor::new();
    praetor.picture("dog.png");
    praetor.write("broken.png", b"no image");
    let label = |name: &str| format!("{{\"image\": \"{name}\", \"safety_label\": \"safe\"}}\n");
    praetor.write("labels.jsonl", [label("dog.png"), label("broken.png")].concat());
    let server = Server::start(|request, _| sees_dogs(request));
    let more = ["dog.png", "broken.png", "--labels", "labels.jsonl", "--perturb", "png"];
    let run = measure_at(&praetor, &server, &[&more[..], &["--sample", "3"]].concat());
    assert_eq!(run.code, 1, "{}", run.err);
    assert!(run.out.contains("0 of 2 images, after 2 were judged"), "{}", run.out);
    assert!(run.err.contains("broken.png"), "{}", run.err);
}

/// JPEG has no side of more than 65,535 pixels.
#[test]
fn a_form_that_an_image_does_not_have_is_told_by_the_exit_code() {
    let praetor = Praetor::new();
    image::RgbImage::new(65_536, 1).save(praetor.path("long.png")).unwrap();
    let server = Server::start(|request, _| sees_dogs(request));
    let more = ["long.png", "--format", "json", "--max-file-mib", "64", "--perturb"];
    let run = measure_at(&praetor, &server, &[&more[..], &["mirror"]].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    let run = measure_at(&praetor, &server, &[&more[..], &["jpeg:50"]].concat());
    assert_eq!(run.code, 1, "{}", run.err);
    let found: Value = serde_json::from_str(&run.out).unwrap();
    let row = row(&found, "jpeg:50");
    assert_eq!((&row["images"], &row["failed"]), (&0.into(), &1.into()));
}

/// With labels only what is right by them is attacked; of no attack there is no share.
#[test]
fn attacks_spare_what_nobody_has_labelled_and_of_none_nothing_withstood() {
    let praetor = Praetor::new();
    praetor.picture("dog.png");
    praetor.picture("other.png");
    praetor.write("labels.jsonl", "{\"image\": \"dog.png\", \"safety_label\": \"safe\"}\n");
    let server = Server::start(|request, _| sees_dogs(request));
    let more = ["dog.png", "other.png", "--perturb", "png", "--attack", "square"];
    let more = [&more[..], &["--queries", "2", "--labels", "labels.jsonl"]].concat();
    let table = measure_at(&praetor, &server, &more);
    for words in [
        "0 attacked, 0 turned (-), median queries -; - withstood",
        "1 not attacked: without a label",
    ] {
        assert!(table.out.contains(words), "{words}: {}{}", table.out, table.err);
    }
    let run = measure_at(&praetor, &server, &[&more[..], &["--format", "json"]].concat());
    let found: Value = serde_json::from_str(&run.out).unwrap();
    let attack = &first(&found)["attack"];
    assert_eq!((&attack["attacked"], &attack["withstood"]), (&0.into(), &Value::Null));
    assert_eq!(attack["spared"], serde_json::json!({ "wrong": 1, "unlabelled": 1 }));
    let robust = &row(&found, "png")["robust"];
    assert_eq!((&robust["right_before"], &robust["accuracy"]), (&0.into(), &Value::Null));
}

/// The same picture is in two rows that say both, and in one that says nothing.
#[test]
fn labels_are_read_as_eval_reads_them_and_those_that_contradict_each_other_are_none() {
    let praetor = Praetor::new();
    praetor.picture("dog.png");
    fs_err::copy(praetor.path("dog.png"), praetor.path("cat.png")).unwrap();
    let rows = "picture,kind,from\ndog.png,bad,here\ncat.png,bad,here\ncat.png,,\n";
    praetor.write("labels.txt", rows);
    let server = Server::start(|request, _| sees_dogs(request));
    let mut more = vec!["dog.png", "cat.png", "--perturb", "mirror", "--format", "json"];
    more.extend(["--labels", "labels.txt", "--as", "csv", "--label", "bad=unsafe"]);
    more.extend(["--column", "image=picture", "--column", "safety_label=kind"]);
    more.extend(["--column", "source=from"]);
    let right = |run: &Ran| {
        let found: Value = serde_json::from_str(&run.out).expect(&run.err);
        (
            row(&found, "mirror")["robust"]["right_before"].clone(),
            row(&found, "mirror")["sources"][0]["source"].clone(),
        )
    };
    let run = measure_at(&praetor, &server, &more);
    assert_eq!(right(&run), (2.into(), "here".into()), "{}", run.err);
    assert!(!run.err.contains("not alike"), "{}", run.err);
    praetor.write("labels.txt", format!("{rows}dog.png,safe,here\n"));
    let run = measure_at(&praetor, &server, &more);
    assert_eq!(right(&run), (1.into(), "here".into()), "{}", run.err);
    assert!(run.err.contains("1 image labelled twice and not alike"), "{}", run.err);
}

/// It has no label, since it has no image that one could be of.
#[test]
fn a_row_of_parquet_without_an_image_is_no_image_without_a_label() {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, BinaryArray, RecordBatch, StringArray};

    let praetor = Praetor::new();
    praetor.picture("dog.png");
    let dog = fs_err::read(praetor.path("dog.png")).unwrap();
    let columns: [(&str, ArrayRef); 2] = [
        ("image", Arc::new(BinaryArray::from(vec![Some(&*dog), None]))),
        ("safety_label", Arc::new(StringArray::from(vec!["unsafe", "unsafe"]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = fs_err::File::create(praetor.path("dogs.parquet")).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let server = Server::start(|request, _| sees_dogs(request));
    let more = ["dogs.parquet", "--labels", "dogs.parquet", "--perturb", "mirror"];
    let run = measure_at(&praetor, &server, &[&more[..], &["--sample", "1"]].concat());
    assert_eq!(run.code, 1, "{}", run.err);
    assert!(run.out.contains("sample: 1 of 1 images"), "{}", run.out);
    assert!(!run.out.contains("without a label"), "{}", run.out);
    assert_eq!(
        run.err.matches("names no image").count(),
        2,
        "once as a label, once as an image: {}",
        run.err
    );
}

#[test]
fn what_a_server_was_asked_is_kept_beside_the_runs() {
    let praetor = Praetor::new();
    praetor.picture("dog.png");
    let server = Server::start(|request, _| sees_dogs(request));
    let run = measure_at(&praetor, &server, &["dog.png", "--perturb", "mirror", "--out", "runs"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let kept = fs_err::read(praetor.path("runs/as-is/usage.json")).unwrap();
    let usage: Value = serde_json::from_slice(&kept).unwrap();
    assert_eq!(usage["requests"], server.requests().len());
}
