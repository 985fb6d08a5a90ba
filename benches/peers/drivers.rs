//! The ways of asking that are compared, each behind one call.

use std::sync::Arc;

use praetor::cache::Cache;
use praetor::imaging::{Limits, Source, View, decode_bytes};
use praetor::prompts::Prompts;
use praetor::vlm::llama::{LlamaOptions, LlamaVlm};
use praetor::vlm::{Answer, Vlm, YesNo};
use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::questions::{Picture, Question};
use crate::shape::Shape;

/// Who is asked, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Way {
    /// praetor: the image once, then all questions from it.
    Praetor,
    /// (a) llama-server at its best: image first, prompt cache, tuned slots and requests in flight.
    Server,
    /// (a+) the same, all questions in one request, which only its own `/completion` takes.
    Array,
    /// (b) llama-server with its defaults: one question a request, the question first.
    Naive,
    /// (c) praetor's reference: each question from nothing, in process.
    OneByOne,
}

/// An answer, or nothing where Yes or No was not among the tokens that came back.
pub(crate) type Answered = Option<YesNo>;

/// Something that answers questions about a picture.
pub(crate) trait Ask {
    /// Answers in the order of the questions.
    fn ask(&mut self, picture: &Picture, questions: &[Question]) -> Outcome<Vec<Answered>>;

    /// Whether the picture asked last is asked about again; it may then be remembered.
    fn again(&mut self, picture: &Picture, questions: &[Question]) -> Outcome<Vec<Answered>> {
        self.ask(picture, questions)
    }
}

/// The engine in this process.
pub(crate) struct InProcess {
    pub(crate) model: LlamaVlm,
    view: Option<View>,
    one_by_one: bool,
    /// Where images are kept.
    _folder: tempfile::TempDir,
}

impl InProcess {
    pub(crate) fn load(shape: &Shape, threads: usize) -> Outcome<Self> {
        let options = LlamaOptions {
            threads: threads.try_into()?,
            ..LlamaOptions::new(&shape.model, &shape.projector)
        };
        let folder = tempfile::tempdir()?;
        let cache = Arc::new(Cache::open(folder.path(), u64::MAX)?);
        let model = LlamaVlm::load(options, Prompts::built_in()?)?.keeping_images(cache);
        Ok(Self { model, view: None, one_by_one: false, _folder: folder })
    }

    /// Each question from nothing.
    pub(crate) fn one_by_one(
        &mut self,
        picture: &Picture,
        questions: &[Question],
    ) -> Outcome<Vec<Answered>> {
        self.one_by_one = true;
        let answers = self.ask(picture, questions);
        self.one_by_one = false;
        answers
    }

    /// What the model says without an image.
    pub(crate) fn priors(&self, questions: &[Question]) -> Outcome<Vec<Answered>> {
        Ok(read(&self.model.visible(None, &statements(questions))?))
    }
}

impl Ask for InProcess {
    fn ask(&mut self, picture: &Picture, questions: &[Question]) -> Outcome<Vec<Answered>> {
        let decoded = decode_bytes(&Source::new("picture"), &picture.png, &Limits::default())?;
        self.view = decoded.pictures.first().map(praetor::imaging::Picture::whole);
        self.again(picture, questions)
    }

    fn again(&mut self, _: &Picture, questions: &[Question]) -> Outcome<Vec<Answered>> {
        let (view, statements) = (self.view.as_ref(), statements(questions));
        let answers = if self.one_by_one {
            self.model.visible_one_by_one(view, &statements)
        } else {
            self.model.visible(view, &statements)
        };
        Ok(read(&answers?))
    }
}

fn statements(questions: &[Question]) -> Vec<&str> {
    questions.iter().map(|question| question.statement.as_str()).collect()
}

fn read(answers: &[Answer]) -> Vec<Answered> {
    let seen = |answer: &Answer| match answer {
        Answer::Seen(answer) => Some(*answer),
        Answer::Said(_) | Answer::Unavailable(_) => None,
    };
    answers.iter().map(seen).collect()
}
