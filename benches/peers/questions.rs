//! What is asked of what: pictures nobody has seen, and 128 statements in praetor's own wording.

use std::io::Cursor;
use std::path::Path;

use base64::Engine as _;
use image::{ImageFormat, RgbImage, imageops};
use praetor::prompts::{Prompts, Topic};

use crate::Outcome;

/// A picture as a file, which both sides are handed.
pub(crate) struct Picture {
    pub(crate) png: Vec<u8>,
}

impl Picture {
    pub(crate) fn base64(&self) -> String {
        base64::engine::general_purpose::STANDARD.encode(&self.png)
    }
}

/// An endless supply of pictures of which no two are alike.
pub(crate) struct Pictures {
    examples: Vec<RgbImage>,
    strip: bool,
    made: usize,
}

impl Pictures {
    pub(crate) fn new(strip: bool) -> Outcome<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/demo/examples");
        let mut paths = Vec::new();
        for entry in fs_err::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "png") {
                paths.push(path);
            }
        }
        paths.sort();
        let open = |path| -> Outcome<RgbImage> {
            Ok(image::load_from_memory(&fs_err::read(path)?)?.into_rgb8())
        };
        let examples = paths.iter().map(open).collect::<Outcome<Vec<RgbImage>>>()?;
        Ok(Self { examples, strip, made: 0 })
    }

    pub(crate) fn next(&mut self) -> Outcome<Picture> {
        let index = self.made;
        self.made += 1;
        let darker = i32::try_from(index / self.examples.len() * 3 % 40)?;
        let example = |offset: usize| {
            imageops::brighten(&self.examples[(index + offset) % self.examples.len()], -darker)
        };
        let mut pixels = example(0);
        if self.strip {
            let (width, height) = pixels.dimensions();
            let mut wide = RgbImage::new(width * 4, height);
            for (offset, left) in (0..4).zip((0..).step_by(width as usize)) {
                imageops::replace(&mut wide, &example(offset), left, 0);
            }
            pixels = wide;
        }
        let mut png = Cursor::new(Vec::new());
        pixels.write_to(&mut png, ImageFormat::Png)?;
        Ok(Picture { png: png.into_inner() })
    }
}

const THINGS: [&str; 16] = [
    "a child",
    "a knife",
    "a gun",
    "a dog",
    "a cat",
    "a fire",
    "a bomb",
    "a skull",
    "a syringe",
    "a bottle",
    "a cigarette",
    "a woman",
    "a man",
    "a sword",
    "a beer",
    "a glass of wine",
];

const FORMS: [&str; 8] = [
    "{} is visible",
    "{} is visible in the foreground",
    "{} is visible near a child",
    "{} and a person are visible",
    "a person is holding {}",
    "{} is visible in the background",
    "{} or a fire is visible",
    "{} is visible on the ground",
];

/// One statement with praetor's question about it.
#[derive(Clone)]
pub(crate) struct Question {
    pub(crate) statement: String,
    pub(crate) text: String,
}

/// All 128 questions.
pub(crate) fn questions() -> Outcome<Vec<Question>> {
    let prompts = Prompts::built_in()?;
    let mut questions = Vec::new();
    for form in FORMS {
        for thing in THINGS {
            let statement = form.replace("{}", thing);
            let text = prompts.question(&Topic::Visible { statement: statement.clone() })?;
            questions.push(Question { statement, text });
        }
    }
    Ok(questions)
}
