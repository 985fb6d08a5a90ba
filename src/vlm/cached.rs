//! A model whose answers are kept, so that none is asked for twice.

use std::sync::Arc;

use super::chat::{Form, Generate, Reply, Turn};
use super::{Answer, Chat, Vlm, VlmError, YesNo};
use crate::cache::{Cache, Kept, Kind};
use crate::ids::{Hash, ModelId};
use crate::imaging::View;

/// Looks answers up before it asks another model, and keeps what that answers. What could not be
/// had is never kept.
///
/// ```
/// use std::sync::Arc;
/// use praetor::cache::Cache;
/// use praetor::vlm::{Vlm, cached::CachedVlm, counted::CountedVlm, scripted::ScriptedVlm};
/// let model = ScriptedVlm::new(0.2);
/// let counted = CountedVlm::new(&model);
/// let cached = CachedVlm::new(&counted, Arc::new(Cache::in_memory()?));
/// let view = praetor::imaging::View::whole(image::RgbImage::new(8, 8));
/// let first = cached.visible(Some(&view), &["a dog is visible"]).unwrap();
/// let again = cached.visible(Some(&view), &["a dog is visible", "a cat is visible"]).unwrap();
/// assert_eq!(first[0], again[0]);
/// assert_eq!(counted.asked().questions, 2);
/// # Ok::<(), praetor::cache::CacheError>(())
/// ```
pub struct CachedVlm<Model> {
    inner: Model,
    cache: Arc<Cache>,
    views_anew: bool,
}

/// Whose questions: the model's own form for content, or words of their own.
#[derive(Clone, Copy)]
enum Ask {
    Visible,
    Answers,
}

impl<Model: Vlm> CachedVlm<Model> {
    /// Keeps what `inner` answers in `cache`.
    pub fn new(inner: Model, cache: Arc<Cache>) -> Self {
        Self { inner, cache, views_anew: false }
    }

    /// The same, but what is asked of a view is asked anew every time, and its answer is not kept: whoever
    /// asks the same again sees whether the model wavers. What is asked without one, such as the priors, is
    /// looked up still.
    #[must_use]
    pub fn asking_anew_of_views(self) -> Self {
        Self { views_anew: true, ..self }
    }

    /// Whether answers about this view, or those without one, are kept.
    fn keeps(&self, view: Option<&View>) -> bool {
        view.is_none() || !self.views_anew
    }

    fn ask(
        &self,
        ask: Ask,
        view: Option<&View>,
        questions: &[&str],
    ) -> Result<Vec<Answer>, VlmError> {
        let answers = |questions: &[&str]| match ask {
            Ask::Visible => self.inner.visible(view, questions),
            Ask::Answers => self.inner.answers(view, questions),
        };
        if !self.keeps(view) {
            return answers(questions);
        }
        let model = self.inner.model().fingerprint;
        let keys: Vec<Hash> =
            questions.iter().map(|question| answer_key(&model, ask, view, question)).collect();
        self.cache.fill(&keys, |missing| {
            let open: Vec<&str> = missing.iter().map(|index| questions[*index]).collect();
            answers(&open)
        })
    }
}

fn answer_key(model: &Hash, ask: Ask, view: Option<&View>, question: &str) -> Hash {
    let ask = match ask {
        Ask::Visible => b"visible".as_slice(),
        Ask::Answers => b"answers",
    };
    let view = view.map(View::hash);
    let view = view.as_ref().map_or(b"none".as_slice(), |hash| hash.bytes());
    Hash::of_parts([model.bytes().as_slice(), ask, view, question.as_bytes()])
}

impl Kept for Answer {
    const KIND: Kind = Kind::Answer;

    /// One byte for an answer without probabilities, sixteen for one with.
    fn read(bytes: &[u8]) -> Option<Self> {
        if let [said] = bytes {
            return Some(Self::Said(*said != 0));
        }
        let (yes, no) = bytes.split_at_checked(8)?;
        Some(Self::Seen(YesNo {
            ln_yes: f64::from_le_bytes(yes.try_into().ok()?),
            ln_no: f64::from_le_bytes(no.try_into().ok()?),
        }))
    }

    fn write(&self) -> Option<Vec<u8>> {
        match self {
            Self::Seen(YesNo { ln_yes, ln_no }) => {
                Some([ln_yes.to_le_bytes(), ln_no.to_le_bytes()].concat())
            }
            Self::Said(yes) => Some(vec![u8::from(*yes)]),
            Self::Unavailable(_) => None,
        }
    }
}

impl Kept for Reply {
    const KIND: Kind = Kind::Reply;

    fn read(bytes: &[u8]) -> Option<Self> {
        String::from_utf8(bytes.to_vec()).ok().map(Self::Said)
    }

    /// An empty reply says nothing that is worth keeping.
    fn write(&self) -> Option<Vec<u8>> {
        match self {
            Self::Said(text) if !text.is_empty() => Some(text.clone().into_bytes()),
            Self::Said(_) | Self::Unavailable(_) => None,
        }
    }
}

impl<Model: Vlm> Vlm for CachedVlm<Model> {
    fn visible(&self, view: Option<&View>, statements: &[&str]) -> Result<Vec<Answer>, VlmError> {
        self.ask(Ask::Visible, view, statements)
    }

    fn answers(&self, view: Option<&View>, questions: &[&str]) -> Result<Vec<Answer>, VlmError> {
        self.ask(Ask::Answers, view, questions)
    }
}

impl<Model: Vlm> Chat for CachedVlm<Model> {
    fn chat(
        &self,
        view: Option<&View>,
        conversations: &[Vec<Turn>],
        generate: &Generate,
    ) -> Result<Vec<Reply>, VlmError> {
        if !self.keeps(view) {
            return self.inner.chat(view, conversations, generate);
        }
        let model = self.inner.model().fingerprint;
        let keys: Vec<Hash> =
            conversations.iter().map(|turns| reply_key(&model, view, turns, generate)).collect();
        self.cache.fill(&keys, |missing| {
            let open: Vec<Vec<Turn>> =
                missing.iter().map(|index| conversations[*index].clone()).collect();
            self.inner.chat(view, &open, generate)
        })
    }

    fn model(&self) -> &ModelId {
        self.inner.model()
    }

    fn leaves_machine(&self) -> bool {
        self.inner.leaves_machine()
    }
}

fn reply_key(model: &Hash, view: Option<&View>, turns: &[Turn], generate: &Generate) -> Hash {
    let view = view.map(View::hash);
    let form = match &generate.form {
        Form::Free => String::new(),
        Form::Json(schema) => schema.to_string(),
    };
    let most = generate.most_tokens.to_le_bytes();
    let mut parts: Vec<&[u8]> = vec![
        model.bytes(),
        view.as_ref().map_or(b"none".as_slice(), |hash| hash.bytes()),
        &most,
        form.as_bytes(),
    ];
    for turn in turns {
        let (who, text) = match turn {
            Turn::User(text) => (b"user".as_slice(), text),
            Turn::Assistant(text) => (b"assistant".as_slice(), text),
        };
        parts.extend([who, text.as_bytes()]);
    }
    Hash::of_parts(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Why;
    use crate::vlm::counted::{Asked, CountedVlm};
    use crate::vlm::scripted::ScriptedVlm;

    fn view(grey: u8) -> View {
        View::whole(image::RgbImage::from_pixel(4, 4, image::Rgb([grey; 3])))
    }

    #[test]
    fn every_part_of_a_question_counts() {
        let model = ScriptedVlm::new(0.2).with_prior("a dog", 0.9).saying("a dog", 0.7);
        let counted = CountedVlm::new(&model);
        let cached = CachedVlm::new(&counted, Arc::new(Cache::in_memory().unwrap()));
        let ask = |view: Option<&View>, question| cached.visible(view, &[question]).unwrap();
        assert_ne!(ask(None, "a dog"), ask(Some(&view(1)), "a dog"));
        ask(Some(&view(2)), "a dog");
        ask(Some(&view(1)), "a cat");
        cached.answers(Some(&view(1)), &["a dog"]).unwrap();
        let region = crate::units::Region::new(0.0, 0.0, 0.5, 0.5).unwrap();
        ask(Some(&view(1).crop(region)), "a dog");
        assert_eq!(counted.asked().questions, 5);
        // Asked again, in another order and company, nothing reaches the model.
        let again = cached.visible(Some(&view(1)), &["a cat", "a dog", "a cat"]).unwrap();
        assert_eq!(again.len(), 3);
        assert_eq!(again[0], again[2]);
        assert_ne!(again[0], again[1]);
        assert_eq!(counted.asked().questions, 5);
    }

    #[test]
    fn asked_anew_of_views_only_what_is_asked_without_one_is_looked_up() {
        let because = [Reply::Said("because".to_owned())];
        let model = ScriptedVlm::new(0.2).replying("why", because);
        let counted = CountedVlm::new(&model);
        let cache = Arc::new(Cache::in_memory().unwrap());
        let cached = CachedVlm::new(&counted, cache.clone());
        let anew = CachedVlm::new(&counted, cache).asking_anew_of_views();
        let turns = [vec![Turn::User("why".to_owned())]];
        let free = Generate { most_tokens: 9, form: Form::Free };
        for model in [&cached, &anew, &anew] {
            for view in [None, Some(&view(1))] {
                model.visible(view, &["a dog"]).unwrap();
                model.answers(view, &["a dog"]).unwrap();
                model.chat(view, &turns, &free).unwrap();
            }
        }
        // Of the view everything three times; of none, whose questions are not counted, the talk once.
        assert_eq!(counted.asked(), Asked { questions: 3 * 2, conversations: 3 + 1 });
    }

    #[test]
    fn what_could_not_be_had_is_asked_again_and_keeps_its_place() {
        let model = ScriptedVlm::new(0.2).failing("b", Why::Refused);
        let counted = CountedVlm::new(&model);
        let cached = CachedVlm::new(&counted, Arc::new(Cache::in_memory().unwrap()));
        for round in 1..=2 {
            let answers = cached.visible(Some(&view(1)), &["a", "b", "c"]).unwrap();
            assert_eq!(answers[1], Answer::Unavailable(Why::Refused));
            assert!(matches!(answers[2], Answer::Seen(_)));
            assert_eq!(counted.asked().questions, 2 + round);
        }
    }

    #[test]
    fn replies_are_kept_with_their_whole_conversation_and_form() {
        let said = |text: &str| Reply::Said(text.to_owned());
        let model = ScriptedVlm::new(0.2)
            .replying("why", [said("because"), said("so")])
            .replying("empty", [said("")]);
        let counted = CountedVlm::new(&model);
        let cached = CachedVlm::new(&counted, Arc::new(Cache::in_memory().unwrap()));
        let user = |text: &str| Turn::User(text.to_owned());
        let free = Generate { most_tokens: 9, form: Form::Free };
        let first = vec![user("why")];
        let second = vec![user("why"), Turn::Assistant("because".to_owned()), user("so?")];
        for _ in 0..2 {
            let both = [first.clone(), second.clone()];
            let replies = cached.chat(Some(&view(1)), &both, &free).unwrap();
            assert_eq!(replies, [said("because"), said("so")]);
        }
        assert_eq!(counted.asked().conversations, 1);
        let longer = Generate { most_tokens: 10, ..free.clone() };
        cached.chat(Some(&view(1)), std::slice::from_ref(&first), &longer).unwrap();
        cached.chat(None, &[first], &free).unwrap();
        assert_eq!(counted.asked().conversations, 3);
        for _ in 0..2 {
            cached.chat(None, &[vec![user("empty")]], &free).unwrap();
            cached.chat(None, &[vec![user("silence")]], &free).unwrap();
        }
        assert_eq!(counted.asked().conversations, 7);
    }
}
