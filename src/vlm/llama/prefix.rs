//! One view, many questions: encode the image once, prefill what the questions share once, fork
//! the sequence, and evaluate what differs as one batch.
//!
//! ```text
//! sequence 0   <begin> user <image …> Is the following content visible …? Content:
//! fork 1                                                                          ⎣ a knife … model
//! fork 2                                                                          ⎣ a dog … model
//! ```
//!
//! [`Engine::ask_forked`] is the way above; [`Engine::ask_one_by_one`] evaluates each question from
//! nothing through mtmd's own tokenizer and is the reference that tests hold the first against.
//!
//! llama.cpp aborts the process where another library would return an error. Every limit is
//! therefore checked here before the call; the comments name the assertion that is avoided.

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::mtmd::{
    MtmdBitmap, MtmdContext, MtmdInputChunkType, MtmdInputChunks, MtmdInputText,
};
use llama_cpp_2::token::LlamaToken;

use super::chat::{Chat, Prompt};
use super::yes_no::YesNoTokens;
use crate::imaging::View;
use crate::verdict::Why;
use crate::vlm::Answer;

/// The sequence that holds what all questions share.
const TRUNK: i32 = 0;

/// The answer is read off the last token of a text; without one there are no logits, and
/// `get_logits_ith` panics.
const NOTHING_AFTER_IMAGE: &str = "the model's chat template puts nothing after the image";

/// What the context was made with; never exceeded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Cells of the KV cache, shared by all sequences.
    pub(super) cells: u32,
    /// Positions the model was trained on.
    pub(super) positions: u32,
    /// Tokens in one call of `llama_decode`.
    pub(super) batch: u32,
    /// Tokens computed at once; an image that attends to all of itself must fit.
    pub(super) micro_batch: u32,
    /// Questions evaluated at once.
    pub(super) forks: u32,
}

/// A model with its context, owned by one thread.
pub(super) struct Engine<'model> {
    pub(super) model: &'model LlamaModel,
    pub(super) context: LlamaContext<'model>,
    pub(super) mtmd: MtmdContext,
    pub(super) chat: Chat,
    pub(super) answers: YesNoTokens,
    pub(super) limits: Limits,
}

/// Where a sequence stands: M-RoPE images take fewer positions than cells.
#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    position: i32,
    cells: u32,
}

impl Cursor {
    fn advance(self, tokens: usize) -> Self {
        let tokens = u32::try_from(tokens).unwrap_or(u32::MAX);
        Self {
            position: self.position.saturating_add_unsigned(tokens),
            cells: self.cells.saturating_add(tokens),
        }
    }
}

impl Engine<'_> {
    /// All questions of a view from one shared prefix.
    pub(super) fn ask_forked(&mut self, view: Option<&View>, questions: &[String]) -> Vec<Answer> {
        match self.try_forked(view, questions) {
            Ok(answers) => answers,
            Err(why) => vec![Answer::Unavailable(why); questions.len()],
        }
    }

    fn try_forked(
        &mut self,
        view: Option<&View>,
        questions: &[String],
    ) -> Result<Vec<Answer>, Why> {
        let prompts = questions
            .iter()
            .map(|question| self.chat.prompt(view.is_some(), question).map_err(failed))
            .collect::<Result<Vec<Prompt>, Why>>()?;
        let Some(first) = prompts.first() else { return Ok(Vec::new()) };
        let vocab = self.model.vocab();
        let tails: Vec<Vec<LlamaToken>> = prompts
            .iter()
            .map(|prompt| vocab.tokenize(prompt.tail.as_bytes(), false, true))
            .collect();
        if tails.iter().any(Vec::is_empty) {
            return Err(failed(NOTHING_AFTER_IMAGE));
        }

        self.context.clear_kv_cache();
        let head = match view {
            Some(view) => self.prefill_image(view, &first.head)?,
            None => Cursor::default(),
        };
        let shared = shared_prefix(&tails);
        self.check_room(head.advance(shared))?;
        self.decode(&tails[0][..shared], head.position)?;
        let trunk = head.advance(shared);

        let mut answers = vec![None; tails.len()];
        let suffixes: Vec<&[LlamaToken]> = tails.iter().map(|tail| &tail[shared..]).collect();
        for group in self.groups(trunk, &suffixes, &mut answers) {
            self.evaluate(trunk, &suffixes, &group, &mut answers);
        }
        let unasked = || Answer::Unavailable(failed("the question was not asked".to_owned()));
        Ok(answers.into_iter().map(|answer| answer.unwrap_or_else(unasked)).collect())
    }

    /// Splits the questions into groups that fit every limit, in order; a question that fits none
    /// is answered on the spot.
    fn groups(
        &self,
        trunk: Cursor,
        suffixes: &[&[LlamaToken]],
        answers: &mut [Option<Answer>],
    ) -> Vec<Vec<usize>> {
        let room = self.limits.batch.min(self.limits.cells.saturating_sub(trunk.cells)) as usize;
        let mut groups: Vec<Vec<usize>> = Vec::new();
        let mut tokens = 0;
        for (index, suffix) in suffixes.iter().enumerate() {
            if let Err(why) = self.check_suffix(trunk, suffix.len()) {
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

    /// Forks the trunk for one group, evaluates its suffixes as one batch, and drops the forks.
    fn evaluate(
        &mut self,
        trunk: Cursor,
        suffixes: &[&[LlamaToken]],
        group: &[usize],
        answers: &mut [Option<Answer>],
    ) {
        match self.decode_forks(trunk, suffixes, group) {
            Ok(ends) => {
                for (&index, end) in group.iter().zip(ends) {
                    let logits = self.context.get_logits_ith(end);
                    answers[index] = Some(self.answers.read(logits));
                }
            }
            Err(why) => {
                for &index in group {
                    answers[index] = Some(Answer::Unavailable(why.clone()));
                }
            }
        }
        for (fork, _) in (1..).zip(group) {
            // Removing a whole sequence can't fail; only partial removal can.
            let _ = self.context.clear_kv_cache_seq(Some(fork), None, None);
        }
    }

    /// The index in the batch of each fork's last token, whose logits are the answer.
    fn decode_forks(
        &mut self,
        trunk: Cursor,
        suffixes: &[&[LlamaToken]],
        group: &[usize],
    ) -> Result<Vec<i32>, Why> {
        let total = group.iter().map(|&index| suffixes[index].len()).sum();
        let mut batch = LlamaBatch::new(total, 1);
        let mut ends = Vec::with_capacity(group.len());
        for (fork, &index) in (1..).zip(group) {
            // One stream (kv_unified), so that this is bookkeeping and not a copy; with several it
            // would be GGML_ASSERT(is_full) in llama_kv_cache::seq_cp.
            self.context.kv_cache_seq_cp(TRUNK, fork, None, None).map_err(failed)?;
            let suffix = suffixes[index];
            let mut left = suffix.len();
            for (position, token) in (trunk.position..).zip(suffix) {
                left -= 1;
                batch.add(*token, position, &[fork], left == 0).map_err(failed)?;
            }
            ends.push(batch.n_tokens() - 1);
        }
        self.context.decode(&mut batch).map_err(failed)?;
        Ok(ends)
    }

    /// Evaluates everything up to the image's end into the trunk.
    fn prefill_image(&mut self, view: &View, head: &str) -> Result<Cursor, Why> {
        let chunks = self.tokenize(Some(view), head)?;
        self.eval_chunks(&chunks, false)
    }

    fn tokenize(&self, view: Option<&View>, text: &str) -> Result<MtmdInputChunks, Why> {
        let text = MtmdInputText { text: text.to_owned(), add_special: false, parse_special: true };
        let bitmap = view.map(bitmap).transpose()?;
        let bitmaps: Vec<&MtmdBitmap> = bitmap.iter().collect();
        self.mtmd.tokenize(text, &bitmaps).map_err(failed)
    }

    fn eval_chunks(&mut self, chunks: &MtmdInputChunks, logits: bool) -> Result<Cursor, Why> {
        let cells = u32::try_from(chunks.total_tokens()).unwrap_or(u32::MAX);
        self.check_room(Cursor { position: chunks.total_positions(), cells })?;
        self.check_chunks(chunks)?;
        let batch = i32::try_from(self.limits.batch).unwrap_or(i32::MAX);
        let position = chunks
            .eval_chunks(&mut self.mtmd, &mut self.context, 0, TRUNK, batch, logits)
            .map_err(failed)?;
        Ok(Cursor { position, cells })
    }

    /// Checks what mtmd does not: that every token is one, and that an image whose tokens attend to
    /// each other is computed at once.
    fn check_chunks(&self, chunks: &MtmdInputChunks) -> Result<(), Why> {
        let at_once = self.limits.batch.min(self.limits.micro_batch);
        for chunk in (0..chunks.len()).filter_map(|index| chunks.get(index)) {
            match chunk.chunk_type() {
                // A projector of another family asks for special tokens that this vocabulary lacks,
                // and mtmd writes -1: GGML_ASSERT(idx >= 0) in mtmd_helper_eval_chunk_single.
                MtmdInputChunkType::Text => {
                    let known = 0..self.model.n_vocab();
                    let tokens = chunk.text_tokens().unwrap_or_default();
                    if !tokens.iter().all(|token| known.contains(&token.0)) {
                        return Err(failed("the projector belongs to another model"));
                    }
                }
                // GGML_ASSERT(causal_attn || n_ubatch >= n_tokens) in llama_context::decode, and
                // silently other numbers where n_batch splits the image.
                MtmdInputChunkType::Image if self.mtmd.decode_use_non_causal() => {
                    let needed = u32::try_from(chunk.n_tokens()).unwrap_or(u32::MAX);
                    if needed > at_once {
                        return Err(Why::TooLong { needed, limit: at_once });
                    }
                }
                MtmdInputChunkType::Image | MtmdInputChunkType::Audio => {}
            }
        }
        Ok(())
    }

    /// Whether a sequence that ends at `end` fits the cache and the model's positions.
    fn check_room(&self, end: Cursor) -> Result<(), Why> {
        let position = end.position.unsigned_abs();
        if end.cells > self.limits.cells {
            return Err(Why::TooLong { needed: end.cells, limit: self.limits.cells });
        }
        if position > self.limits.positions {
            return Err(Why::TooLong { needed: position, limit: self.limits.positions });
        }
        Ok(())
    }

    /// Whether a fork fits beside the trunk, and one batch by itself:
    /// `GGML_ASSERT(n_tokens_all <= n_batch)`.
    fn check_suffix(&self, trunk: Cursor, tokens: usize) -> Result<(), Why> {
        self.check_room(trunk.advance(tokens))?;
        let needed = u32::try_from(tokens).unwrap_or(u32::MAX);
        if needed > self.limits.batch {
            return Err(Why::TooLong { needed, limit: self.limits.batch });
        }
        Ok(())
    }

    /// Appends tokens to the trunk, at most a batch at a time:
    /// `GGML_ASSERT(n_tokens_all <= n_batch)`.
    fn decode(&mut self, tokens: &[LlamaToken], start: i32) -> Result<(), Why> {
        let mut position = start;
        for piece in tokens.chunks(self.limits.batch as usize) {
            let mut batch = LlamaBatch::new(piece.len(), 1);
            for token in piece {
                batch.add(*token, position, &[TRUNK], false).map_err(failed)?;
                position += 1;
            }
            self.context.decode(&mut batch).map_err(failed)?;
        }
        Ok(())
    }

    /// Each question from nothing: the image is encoded and the prompt prefilled anew every time.
    pub(super) fn ask_one_by_one(
        &mut self,
        view: Option<&View>,
        questions: &[String],
    ) -> Vec<Answer> {
        let ask =
            |question: &String| self.try_one(view, question).unwrap_or_else(Answer::Unavailable);
        questions.iter().map(ask).collect()
    }

    fn try_one(&mut self, view: Option<&View>, question: &str) -> Result<Answer, Why> {
        let prompt = self.chat.prompt(view.is_some(), question).map_err(failed)?;
        if prompt.tail.is_empty() {
            return Err(failed(NOTHING_AFTER_IMAGE));
        }
        let chunks = self.tokenize(view, &format!("{}{}", prompt.head, prompt.tail))?;
        self.context.clear_kv_cache();
        self.eval_chunks(&chunks, true)?;
        Ok(self.answers.read(self.context.get_logits_ith(-1)))
    }
}

fn bitmap(view: &View) -> Result<MtmdBitmap, Why> {
    let pixels = view.pixels();
    // The binding multiplies the sides in 32 bits.
    if u64::from(pixels.width()) * u64::from(pixels.height()) * 3 > u64::from(u32::MAX) {
        return Err(failed("the image has more pixels than the engine takes"));
    }
    MtmdBitmap::from_image_data(pixels.width(), pixels.height(), pixels.as_raw()).map_err(failed)
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

fn failed(error: impl std::fmt::Display) -> Why {
    Why::Failed { detail: error.to_string() }
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
