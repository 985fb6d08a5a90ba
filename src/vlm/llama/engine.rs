//! A model with its context and the limits that every call into it is checked against.
//!
//! llama.cpp aborts the process where another library would return an error. Every limit is
//! therefore checked here before the call; the comments name the assertion that is avoided.
//!
//! Sequences of the KV cache, which are all of one stream:
//!
//! ```text
//! 0 .. 7      trunks   an image's prefix each, kept while there is room   (trunk)
//! 8           stem     a trunk and the words that questions share         (forks)
//! 9 ..        forks    one question, or one conversation, each            (forks, talk)
//! ```

use std::time::Instant;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::mtmd::{
    MtmdBitmap, MtmdContext, MtmdInputChunkType, MtmdInputChunks, MtmdInputText,
};
use llama_cpp_2::token::LlamaToken;

use super::chat::ChatTemplate;
use super::spent::Spent;
use super::trunk::Trunks;
use super::yes_no::YesNoTokens;
use crate::imaging::View;
use crate::verdict::Why;
use crate::vlm::Answer;

/// Images whose prefixes may be kept at once.
pub(super) const TRUNKS: u32 = 8;
/// The sequence that holds what a batch of questions shares.
pub(super) const STEM: u32 = TRUNKS;
/// The first sequence for a question of its own.
pub(super) const FIRST_FORK: u32 = STEM + 1;

/// The answer is read off the last token of a text; without one there are no logits, and
/// `get_logits_ith` panics.
pub(super) const NOTHING_AFTER_IMAGE: &str =
    "the model's chat template puts nothing after the image";

const NO_EYES: &str = "the model was loaded without a projector and can't see";

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
    /// Nothing for a model that only talks.
    pub(super) eyes: Option<Eyes>,
    pub(super) chat: ChatTemplate,
    pub(super) limits: Limits,
    pub(super) trunks: Trunks,
    pub(super) spent: Spent,
}

/// What judging needs beside the language model.
pub(super) struct Eyes {
    pub(super) mtmd: MtmdContext,
    pub(super) answers: YesNoTokens,
    /// The words of a model that answers in its own.
    pub(super) own_words: Option<YesNoTokens>,
}

/// Where a sequence stands: M-RoPE images take fewer positions than cells.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cursor {
    pub(super) position: i32,
    pub(super) cells: u32,
}

impl Cursor {
    pub(super) fn advance(self, tokens: usize) -> Self {
        let tokens = count(tokens);
        Self {
            position: self.position.saturating_add_unsigned(tokens),
            cells: self.cells.saturating_add(tokens),
        }
    }
}

impl Engine<'_> {
    pub(super) fn tokens(&self, text: &str) -> Vec<LlamaToken> {
        self.model.vocab().tokenize(text.as_bytes(), false, true)
    }

    fn eyes(&self) -> Result<&Eyes, Why> {
        self.eyes.as_ref().ok_or_else(|| Why::failed(NO_EYES))
    }

    /// Reads the answer off the first token's logits.
    pub(super) fn read(&self, logits: &[f32], own_words: bool) -> Answer {
        match self.eyes() {
            Ok(eyes) => {
                let own = eyes.own_words.as_ref().filter(|_| own_words);
                own.unwrap_or(&eyes.answers).read(logits)
            }
            Err(why) => Answer::Unavailable(why),
        }
    }

    /// Splits a text around its image into what mtmd evaluates.
    pub(super) fn chunks(&self, view: Option<&View>, text: &str) -> Result<MtmdInputChunks, Why> {
        let text = MtmdInputText { text: text.to_owned(), add_special: false, parse_special: true };
        let bitmap = view.map(bitmap).transpose()?;
        let bitmaps: Vec<&MtmdBitmap> = bitmap.iter().collect();
        let eyes = self.eyes()?;
        let chunks = eyes.mtmd.tokenize(text, &bitmaps).map_err(Why::failed)?;
        self.check_chunks(&chunks, &eyes.mtmd)?;
        Ok(chunks)
    }

    /// Evaluates chunks into an empty sequence that has room for them.
    pub(super) fn eval_chunks(
        &mut self,
        chunks: &MtmdInputChunks,
        sequence: u32,
        logits: bool,
    ) -> Result<Cursor, Why> {
        let end = end_of(chunks);
        self.check_room(end)?;
        let batch = i32::try_from(self.limits.batch).unwrap_or(i32::MAX);
        let began = Instant::now();
        let eyes = self.eyes.as_mut().ok_or_else(|| Why::failed(NO_EYES))?;
        let position = chunks
            .eval_chunks(&mut eyes.mtmd, &mut self.context, 0, id(sequence), batch, logits)
            .map_err(Why::failed)?;
        self.context.synchronize();
        self.spent.image += began.elapsed();
        Ok(Cursor { position, ..end })
    }

    /// Appends tokens to a sequence, at most a batch at a time:
    /// `GGML_ASSERT(n_tokens_all <= n_batch)`.
    pub(super) fn decode(
        &mut self,
        tokens: &[LlamaToken],
        start: i32,
        sequence: u32,
    ) -> Result<(), Why> {
        let mut position = start;
        for piece in tokens.chunks(self.limits.batch as usize) {
            let mut batch = LlamaBatch::new(piece.len(), 1);
            for token in piece {
                batch.add(*token, position, &[id(sequence)], false).map_err(Why::failed)?;
                position += 1;
            }
            self.context.decode(&mut batch).map_err(Why::failed)?;
        }
        Ok(())
    }

    /// Makes `to`, which is empty, go on where `from` stands. One stream (`kv_unified`), so that
    /// this is bookkeeping and not a copy; with several it would be `GGML_ASSERT(is_full)` in
    /// `llama_kv_cache::seq_cp`.
    pub(super) fn fork(&mut self, from: u32, to: u32) -> Result<(), Why> {
        self.context.kv_cache_seq_cp(id(from), id(to), None, None).map_err(Why::failed)
    }

    /// Empties a sequence. Removing a whole one can't fail; only partial removal can.
    pub(super) fn drop_sequence(&mut self, sequence: u32) {
        let _ = self.context.clear_kv_cache_seq(Some(sequence), None, None);
    }

    /// Checks what mtmd does not: that every token is one, and that an image whose tokens attend to
    /// each other is computed at once.
    fn check_chunks(&self, chunks: &MtmdInputChunks, mtmd: &MtmdContext) -> Result<(), Why> {
        let at_once = self.limits.batch.min(self.limits.micro_batch);
        for chunk in (0..chunks.len()).filter_map(|index| chunks.get(index)) {
            match chunk.chunk_type() {
                // A projector of another family asks for special tokens that this vocabulary lacks,
                // and mtmd writes -1: GGML_ASSERT(idx >= 0) in mtmd_helper_eval_chunk_single.
                MtmdInputChunkType::Text => {
                    let known = 0..self.model.n_vocab();
                    let tokens = chunk.text_tokens().unwrap_or_default();
                    if !tokens.iter().all(|token| known.contains(&token.0)) {
                        return Err(Why::failed("the projector belongs to another model"));
                    }
                }
                // GGML_ASSERT(causal_attn || n_ubatch >= n_tokens) in llama_context::decode, and
                // silently other numbers where n_batch splits the image.
                MtmdInputChunkType::Image if mtmd.decode_use_non_causal() => {
                    let needed = count(chunk.n_tokens());
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
    pub(super) fn check_room(&self, end: Cursor) -> Result<(), Why> {
        let position = end.position.unsigned_abs();
        if end.cells > self.limits.cells {
            return Err(Why::TooLong { needed: end.cells, limit: self.limits.cells });
        }
        if position > self.limits.positions {
            return Err(Why::TooLong { needed: position, limit: self.limits.positions });
        }
        Ok(())
    }

    /// Whether tokens fit after `start`, and one batch by themselves:
    /// `GGML_ASSERT(n_tokens_all <= n_batch)`.
    pub(super) fn check_suffix(&self, start: Cursor, tokens: usize) -> Result<(), Why> {
        self.check_room(start.advance(tokens))?;
        let needed = count(tokens);
        if needed > self.limits.batch {
            return Err(Why::TooLong { needed, limit: self.limits.batch });
        }
        Ok(())
    }
}

/// Where an empty sequence will stand after these chunks.
pub(super) fn end_of(chunks: &MtmdInputChunks) -> Cursor {
    Cursor { position: chunks.total_positions(), cells: count(chunks.total_tokens()) }
}

fn bitmap(view: &View) -> Result<MtmdBitmap, Why> {
    let pixels = view.pixels();
    // The binding multiplies the sides in 32 bits.
    if u64::from(pixels.width()) * u64::from(pixels.height()) * 3 > u64::from(u32::MAX) {
        return Err(Why::failed("the image has more pixels than the engine takes"));
    }
    MtmdBitmap::from_image_data(pixels.width(), pixels.height(), pixels.as_raw())
        .map_err(Why::failed)
}

/// A sequence as llama.cpp numbers it.
pub(super) fn id(sequence: u32) -> i32 {
    i32::try_from(sequence).unwrap_or(i32::MAX)
}

pub(super) fn count(tokens: usize) -> u32 {
    u32::try_from(tokens).unwrap_or(u32::MAX)
}
