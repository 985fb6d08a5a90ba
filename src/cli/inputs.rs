//! The flags that choose images, and what may be spent on one.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use clap::Args;

use super::exit::Failure;
use super::number::at_least_one;
use crate::dataset::{Dataset, Example, Options};
use crate::imaging::{Decoded, Limits, Source, SourceError, Sources, decode, shown};
use crate::pipeline::stream::Task;
use crate::store::Settings;
use crate::verdict::ImageError;

/// Which images are judged.
#[derive(Debug, Args)]
pub(super) struct Inputs {
    /// Files, folders (searched recursively), globs such as 'inbox/**/*.png', Parquet files with
    /// images inside, or `-` for a list on standard input, one path a line or NUL-separated
    #[arg(required = true, value_name = "IMAGES")]
    images: Vec<OsString>,
}

/// What one image file may cost, against decompression bombs.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitArgs {
    /// Largest image file, in mebibytes
    #[arg(long = "max-file-mib", default_value_t = Limits::default().file_bytes >> 20, value_name = "MIB")]
    file_mib: u64,
    /// Most pixels of an image, in millions
    #[arg(long = "max-megapixels", default_value_t = Limits::default().pixels / 1_000_000, value_name = "MP")]
    megapixels: u64,
    /// Most frames of an animation that are judged; only frames that differ count
    #[arg(long = "max-frames", default_value_t = Limits::default().frames, value_name = "N",
          value_parser = at_least_one::<u32>)]
    frames: u32,
}

/// An image of a run: how it is named, and the work that decodes it.
pub(super) type Decode = Box<dyn FnOnce() -> Result<Decoded, ImageError> + Send>;

impl Inputs {
    /// The images to judge, in order, and how many there are if that can be known beforehand.
    pub(super) fn tasks(
        &self,
        limits: &LimitArgs,
    ) -> (impl Iterator<Item = Task<Decode>> + Send + use<>, Option<u64>) {
        let sources = Sources::new(&self.images, io::BufReader::new(io::stdin()));
        let count = sources.count_ahead().and_then(|count| self.rows_inside(count));
        let limits = limits.limits();
        (sources.flat_map(move |source| tasks_of(source, &limits)), count)
    }

    /// All files that the inputs come to, so that they can be gone through more than once; inputs that give
    /// none are noted.
    pub(super) fn files(&self, unread: &mut Unread) -> Vec<Source> {
        let sources = Sources::new(&self.images, io::BufReader::new(io::stdin()));
        let mut files = Vec::new();
        for source in sources {
            match source {
                Ok(source) => files.push(source),
                Err(error) => unread.note(format!("{}: {error}", shown(&input_of(&error)))),
            }
        }
        files
    }

    /// The count of images where some inputs are datasets, which were counted as one each.
    fn rows_inside(&self, count: u64) -> Option<u64> {
        let inputs = self.images.iter().map(Path::new);
        inputs.filter(|path| is_parquet(path)).try_fold(count, |count, path| {
            let rows =
                Dataset::open(path, &Options::default()).map_or(Some(1), |all| all.count())?;
            Some(count + rows - 1)
        })
    }
}

fn is_parquet(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case("parquet")) && path.is_file()
}

/// An image that is known not to be readable before anybody looks at it: a row of a dataset that can't be
/// used, an input that is none.
pub(super) struct Missing {
    pub(super) image: String,
    pub(super) error: ImageError,
}

impl Missing {
    fn new(image: String, code: &str, error: &impl std::fmt::Display) -> Self {
        Self { image, error: image_error(code, error) }
    }
}

/// The image that a file is, or the images in it; what is missing is one that can't be read.
pub(super) fn tasks_of(
    source: Result<Source, SourceError>,
    limits: &Limits,
) -> impl Iterator<Item = Task<Decode>> + Send + use<> {
    images_of(source, limits).map(|image| match image {
        Ok(task) => task,
        Err(Missing { image, error }) => {
            let decode: Decode = Box::new(move || Err(error));
            Task { image, decode }
        }
    })
}

/// The image that a file is, or the images in it.
pub(super) fn images_of(
    source: Result<Source, SourceError>,
    limits: &Limits,
) -> Box<dyn Iterator<Item = Result<Task<Decode>, Missing>> + Send> {
    let source = match source {
        Ok(source) if is_parquet(source.path()) => source,
        source => return Box::new(std::iter::once(image(source, limits.clone()))),
    };
    let path = source.path();
    let open = || Dataset::open(path, &Options::default())?.examples();
    let limits = limits.clone();
    match open() {
        Ok(examples) => Box::new(examples.map(move |row| match row {
            Ok(example) => Ok(example_task(example, limits.clone())),
            Err(error) => Err(Missing::new(error.place.to_string(), error.mistake.code(), &error)),
        })),
        Err(error) => Box::new(std::iter::once(Err(Missing::new(name(path), "dataset", &error)))),
    }
}

/// An image of a dataset.
pub(super) fn example_task(example: Example, limits: Limits) -> Task<Decode> {
    let read = move |example: &Example| {
        example.decode(&limits).map_err(|error| image_error(error.code(), &error))
    };
    Task { image: example.name.clone(), decode: Box::new(move || read(&example)) }
}

/// Images that could not be read: how many, and the first few with what stood in the way.
#[derive(Debug, Default)]
pub(super) struct Unread {
    count: usize,
    first: Vec<String>,
}

/// Unread images that are named.
const NAMED: usize = 5;

impl Unread {
    /// Takes note of an image.
    pub(super) fn add(&mut self, image: &str, error: &ImageError) {
        self.note(format!("{}: {}", shown(image), shown(&error.message)));
    }

    /// Takes note of an input that gave no image, in the words of its error.
    pub(super) fn note(&mut self, what: String) {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push(what);
        }
    }

    /// Says what was not read, a line each.
    pub(super) fn notes(&self) -> Vec<String> {
        let rest = self.count - self.first.len();
        let more = (rest > 0).then(|| format!("{rest} more could not be read"));
        self.first.iter().cloned().chain(more).collect()
    }

    /// Fails when nothing was read at all.
    pub(super) fn unless_read(&self, images: usize) -> Result<(), Failure> {
        match (images, self.first.first()) {
            (0, Some(first)) => Err(Failure::Unopened(miette::miette!(
                "not one image could be read; the first: {first}"
            ))),
            _ => Ok(()),
        }
    }
}

fn image(source: Result<Source, SourceError>, limits: Limits) -> Result<Task<Decode>, Missing> {
    match source {
        Ok(source) => {
            let image = name(source.path());
            Ok(Task { image, decode: Box::new(move || read(&source, &limits)) })
        }
        Err(error) => Err(Missing::new(input_of(&error), error.code(), &error)),
    }
}

/// What the user typed, or the list held, that gave no image.
fn input_of(error: &SourceError) -> String {
    match error {
        SourceError::NotFound { path }
        | SourceError::Permission { path }
        | SourceError::NoImages { path, .. }
        | SourceError::Unreadable { path, .. } => name(path),
        SourceError::NoMatch { pattern, .. } | SourceError::BadPattern { pattern, .. } => {
            pattern.clone()
        }
        SourceError::BadEntry { number, .. } | SourceError::List { number, .. } => {
            format!("entry {number} of the list")
        }
    }
}

/// How verdicts name a file: its path, with `�` where it is not UTF-8.
fn name(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Decodes a file; what stands in the way becomes its verdict's error.
fn read(source: &Source, limits: &Limits) -> Result<Decoded, ImageError> {
    decode(source, limits).map_err(|error| image_error(error.code(), &error))
}

fn image_error(code: &str, error: &impl std::fmt::Display) -> ImageError {
    ImageError { code: code.to_owned(), message: error.to_string() }
}

impl LimitArgs {
    pub(super) fn limits(&self) -> Limits {
        Limits {
            file_bytes: self.file_mib.saturating_mul(1 << 20),
            pixels: self.megapixels.saturating_mul(1_000_000),
            frames: self.frames,
            ..Limits::default()
        }
    }

    /// Decodes one image; its name comes with it.
    pub(super) fn decode(&self, path: &Path) -> (String, Result<Decoded, ImageError>) {
        (name(path), read(&Source::new(path), &self.limits()))
    }

    /// By name, for a run's manifest.
    pub(super) fn settings(&self) -> Settings {
        let settings = [
            ("max_file_mib", self.file_mib),
            ("max_megapixels", self.megapixels),
            ("max_frames", u64::from(self.frames)),
        ];
        settings.map(|(name, value)| (name.to_owned(), value.to_string())).into()
    }
}
