//! The document: tables and charts of a record, in the words of `performance.md.jinja`.

use std::path::Path;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value as Jinja};
use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Value, json};

use crate::Outcome;
use crate::agreement::TOLERANCE;
use crate::curves::{Charts, Line, Panel, Scale};
use crate::drivers::Way;
use crate::measure::{Image, median};
use crate::record::{Measured, Record, Seconds, per_image, ratio};
use crate::server::Setting;
use crate::shape::{AIM, COUNTS};

const TEMPLATE: &str = include_str!("performance.md.jinja");
const WAYS: [(Way, &str); 5] = [
    (Way::Praetor, "praetor"),
    (Way::Server, "(a) server"),
    (Way::Array, "(a+) one request"),
    (Way::Naive, "(b) naive"),
    (Way::OneByOne, "(c) one by one"),
];
const SHARING: usize = 3;

/// Writes `performance.md` and its charts into a folder of documents.
pub(crate) fn write(record: &Record, docs: &Path) -> Outcome<()> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.add_template("performance", TEMPLATE)?;
    let machine = &record.machine;
    let text = environment.get_template("performance")?.render(Jinja::from(Serde(json!({
        "machine": machine,
        "memory": format!("{:.0}", machine.memory_gib),
        "quick": record.quick,
        "minutes": format!("{:.0}", record.minutes),
        "tolerance": TOLERANCE,
        "aim": AIM,
        "aims": record.shapes.iter().map(row_of_aims).collect::<Vec<_>>(),
        "shapes": record.shapes.iter().map(shape).collect::<Vec<_>>(),
    }))))?;
    let images = docs.join("images");
    fs_err::create_dir_all(&images)?;
    fs_err::write(images.join("performance-questions.svg"), questions_chart(record).svg()?)?;
    fs_err::write(images.join("performance-memory.svg"), memory_chart(record).svg()?)?;
    fs_err::write(docs.join("performance.md"), text + "\n")?;
    Ok(())
}

/// One row of the first table: the aims, and what was reached.
fn row_of_aims(shape: &Measured) -> Value {
    let times = |way, image| shape.times_as_long(way, AIM, image);
    let reached = |value: Option<f64>, aim: f64| match value {
        Some(value) if value >= aim => format!("**{}**", short(value)),
        Some(value) => short(value),
        None => "–".to_owned(),
    };
    let ceiling = shape.ceilings.first().map(crate::ceiling::Ceiling::share);
    json!({
        "name": shape.name,
        "server_new": reached(times(Way::Server, Image::New), 3.0),
        "server_known": reached(times(Way::Server, Image::Known), 3.0),
        "server_kept": reached(times(Way::Server, Image::Kept), 3.0),
        "array_new": reached(times(Way::Array, Image::New), 3.0),
        "array_known": reached(times(Way::Array, Image::Known), 3.0),
        "array_kept": reached(times(Way::Array, Image::Kept), 3.0),
        "naive": reached(times(Way::Naive, Image::New), 15.0),
        "ceiling": reached(ceiling, 0.9),
        "most_of_new": shape.most_of_new(AIM).map_or("–".into(), short),
        "most_of_known": shape.most_of_known(AIM).map_or("–".into(), short),
    })
}

fn shape(shape: &Measured) -> Value {
    let agreements = WAYS.iter().filter_map(|(way, name)| {
        let agreement = shape.agreements.get(way)?;
        let name = if *way == Way::Praetor { "praetor, the image kept" } else { name };
        Some(json!({
            "way": name,
            "compared": agreement.differences.len(),
            "middle": format!("{:.1e}", median(&agreement.differences)),
            "missing": agreement.missing,
            "largest": format!("{:.1e}", agreement.differences.iter().copied().fold(0.0, f64::max)),
            "apart": agreement.apart,
            "decided_otherwise": agreement.decided_otherwise,
        }))
    });
    let ceilings = shape.ceilings.iter().map(|ceiling| {
        json!({
            "questions": ceiling.questions,
            "tokens": ceiling.tokens,
            "depth": ceiling.depth,
            "praetor": format!("{:.0}", median(&ceiling.praetor)),
            "bench": format!("{:.0}", median(&ceiling.bench)),
            "share": format!("{:.2}", ceiling.share()),
        })
    });
    let both = [&shape.memory.praetor, &shape.memory.server];
    let added = WAYS.map(|(way, _)| shape.added_question(way, AIM).map_or("–".into(), duration));
    json!({
        "name": shape.name,
        "about": shape.about,
        "rounds": shape.rounds,
        "large_rounds": shape.large_rounds,
        "tried": shape.tried,
        "chat": shape.chat,
        "chat_flags": flags(shape.chat.setting()),
        "array": shape.array,
        "array_flags": flags(shape.array.setting()),
        "naive_flags": shape.naive_flags,
        "new": rows(shape, Image::New, WAYS.len()),
        "known": rows(shape, Image::Known, SHARING),
        "kept": rows(shape, Image::Kept, SHARING),
        "added": added,
        "agreements": agreements.collect::<Vec<_>>(),
        "ceilings": ceilings.collect::<Vec<_>>(),
        "images": shape.memory.praetor.len(),
        "first": both.map(|all| whole(all.first())),
        "last": both.map(|all| whole(all.last())),
        "per_image": both.map(|all| format!("{:.1}", per_image(all))),
    })
}

fn flags(setting: Setting) -> String {
    setting.flags().join(" ")
}

/// Questions, how long each way takes, and how many times as long as praetor.
fn rows(shape: &Measured, image: Image, ways: usize) -> Vec<Vec<String>> {
    let cell = |time: Option<Seconds>| match time {
        Some(Seconds { seconds, reckoned: true }) => format!("≈ {}", duration(seconds)),
        Some(Seconds { seconds, reckoned: false }) => duration(seconds),
        None => "–".to_owned(),
    };
    let row = |count: usize| {
        let times = WAYS[..ways].iter().map(|(way, _)| cell(shape.seconds(*way, count, image)));
        let others = WAYS[1..ways].iter();
        let times_as_long = others
            .map(|(way, _)| shape.times_as_long(*way, count, image).map_or("–".into(), short));
        std::iter::once(count.to_string()).chain(times).chain(times_as_long).collect()
    };
    COUNTS.into_iter().map(row).collect()
}

fn short(value: f64) -> String {
    if value < 10.0 { format!("{value:.2}") } else { format!("{value:.1}") }
}

fn duration(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 0.001 => format!("{:.2} ms", seconds * 1_000.0),
        seconds if seconds < 1.0 => format!("{:.1} ms", seconds * 1_000.0),
        seconds if seconds < 100.0 => format!("{seconds:.2} s"),
        seconds => format!("{seconds:.0} s"),
    }
}

fn whole(mebibytes: Option<&f64>) -> String {
    mebibytes.map_or("–".to_owned(), |mebibytes| format!("{mebibytes:.0}"))
}

fn questions_chart(record: &Record) -> Charts {
    let line = |shape: &Measured, (way, name): (Way, &'static str)| {
        let point = |count| {
            let time = shape.seconds(way, count, Image::New)?;
            Some((ratio(count), time.seconds))
        };
        Line { name, points: COUNTS.into_iter().filter_map(point).collect() }
    };
    let panel = |shape: &Measured| Panel {
        title: shape.name.clone(),
        lines: WAYS.map(|way| line(shape, way)).into(),
    };
    Charts {
        panels: record.shapes.iter().map(panel).collect(),
        x: "questions an image",
        y: "seconds an image",
        scale: Scale::Logarithmic,
    }
}

fn memory_chart(record: &Record) -> Charts {
    let line = |name, resident: &[f64]| Line {
        name,
        points: (1..).map(ratio).zip(resident.iter().map(|mib| mib - resident[0])).collect(),
    };
    let panel = |shape: &Measured| Panel {
        title: shape.name.clone(),
        lines: vec![line(WAYS[0].1, &shape.memory.praetor), line(WAYS[1].1, &shape.memory.server)],
    };
    Charts {
        panels: record.shapes.iter().map(panel).collect(),
        x: "images judged",
        y: "MiB beyond the first image",
        scale: Scale::Linear,
    }
}
