//! One view, many questions: encode the image once, prefill what the questions share once, fork
//! the sequence, and evaluate what differs as one batch.
//!
//! ```text
//! trunk   <begin> user <image …>
//! stem                          Is the following content visible …? Content:
//! fork                                                                      ⎣ a knife … model
//! fork                                                                      ⎣ a dog … model
//! ```
//!
//! [`Engine::ask_forked`] is the way above; [`Engine::ask_one_by_one`] evaluates each question from
//! nothing through mtmd's own tokenizer and is the reference that tests hold the first against.

use std::time::Instant;

use llama_cpp_2::token::LlamaToken;

use super::chat::{Manner, Prompt};
use super::engine::{Cursor, Engine, FIRST_FORK, NOTHING_AFTER_IMAGE, STEM, count};
use super::ffi::Batch;
use crate::imaging::View;
use crate::verdict::Why;
use crate::vlm::Answer;

/// The questions of a view, ready to be evaluated.
struct Forked<'a> {
    /// Where what they share ends.
    stem: Cursor,
    /// What is each one's own.
    suffixes: &'a [&'a [LlamaToken]],
    /// Whether the answers are the model's own words.
    own_words: bool,
}

impl Engine<'_> {
    /// All questions of a view from one shared prefix.
    pub(super) fn ask_forked(
        &mut self,
        view: Option<&View>,
        questions: &[String],
        manner: &Manner,
    ) -> Vec<Answer> {
        let answers = self.try_forked(view, questions, manner);
        self.context.clear_sequence(STEM);
        answers.unwrap_or_else(|why| vec![Answer::Unavailable(why); questions.len()])
    }

    fn try_forked(
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
        self.spent.prepare += began.elapsed();
        let shared = shared_prefix(&tails);
        let suffixes: Vec<&[LlamaToken]> = tails.iter().map(|tail| &tail[shared..]).collect();
        let at_once: usize = suffixes.iter().map(|suffix| suffix.len()).sum();
        let wanted = count(shared).saturating_add(count(at_once).min(self.limits.batch));

        let trunk = if let Some(view) = view {
            let trunk = self.trunk(view, &first.head, wanted)?;
            self.fork(trunk.sequence, STEM)?;
            trunk.end
        } else {
            self.make_room(wanted, None);
            Cursor::default()
        };
        let stem = trunk.advance(shared);
        self.check_room(stem)?;
        let began = Instant::now();
        self.decode(&tails[0][..shared], trunk.position, STEM, false)?;
        self.context.synchronize();
        self.spent.shared += began.elapsed();

        let mut answers = vec![None; tails.len()];
        let forked = Forked { stem, suffixes: &suffixes, own_words: manner.own_words };
        for group in self.groups(stem, shared, &suffixes, &mut answers) {
            self.evaluate(&forked, &group, &mut answers);
        }
        let unasked = || Answer::Unavailable(Why::failed("the question was not asked"));
        Ok(answers.into_iter().map(|answer| answer.unwrap_or_else(unasked)).collect())
    }

    /// Splits the questions into groups that fit every limit, in order; a question that fits none
    /// is answered on the spot.
    fn groups(
        &self,
        stem: Cursor,
        shared: usize,
        suffixes: &[&[LlamaToken]],
        answers: &mut [Option<Answer>],
    ) -> Vec<Vec<usize>> {
        let taken = self.trunks.cells().saturating_add(count(shared));
        let room = self.limits.batch.min(self.limits.cells.saturating_sub(taken)) as usize;
        let mut groups: Vec<Vec<usize>> = Vec::new();
        let mut tokens = 0;
        for (index, suffix) in suffixes.iter().enumerate() {
            if let Err(why) = self.check_suffix(stem, suffix.len()) {
                answers[index] = Some(Answer::Unavailable(why));
                continue;
            }
            let full = groups.last().is_none_or(|group| group.len() >= self.limits.forks as usize);
            if full || tokens + suffix.len() > room {
                groups.push(Vec::new());
                tokens = 0;
            }
            if let Some(group) = groups.last_mut() {
                group.push(index);
                tokens += suffix.len();
            }
        }
        groups
    }

    /// Forks the stem for one group, evaluates its suffixes as one batch, and drops the forks.
    fn evaluate(&mut self, forked: &Forked<'_>, group: &[usize], answers: &mut [Option<Answer>]) {
        let began = Instant::now();
        let evaluated = self.decode_forks(forked, group);
        self.context.synchronize();
        self.spent.own += began.elapsed();
        match evaluated {
            Ok(ends) => {
                let began = Instant::now();
                for (&index, end) in group.iter().zip(ends) {
                    answers[index] = Some(self.read(end, forked.own_words));
                }
                self.spent.read += began.elapsed();
            }
            Err(why) => {
                for &index in group {
                    answers[index] = Some(Answer::Unavailable(why.clone()));
                }
            }
        }
        for (fork, _) in (FIRST_FORK..).zip(group) {
            self.context.clear_sequence(fork);
        }
    }

    /// The index in the batch of each fork's last token, whose logits are the answer.
    fn decode_forks(&mut self, forked: &Forked<'_>, group: &[usize]) -> Result<Vec<usize>, Why> {
        let Forked { stem, suffixes, .. } = forked;
        let total = group.iter().map(|&index| suffixes[index].len()).sum();
        let mut batch = Batch::of(total);
        let mut ends = Vec::with_capacity(group.len());
        for (fork, &index) in (FIRST_FORK..).zip(group) {
            self.fork(STEM, fork)?;
            ends.push(batch.add_all(suffixes[index], stem.position, fork, true));
        }
        self.context.decode(&mut batch).map_err(Why::failed)?;
        Ok(ends)
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
        self.clear();
        let evaluated = self.evaluate_pieces(&pieces, None, STEM, true);
        let answer = evaluated.map(|(_, last)| self.read(last, manner.own_words));
        self.context.clear_sequence(STEM);
        answer
    }
}

/// How many leading tokens all tails have in common, leaving each at least one of its own, since
/// the answer is read off a tail's last token.
fn shared_prefix(tails: &[Vec<LlamaToken>]) -> usize {
    let Some((first, rest)) = tails.split_first() else { return 0 };
    if rest.is_empty() {
        // Nothing is shared, and one batch is quicker than two.
        return 0;
    }
    let common = |other: &Vec<LlamaToken>| {
        first.iter().zip(other).take_while(|(ours, theirs)| ours == theirs).count()
    };
    let shortest = tails.iter().map(Vec::len).min().unwrap_or(0);
    rest.iter().map(common).min().unwrap_or(0).min(shortest.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(ids: &[i32]) -> Vec<LlamaToken> {
        ids.iter().copied().map(LlamaToken::new).collect()
    }

    #[test]
    fn every_tail_keeps_a_token_of_its_own() {
        let tails = [tokens(&[1, 2, 3, 4]), tokens(&[1, 2, 5]), tokens(&[1, 2])];
        assert_eq!(shared_prefix(&tails), 1);
        assert_eq!(shared_prefix(&[tokens(&[1, 2, 3])]), 0);
        assert_eq!(shared_prefix(&[tokens(&[1, 2]), tokens(&[1, 2])]), 1);
        assert_eq!(shared_prefix(&[]), 0);
    }
}
