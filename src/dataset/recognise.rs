//! What kind of dataset lies at a path.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Serialize;

use super::DatasetError;

/// How a dataset is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Format {
    /// Images in folders by label.
    Folder,
    /// A file of JSON lines that names images.
    Jsonl,
    /// A table that names images.
    Csv,
    /// Hugging Face's `ImageFolder` with `metadata.csv`, `.jsonl` or `.parquet`.
    ImageFolder,
    /// Parquet with the images inside.
    Parquet,
}

impl Format {
    const ALL: [Self; 5] = [Self::Folder, Self::Jsonl, Self::Csv, Self::ImageFolder, Self::Parquet];

    fn name(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::ImageFolder => "imagefolder",
            Self::Parquet => "parquet",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|format| format.name() == text);
        known.ok_or_else(|| {
            let names = Self::ALL.map(|format| format!("`{format}`")).join(", ");
            format!("`{text}` is no format; use one of {names}")
        })
    }
}

/// Files of labels that a folder is known by.
const MANIFESTS: [(&str, Format); 4] = [
    ("labels.jsonl", Format::Jsonl),
    ("labels.csv", Format::Csv),
    ("manifest.jsonl", Format::Jsonl),
    ("manifest.csv", Format::Csv),
];

/// The format of what lies at a path, and the files that hold its labels. `chosen` is believed.
pub(super) fn recognise(
    path: &Path,
    chosen: Option<Format>,
) -> Result<(Format, Vec<PathBuf>), DatasetError> {
    let metadata = match fs_err::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(DatasetError::NotFound { path: path.to_owned() });
        }
        metadata => metadata?,
    };
    if metadata.is_dir() { of_folder(path, chosen) } else { of_file(path, chosen) }
}

fn of_file(path: &Path, chosen: Option<Format>) -> Result<(Format, Vec<PathBuf>), DatasetError> {
    let format = match (chosen, extension(path).as_str()) {
        (Some(Format::Folder | Format::ImageFolder), _) => {
            return Err(no_dataset(path, "it is a file and no folder"));
        }
        (Some(format), _) => format,
        (None, "jsonl" | "ndjson") => Format::Jsonl,
        (None, "csv" | "tsv") => Format::Csv,
        (None, "parquet") => Format::Parquet,
        (None, _) => by_first_bytes(path)?,
    };
    Ok((format, vec![path.to_owned()]))
}

fn by_first_bytes(path: &Path) -> Result<Format, DatasetError> {
    let mut first = Vec::new();
    fs_err::File::open(path)?.take(64).read_to_end(&mut first)?;
    match first.iter().find(|byte| !byte.is_ascii_whitespace()) {
        _ if first.starts_with(b"PAR1") => Ok(Format::Parquet),
        Some(b'{') => Ok(Format::Jsonl),
        Some(b'[') => Err(no_dataset(path, "it is one JSON list; write one object a line")),
        None => Err(no_dataset(path, "it is empty")),
        _ => Err(no_dataset(path, "nothing tells what it is; say so with `--as`")),
    }
}

fn of_folder(path: &Path, chosen: Option<Format>) -> Result<(Format, Vec<PathBuf>), DatasetError> {
    let allowed = |format| chosen.is_none_or(|chosen| chosen == format);
    let metadata = below(path, 2, |file| {
        stem(file) == "metadata" && ["csv", "jsonl", "parquet"].contains(&extension(file).as_str())
    })?;
    if allowed(Format::ImageFolder) && !metadata.is_empty() {
        return Ok((Format::ImageFolder, metadata));
    }
    for (name, format) in MANIFESTS {
        let file = path.join(name);
        if allowed(format) && file.is_file() {
            return Ok((format, vec![file]));
        }
    }
    let shards = below(path, 3, |file| extension(file) == "parquet")?;
    if allowed(Format::Parquet) && !shards.is_empty() {
        return Ok((Format::Parquet, shards));
    }
    match chosen {
        None | Some(Format::Folder) if has_image(path) => {
            Ok((Format::Folder, vec![path.to_owned()]))
        }
        None | Some(Format::Folder) => Err(no_dataset(path, "there is nothing of that kind in it")),
        Some(format) => Err(no_dataset(path, &format!("it holds no {format} files"))),
    }
}

/// Files down to some depth, by name; what is hidden or can't be walked to is passed over.
fn below(
    path: &Path,
    depth: usize,
    wanted: impl Fn(&Path) -> bool,
) -> Result<Vec<PathBuf>, DatasetError> {
    let shown = |entry: &walkdir::DirEntry| {
        entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.')
    };
    let walk = walkdir::WalkDir::new(path).max_depth(depth).follow_links(true).sort_by_file_name();
    let mut found = Vec::new();
    for entry in walk.into_iter().filter_entry(shown) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.depth() == 0 => return Err(std::io::Error::from(error).into()),
            Err(_) => continue,
        };
        if entry.file_type().is_file() && wanted(entry.path()) {
            found.push(entry.into_path());
        }
    }
    Ok(found)
}

fn has_image(path: &Path) -> bool {
    crate::imaging::Sources::new([path], std::io::empty()).any(|image| image.is_ok())
}

/// The end of a file's name, in lower case; empty where it has none.
pub(super) fn extension(path: &Path) -> String {
    path.extension().map(|end| end.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

fn no_dataset(path: &Path, reason: &str) -> DatasetError {
    DatasetError::NoDataset { path: path.to_owned(), reason: reason.to_owned() }
}
