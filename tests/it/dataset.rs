//! Labelled images in every layout that is read, through `praetor data`, and written as
//! UnsafeBench's.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parquet::arrow::ArrowWriter;
use praetor::dataset::{Content, Dataset, Example, Format, Options, RowError, Safety};
use praetor::imaging::Limits;
use serde_json::Value;

use crate::cli::Praetor;

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/demo/examples");
const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/constitutions/demo.yaml");

fn example_bytes(name: &str) -> Vec<u8> {
    fs_err::read(Path::new(EXAMPLES).join(name)).unwrap()
}

/// `praetor data DATASET --format json` with more flags, and its exit code.
fn data(praetor: &Praetor, dataset: &str, flags: &[&str]) -> (Value, i32) {
    let run = praetor.run(&[&["data", dataset, "--format", "json", "-q"], flags].concat());
    (serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{}", run.err)), run.code)
}

fn all(path: &Path, options: &Options) -> Vec<Result<Example, RowError>> {
    Dataset::open(path, options).unwrap().examples().unwrap().collect()
}

/// A dataset of each image format's own, with the same two images in it.
fn two(praetor: &Praetor) {
    let (safe, unsafe_) = (example_bytes("park.png"), example_bytes("child-and-knife.png"));
    for folder in ["by-label/safe", "split/test/safe", "hub/test", "manifest"] {
        praetor.write(&format!("{folder}/park.png"), &safe);
    }
    for folder in ["by-label/weapons.child", "split/test/unsafe", "hub/test", "manifest"] {
        praetor.write(&format!("{folder}/knife.png"), &unsafe_);
    }
    praetor.write(
        "hub/test/metadata.csv",
        "file_name,safety_label,category\npark.png,Safe,Violence\nknife.png,Unsafe,Violence\n",
    );
    praetor.write(
        "manifest/labels.jsonl",
        "{\"image\": \"park.png\", \"violated\": []}\n\
         {\"image\": \"knife.png\", \"violated\": [\"weapons.child\"], \"kind\": \"x\"}\n",
    );
    praetor.write(
        "manifest/list.csv",
        "\u{feff}image;violated;set\r\npark.png;none;one\r\nknife.png;weapons.child;two\r\n",
    );
}

#[test]
fn every_layout_is_recognised_and_says_the_same() {
    let praetor = Praetor::new();
    two(&praetor);
    for (dataset, format) in [
        ("by-label", "folder"),
        ("split", "folder"),
        ("hub", "imagefolder"),
        ("manifest", "jsonl"),
        ("manifest/labels.jsonl", "jsonl"),
        ("manifest/list.csv", "csv"),
    ] {
        let (found, code) = data(&praetor, dataset, &["-c", DEMO, "--decode"]);
        assert_eq!((found["format"].as_str(), code), (Some(format), 0), "{dataset}: {found}");
        let labels = &found["labels"];
        assert_eq!((&labels["safe"], &labels["unsafe"]), (&1.into(), &1.into()), "{dataset}");
    }
    let (found, _) = data(&praetor, "hub", &[]);
    assert_eq!(found["sets"]["test"]["safe"], 1, "{found}");
    assert_eq!(found["cells"][0]["category"], "Violence");
    fs_err::rename(praetor.path("hub/test/metadata.csv"), praetor.path("hub/test/metadata.CSV"))
        .unwrap();
    let (found, code) = data(&praetor, "hub", &[]);
    assert_eq!((&found["labels"]["unsafe"], code), (&1.into(), 0), "{found}");
    let (found, _) = data(&praetor, "manifest/list.csv", &[]);
    assert_eq!(found["sets"]["two"]["unsafe"], 1, "{found}");
}

#[test]
fn unsafebench_s_layout_is_written_and_read_back() {
    let praetor = Praetor::new();
    two(&praetor);
    praetor.write(
        "manifest/scenes.jsonl",
        "{\"image\": \"park.png\", \"violated\": [], \"set\": \"emojione\", \"rule\": \"weapons.child\", \"text\": \"a park\"}\n\
         {\"image\": \"knife.png\", \"violated\": [\"weapons.child\"], \"set\": \"trained\", \"rule\": \"weapons.child\"}\n\
         {\"image\": \"gone.png\", \"violated\": []}\n\
         {\"image\": \"park.png\"}\n",
    );
    let flags = ["--column", "category=rule", "--label", "emojione=source:unseen art"];
    let more = ["--label", "trained=source:trained art", "--write", "test.parquet"];
    let write = [&["data", "manifest/scenes.jsonl"], &flags[..], &more].concat();
    let run = praetor.run(&write);
    assert_eq!(run.code, 1, "{}", run.err);
    for words in ["2 images written to test.parquet", "2 were left out", "gone.png", "is neither"] {
        assert!(run.out.contains(words), "{words}: {}", run.out);
    }
    assert_eq!(praetor.run(&write).code, 2, "nothing is overwritten");

    let examples = all(&praetor.path("test.parquet"), &Options::default());
    let examples: Vec<Example> = examples.into_iter().map(Result::unwrap).collect();
    let names: Vec<&str> =
        examples.iter().map(|one| one.name.rsplit_once("test.parquet").unwrap().1).collect();
    assert_eq!(names, ["#1/park.png", "#2/knife.png"]);
    assert_eq!(examples[0].content, Content::Bytes(example_bytes("park.png").into()));
    let label = &examples[1].label;
    assert_eq!(label.safety, Some(Safety::Unsafe));
    assert_eq!(label.category.as_deref(), Some("weapons.child"));
    assert_eq!((label.source.as_deref(), &*label.set), (Some("trained art"), "test"));
    assert_eq!(examples[0].label.text.as_deref(), Some("a park"));
    let dataset = Dataset::open(&praetor.path("test.parquet"), &Options::default()).unwrap();
    assert_eq!((dataset.format(), dataset.count()), (Format::Parquet, Some(2)));
    // A dataset can be judged like a folder.
    let run = praetor.run(&["judge", "test.parquet", "-c", DEMO, "-q"]);
    let verdicts = run.verdicts();
    assert_eq!(verdicts.len(), 2, "{}", run.err);
    assert_eq!(verdicts[1].image, "test.parquet#2/knife.png");
    assert_eq!(verdicts[1].violated[0].as_str(), "weapons.child");
}

#[test]
fn what_python_s_libraries_write_is_read() {
    // Made by tests/data/parquet.py with pyarrow: images as a struct, classes as numbers with names
    // in the file's metadata, two shards, one row whose image lies beside the file.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/parquet");
    let rows = all(&folder, &Options::default());
    let rows: Vec<_> = rows.iter().map(|row| row.as_ref().map_err(ToString::to_string)).collect();
    let safety: Vec<_> =
        rows.iter().map(|row| row.as_ref().ok().map(|row| row.label.safety)).collect();
    let (safe, unsafe_) = (Some(Some(Safety::Safe)), Some(Some(Safety::Unsafe)));
    assert_eq!(safety, [safe, unsafe_, Some(None), safe, None, None], "{rows:?}");
    assert_eq!(rows[0].as_ref().unwrap().label.set, "train");
    assert!(matches!(rows[3].as_ref().unwrap().content, Content::File(_)));
    assert!(rows[4].as_ref().unwrap_err().contains("outside of the dataset"), "{rows:?}");
    let last = rows[5].as_ref().unwrap_err();
    assert!(last.contains("row 3 of") && last.contains("names no image"), "{last}");
}

#[test]
fn bad_rows_are_named_and_the_rest_is_read() {
    let praetor = Praetor::new();
    two(&praetor);
    praetor.write(
        "manifest/odd.jsonl",
        "{\"image\": \"park.png\", \"safety_label\": \"Safe\"}\n\nnot json\n\
         {\"image\": \"knife.png\", \"safety_label\": \"bad\"}\n\
         {\"violated\": []}\n\
         {\"image\": \"knife.png\", \"safety_label\": \"Safe\", \"violated\": [\"weapons.child\"]}\n\
         {\"image\": \"park.png\", \"safety_label\": \"Unsafe\"}\n\
         {\"image\": \"knife.png\", \"violated\": [\"weapons.child\"]}\n",
    );
    let run = praetor.run(&["data", "manifest/odd.jsonl"]);
    assert_eq!(run.code, 1, "{}", run.err);
    for words in [
        "7 rows",
        "4 rows can't be used",
        "line 3 of `manifest/odd.jsonl`: is no label",
        "line 4 of `manifest/odd.jsonl`: says `bad`",
        "--label 'bad=unsafe'",
        "line 5 of `manifest/odd.jsonl`: names no image",
        "both that the image is safe and that it is unsafe",
        "1 images are labelled in two ways",
        "manifest/park.png is row 1 again, with another label",
    ] {
        assert!(run.out.contains(words), "{words}: {}", run.out);
    }
}

/// A dataset is recognised and read past links that lead nowhere, or back.
#[test]
#[cfg(unix)]
fn a_link_that_leads_nowhere_does_not_refuse_the_dataset() {
    use std::os::unix::fs::symlink;
    let praetor = Praetor::new();
    two(&praetor);
    for (dataset, format, rows) in [("by-label", "folder", 3), ("hub", "imagefolder", 2)] {
        symlink("nowhere", praetor.path(dataset).join("a.png")).unwrap();
        symlink(".", praetor.path(dataset).join("back")).unwrap();
        let (found, code) = data(&praetor, dataset, &[]);
        assert_eq!((found["format"].as_str(), &found["rows"]), (Some(format), &rows.into()));
        // Images that a dataset consists of are told of, files beside it are not.
        assert_eq!(code, i32::from(rows == 3), "{found}");
    }
}

/// Of a device no byte is read, and the rest of the dataset is.
#[test]
#[cfg(unix)]
fn a_device_in_a_manifest_is_an_image_that_can_not_be_read() {
    let praetor = Praetor::new();
    two(&praetor);
    praetor.write(
        "manifest/odd.jsonl",
        "{\"image\": \"/dev/zero\", \"violated\": []}\n{\"image\": \"park.png\", \"violated\": []}\n",
    );
    let run = praetor.run(&["data", "manifest/odd.jsonl", "--write", "out.parquet"]);
    assert_eq!(run.code, 1, "{}", run.err);
    assert!(run.out.contains("is a pipe or device and not a regular file"), "{}", run.out);
    assert!(run.out.contains("1 images written to out.parquet"), "{}", run.out);
}

#[test]
fn what_can_not_be_decoded_is_not_written_where_that_was_asked_for() {
    let praetor = Praetor::new();
    two(&praetor);
    praetor.write("by-label/safe/torn.png", "\u{89}PNG");
    let run = praetor.run(&["data", "by-label", "-c", DEMO, "--decode", "--write", "out.parquet"]);
    assert_eq!(run.code, 1, "{}", run.err);
    assert!(run.out.contains("2 images written to out.parquet"), "{}", run.out);
    assert!(run.out.contains("1 were left out"), "{}", run.out);
}

/// As spreadsheets save it: lines end in two characters, cells hold line breaks, and some lines are empty.
#[test]
fn lines_of_a_table_are_those_that_people_see() {
    let praetor = Praetor::new();
    let table = "image,safety_label,text\n\
                 park.png,bad,\n\
                 \n\
                 park.png,Safe,\"two\nlines\"\n\
                 park.png,bad\n\
                 park.png,worse,";
    for (name, end) in [("unix.csv", "\n"), ("windows.csv", "\r\n")] {
        praetor.write(name, table.replace('\n', end));
        let rows = all(&praetor.path(name), &Options::default());
        let lines: Vec<u64> = rows.iter().filter_map(|row| row.as_ref().err()?.place.row).collect();
        assert_eq!((rows.len(), lines), (4, vec![2, 6, 7]), "{name}");
    }
}

/// As UnsafeBench's external sets have it: base64, or digits for the image of another row.
#[test]
fn images_in_base64_are_read_and_digits_are_another_row_s_image() {
    let praetor = Praetor::new();
    let [park, knife] = ["park.png", "child-and-knife.png"].map(example_bytes);
    praetor.write("park.png", &park);
    let [park64, knife64] = [&park, &knife].map(|image| STANDARD.encode(image));
    let url = format!("data:image/png;base64,{knife64}");
    let damaged = format!("{}!{}", &knife64[..900], &knife64[900..]);
    let images = [&*park64, "3", &url, "0", "park.png", &damaged, "99"];
    let lines = images.iter().enumerate().map(|(index, image)| {
        format!("{{\"index\": {index}, \"image\": \"{image}\", \"label\": {}}}\n", index % 2)
    });
    praetor.write("smid.jsonl", lines.collect::<String>());
    let lines = images.iter().enumerate();
    let lines = lines.map(|(index, image)| format!("{index}\t{image}\t{}\n", index % 2));
    praetor.write("smid.tsv", format!("index\timage\tlabel\n{}", lines.collect::<String>()));
    let columns: [(&str, ArrayRef); 3] = [
        ("index", Arc::new(Int64Array::from_iter_values(0..7))),
        ("image", Arc::new(StringArray::from(images.to_vec()))),
        ("label", Arc::new(Int64Array::from_iter_values((0..7).map(|index| index % 2)))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = fs_err::File::create(praetor.path("smid.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();

    for (file, word, first) in
        [("smid.jsonl", "line", 1), ("smid.tsv", "line", 2), ("smid.parquet", "row", 1)]
    {
        let rows = all(&praetor.path(file), &Options::default());
        let content = |row: usize| &rows[row].as_ref().unwrap().content;
        let (park, knife) = (&*park, &*knife);
        for (row, bytes) in [(0, park), (1, park), (2, knife), (3, park)] {
            assert_eq!(*content(row), Content::Bytes(bytes.into()), "{file} {row}");
        }
        assert!(matches!(content(4), Content::File(_)), "{file}");
        let name = &rows[1].as_ref().unwrap().name;
        assert!(name.ends_with(&format!("{file}#{}", first + 1)), "{name}");
        let meant = ["--label", "0=safe", "--label", "1=unsafe"];
        let run = praetor.run(&[&["data", file, "--decode"], &meant[..]].concat());
        assert_eq!(run.code, 1, "{}", run.err);
        let (damaged, gone) = (first + 5, first + 6);
        for words in [
            "7 rows, 4 images inside, 1 in files",
            &format!("{word} {damaged} of `{file}`: has an image in base64 that can't be read"),
            &format!("{word} {gone} of `{file}`: has the image of row `99`"),
        ] {
            assert!(run.out.contains(words), "{words}: {}", run.out);
        }
    }
    // Such a dataset is measured like any other.
    let meant = ["--label", "0=safe", "--label", "1=unsafe", "--format", "json"];
    let quick = ["-c", DEMO, "--without=relevance,region,reasoning"];
    let run = praetor.run(&[&["eval", "smid.parquet"], &quick[..], &meant[..]].concat());
    assert!(run.code <= 1, "{}", run.err);
    let found: Value = serde_json::from_str(&run.out).unwrap();
    let counts = found["effectiveness"]["overall"]["counts"].as_object().unwrap();
    assert_eq!(counts.values().filter_map(Value::as_u64).sum::<u64>(), 5);
}

#[test]
fn a_line_is_bounded_and_an_image_of_fifty_megabytes_is_not_too_long() {
    let praetor = Praetor::new();
    let mut image = vec![7; 50 << 20];
    image[..8].copy_from_slice(b"\x89PNG\r\n\x1a\n");
    let mut text = format!("{{\"image\": \"{}\"}}\n", STANDARD.encode(&image));
    text.extend(std::iter::repeat_n('x', (128 << 20) + 1));
    text += "\n{\"image\": \"park.png\"}\n";
    praetor.write("long.jsonl", text);
    let rows = all(&praetor.path("long.jsonl"), &Options::default());
    let Content::Bytes(bytes) = &rows[0].as_ref().unwrap().content else { panic!("no bytes") };
    assert_eq!(bytes.len(), image.len());
    let error = rows[1].as_ref().unwrap_err();
    assert_eq!((error.mistake.code(), error.place.row), ("too_long", Some(2)), "{error}");
    assert!(matches!(rows[2].as_ref().unwrap().content, Content::File(_)), "the rest is read");
}

#[test]
fn what_is_no_dataset_says_what_would_be() {
    let praetor = Praetor::new();
    two(&praetor);
    praetor.write("empty/notes.txt", "nothing");
    praetor.write("damaged.parquet", "PAR1 and nothing more");
    praetor.write("list.csv", "picture,verdict\na.png,Safe\n");
    for (arguments, code, words) in [
        (vec!["data", "nowhere"], 3, "no such file or folder"),
        (vec!["data", "empty"], 3, "`empty` is no dataset"),
        (vec!["data", "damaged.parquet"], 3, "can't be read"),
        (vec!["data", "list.csv"], 2, "it has `picture`,"),
        (vec!["data", "by-label", "--as", "csv"], 3, "holds no csv files"),
        (vec!["data", "by-label", "--column", "colour=x"], 2, "is nothing that praetor reads"),
        (vec!["data", "by-label", "--label", "x=nsfw"], 2, "is no meaning"),
        (vec!["data"], 2, "DATASET"),
    ] {
        let run = praetor.run(&arguments);
        assert_eq!(run.code, code, "{arguments:?}: {}", run.err);
        assert!(run.err.contains(words), "{arguments:?}: {}", run.err);
    }
    let columns = ["--column", "image=picture", "--column", "safety_label=verdict"];
    let (found, code) = data(&praetor, "list.csv", &columns);
    assert_eq!((&found["labels"]["safe"], code), (&1.into(), 1), "a.png is not there: {found}");
}

/// Memory must not grow with the file: 2,000 rows of 50 kB are 100 MB.
#[test]
#[cfg(target_os = "linux")]
fn parquet_is_read_a_few_rows_at_a_time() {
    use praetor::dataset::{Label, ParquetWriter};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("big.parquet");
    let file = fs_err::File::create(&path).unwrap();
    let mut writer = ParquetWriter::new(file, &Limits::default()).unwrap();
    for row in 0..2_000_u32 {
        // Bytes that don't compress.
        let hash =
            |block: u32| *praetor::ids::Hash::of(&(row * 4_000 + block).to_le_bytes()).bytes();
        let bytes: Vec<u8> = (0..3_200).flat_map(hash).collect();
        let label = Label { safety: Some(Safety::Safe), ..Label::default() };
        let content = Content::Bytes(bytes.into());
        writer.add(&Example { name: row.to_string(), content, label }).unwrap();
    }
    assert_eq!(writer.finish().unwrap(), 2_000);
    let resident = || {
        let status = fs_err::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let dataset = Dataset::open(&path, &Options::default()).unwrap();
    let (mut rows, mut most, before) = (0, 0, resident());
    for row in dataset.examples().unwrap() {
        row.unwrap();
        rows += 1;
        most = most.max(resident().saturating_sub(before));
    }
    assert_eq!(rows, 2_000);
    assert!(most < 60_000, "{most} kB more than before");
}
