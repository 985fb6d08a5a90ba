//! A model that answers from a table: for tests of a policy, and for documentation that runs.

use std::collections::BTreeMap;

use super::chat::{Generate, Reply, Turn};
use super::{Answer, Chat, Vlm, VlmError, YesNo};
use crate::ids::{Hash, ModelId};
use crate::imaging::View;
use crate::units::Probability;
use crate::verdict::Why;

/// Answers each statement with a fixed M, the same on every image.
///
/// ```
/// use praetor::vlm::{Answer, Vlm, scripted::ScriptedVlm};
/// let model = ScriptedVlm::new(0.02).saying("a knife is visible", 0.97);
/// let view = praetor::imaging::View::whole(image::RgbImage::new(8, 8));
/// let answers = model.visible(Some(&view), &["a knife is visible", "a dog is visible"]).unwrap();
/// let Answer::Seen(knife) = &answers[0] else { panic!("answered") };
/// assert!(knife.m().value() > 0.9);
/// ```
#[derive(Clone, Debug)]
pub struct ScriptedVlm {
    model: ModelId,
    otherwise: Probability,
    with_image: BTreeMap<String, Answer>,
    priors: BTreeMap<String, Answer>,
    replies: Vec<(String, Vec<Reply>)>,
    far: bool,
}

impl ScriptedVlm {
    /// A model whose M is `otherwise` for every statement it has no line for.
    pub fn new(otherwise: f64) -> Self {
        Self {
            model: ModelId { name: "scripted".to_owned(), fingerprint: Hash::of(b"scripted") },
            otherwise: Probability::saturating(otherwise),
            with_image: BTreeMap::new(),
            priors: BTreeMap::new(),
            replies: Vec::new(),
            far: false,
        }
    }

    /// Makes a statement answered with a word and no probability.
    #[must_use]
    pub fn merely_saying(mut self, statement: &str, yes: bool) -> Self {
        self.with_image.insert(statement.to_owned(), Answer::Said(yes));
        self
    }

    /// A model on another machine, which `local_only` rules are not put to.
    #[must_use]
    pub fn far_away(mut self) -> Self {
        self.far = true;
        self
    }

    /// Fixes M(x, c) of one statement.
    #[must_use]
    pub fn saying(mut self, statement: &str, m: f64) -> Self {
        self.with_image.insert(statement.to_owned(), seen(m));
        self
    }

    /// Fixes M(None, c) of one statement.
    #[must_use]
    pub fn with_prior(mut self, statement: &str, m: f64) -> Self {
        self.priors.insert(statement.to_owned(), seen(m));
        self
    }

    /// Makes a statement unanswerable without the image, so that it has no prior.
    #[must_use]
    pub fn failing_prior(mut self, statement: &str, why: Why) -> Self {
        self.priors.insert(statement.to_owned(), Answer::Unavailable(why));
        self
    }

    /// Gives Yes and No a share of the first token that is not all of it.
    #[must_use]
    pub fn mumbling(mut self, statement: &str, answer: YesNo) -> Self {
        self.with_image.insert(statement.to_owned(), Answer::Seen(answer));
        self
    }

    /// Fixes what is said, reply by reply, in conversations whose first turn holds `words`; lines
    /// made earlier come first. Where nothing is fixed the model refuses.
    #[must_use]
    pub fn replying(mut self, words: &str, replies: impl Into<Vec<Reply>>) -> Self {
        self.replies.push((words.to_owned(), replies.into()));
        self
    }

    /// Makes a statement unanswerable with the image.
    #[must_use]
    pub fn failing(mut self, statement: &str, why: Why) -> Self {
        self.with_image.insert(statement.to_owned(), Answer::Unavailable(why));
        self
    }
}

fn seen(m: f64) -> Answer {
    Answer::Seen(YesNo::certain(Probability::saturating(m)))
}

impl Vlm for ScriptedVlm {
    fn visible(&self, view: Option<&View>, statements: &[&str]) -> Result<Vec<Answer>, VlmError> {
        let table = if view.is_some() { &self.with_image } else { &self.priors };
        let answer = |statement: &&str| {
            table.get(*statement).cloned().unwrap_or_else(|| seen(self.otherwise.value()))
        };
        Ok(statements.iter().map(answer).collect())
    }

    fn answers(&self, view: Option<&View>, questions: &[&str]) -> Result<Vec<Answer>, VlmError> {
        self.visible(view, questions)
    }
}

impl Chat for ScriptedVlm {
    fn chat(
        &self,
        _: Option<&View>,
        conversations: &[Vec<Turn>],
        _: &Generate,
    ) -> Result<Vec<Reply>, VlmError> {
        let reply = |turns: &Vec<Turn>| {
            let first = match turns.first() {
                Some(Turn::User(text) | Turn::Assistant(text)) => text.as_str(),
                None => "",
            };
            let line = self.replies.iter().find(|(words, _)| first.contains(words));
            let said = turns.iter().filter(|turn| matches!(turn, Turn::Assistant(_))).count();
            let reply = line.and_then(|(_, replies)| replies.get(said)).cloned();
            reply.unwrap_or(Reply::Unavailable(Why::Refused))
        };
        Ok(conversations.iter().map(reply).collect())
    }

    fn model(&self) -> &ModelId {
        &self.model
    }

    fn leaves_machine(&self) -> bool {
        self.far
    }
}
