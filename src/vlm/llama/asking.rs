//! One view, many questions: encode the image once, keep it in the cache, and evaluate all questions
//! as one batch, in which words that they share stand once.
//!
//! ```text
//! trunk   <begin> user <image …>
//! tree                          Is the following visible …? Content: a ─┬─ knife … model
//!                                                                       └─ dog … model
//! ```
//!
//! [`Engine::ask`] is the way above; [`Engine::ask_one_by_one`] evaluates each question from nothing
//! through mtmd's own tokenizer and is the reference that tests hold the first against.

use std::time::Instant;

use llama_cpp_2::token::LlamaToken;

use super::chat::{Manner, Prompt};
use super::engine::{Engine, FIRST_FORK, NOTHING_AFTER_IMAGE, count, end_of};
use super::ffi::Piece;
use super::tree::Tree;
use super::trunk::Trunk;
use crate::imaging::View;
use crate::verdict::Why;
use crate::vlm::Answer;

impl Engine<'_> {
    /// All questions of a view, or of none, together.
    pub(super) fn ask(
        &mut self,
        view: Option<&View>,
        questions: &[String],
        manner: &Manner,
    ) -> Vec<Answer> {
        let answers = self.try_ask(view, questions, manner);
        let answers = answers.unwrap_or_else(|why| vec![Answer::Unavailable(why); questions.len()]);
        self.forget_what_is_no_number(answers.iter().filter_map(Answer::unavailable));
        answers
    }

    fn try_ask(
        &mut self,
        view: Option<&View>,
        questions: &[String],
        manner: &Manner,
    ) -> Result<Vec<Answer>, Why> {
        let began = Instant::now();
        let prompts = questions
            .iter()
            .map(|question| self.chat.prompt(view.is_some(), question, manner).map_err(Why::failed))
            .collect::<Result<Vec<Prompt>, Why>>()?;
        let Some(first) = prompts.first() else { return Ok(Vec::new()) };
        let tails: Vec<Vec<LlamaToken>> =
            prompts.iter().map(|prompt| self.tokens(&prompt.tail)).collect();
        if tails.iter().any(Vec::is_empty) {
            return Err(Why::failed(NOTHING_AFTER_IMAGE));
        }
        let all = || tails.iter().map(Vec::as_slice).enumerate();
        let at_once = Tree::of(all()).tokens();
        self.spent.prepare += began.elapsed();

        let trunk = self.trunk(view, &first.head, count(at_once).min(self.limits.batch))?;
        let mut answers = vec![None; tails.len()];
        let mut fitting = Vec::with_capacity(tails.len());
        for (index, tail) in all() {
            match self.check_text(trunk.end, tail.len()) {
                Ok(()) => fitting.push((index, tail)),
                Err(why) => answers[index] = Some(Answer::Unavailable(why)),
            }
        }
        let room = self.limits.cells.saturating_sub(self.trunks.cells()).min(self.limits.batch);
        for tree in Tree::of(fitting).split(self.limits.forks as usize, room as usize) {
            self.answer(&trunk, &tree, manner.own_words, &mut answers);
        }
        let unasked = || Answer::Unavailable(Why::failed("the question was not asked"));
        Ok(answers.into_iter().map(|answer| answer.unwrap_or_else(unasked)).collect())
    }

    /// Evaluates questions as one batch and reads each one's answer off its last token.
    fn answer(
        &mut self,
        trunk: &Trunk,
        tree: &Tree<'_>,
        own_words: bool,
        answers: &mut [Option<Answer>],
    ) {
        let began = Instant::now();
        let evaluated = self.decode_tree(trunk, tree);
        self.context.synchronize();
        self.spent.words += began.elapsed();
        match evaluated {
            Ok(ends) => {
                let began = Instant::now();
                for end in ends {
                    answers[end.text] = Some(self.read(end.index, own_words));
                }
                self.spent.read += began.elapsed();
            }
            Err(why) => {
                for text in tree.texts() {
                    answers[text] = Some(Answer::Unavailable(why.clone()));
                }
            }
        }
        self.drop_forks(tree);
    }

    /// Each question from nothing: the image is encoded and the prompt prefilled anew every time.
    pub(super) fn ask_one_by_one(
        &mut self,
        view: Option<&View>,
        questions: &[String],
        manner: &Manner,
    ) -> Vec<Answer> {
        let ask = |question: &String| {
            self.try_one(view, question, manner).unwrap_or_else(Answer::Unavailable)
        };
        questions.iter().map(ask).collect()
    }

    fn try_one(
        &mut self,
        view: Option<&View>,
        question: &str,
        manner: &Manner,
    ) -> Result<Answer, Why> {
        let prompt = self.chat.prompt(view.is_some(), question, manner).map_err(Why::failed)?;
        if prompt.tail.is_empty() {
            return Err(Why::failed(NOTHING_AFTER_IMAGE));
        }
        let pieces = self.pieces(view, &format!("{}{}", prompt.head, prompt.tail))?;
        self.check_room(end_of(&pieces))?;
        self.clear();
        let pieces: Vec<Piece<'_>> = pieces.iter().collect();
        let embedding = self.embedding(&pieces, None)?;
        let evaluated = self.evaluate(&pieces, &embedding, (FIRST_FORK, 0), true);
        let answer = evaluated.map(|(_, last)| self.read(last, manner.own_words));
        self.context.clear_sequence(FIRST_FORK);
        answer
    }
}
