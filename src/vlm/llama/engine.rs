//! A model with its context and the limits that every call into it is checked against.
//!
//! llama.cpp aborts the process where another library would return an error. Every limit is
//! therefore checked here before the call; the comments name the assertion that is avoided.
//!
//! Sequences of the KV cache, which are all of one stream:
//!
//! ```text
//! 0 .. 7      trunks   an image each, kept while there is room   (trunk)
//! 8 ..        forks    a question or a conversation each         (tree, asking, talk)
//! ```

use std::time::Instant;

use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;

use super::chat::ChatTemplate;
use super::ffi::{Batch, Context, Piece, Pieces, Projector};
use super::kept::KeptImages;
use super::spent::Spent;
use super::trunk::Trunks;
use super::yes_no::YesNoTokens;
use crate::imaging::View;
use crate::verdict::Why;
use crate::vlm::Answer;

/// Images whose prefixes may be kept at once.
pub(super) const TRUNKS: u32 = 8;
/// The first sequence for a question of its own.
pub(super) const FIRST_FORK: u32 = TRUNKS;

/// The answer is read off the last token of a text; without one there are no logits.
pub(super) const NOTHING_AFTER_IMAGE: &str =
    "the model's chat template puts nothing after the image";

/// What a model has answered that computed with NaN.
pub(super) const NO_NUMBERS: &str = "the model's logits are not numbers";

const NO_EYES: &str = "the model was loaded without a projector and can't see";
const NO_LOGITS: &str = "the model gave no logits";

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
    pub(super) context: Context<'model>,
    /// Nothing for a model that only talks.
    pub(super) eyes: Option<Eyes<'model>>,
    pub(super) chat: ChatTemplate,
    pub(super) limits: Limits,
    pub(super) trunks: Trunks,
    /// Images that were seen in other runs, where any are kept.
    pub(super) kept: Option<KeptImages>,
    /// Images that the vision encoder has seen.
    pub(super) encoded: u64,
    pub(super) spent: Spent,
}

/// What judging needs beside the language model.
pub(super) struct Eyes<'model> {
    pub(super) projector: Projector<'model>,
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

    fn eyes(&self) -> Result<&Eyes<'_>, Why> {
        self.eyes.as_ref().ok_or_else(|| Why::failed(NO_EYES))
    }

    /// Reads the answer off the logits of a token of the last batch.
    pub(super) fn read(&self, index: usize, own_words: bool) -> Answer {
        let read = |eyes: &Eyes<'_>, logits: &[f32]| {
            let own = eyes.own_words.as_ref().filter(|_| own_words);
            own.unwrap_or(&eyes.answers).read(logits)
        };
        let answer = self.eyes().and_then(|eyes| Ok(read(eyes, self.logits(index)?)));
        answer.unwrap_or_else(Answer::Unavailable)
    }

    /// The logits of a token of the last batch.
    pub(super) fn logits(&self, index: usize) -> Result<&[f32], Why> {
        self.context.logits(index).ok_or_else(|| Why::failed(NO_LOGITS))
    }

    /// Empties the cache where an answer was no number. What made it so is still there, and attention
    /// multiplies by nought what is not to be looked at: NaN times nought is NaN, in anybody's answer.
    pub(super) fn forget_what_is_no_number<'a>(&mut self, whys: impl IntoIterator<Item = &'a Why>) {
        let no_numbers = Why::failed(NO_NUMBERS);
        if whys.into_iter().any(|why| *why == no_numbers) {
            self.clear();
        }
    }

    /// Splits a text around its image into what is evaluated.
    pub(super) fn pieces(&self, view: Option<&View>, text: &str) -> Result<Pieces, Why> {
        let projector = &self.eyes()?.projector;
        let pixels = view.map(|view| &**view.pixels());
        let pieces = projector.pieces(text, pixels).map_err(Why::failed)?;
        self.check_pieces(&pieces, projector)?;
        Ok(pieces)
    }

    /// Evaluates pieces from a position of a sequence on, which has room for them, with what the vision
    /// encoder has made of their images: the position after them, and the index in the last batch of
    /// the last word, whose logits are computed if they are wanted.
    pub(super) fn evaluate(
        &mut self,
        pieces: &[Piece<'_>],
        mut embedding: &[f32],
        (sequence, mut position): (u32, i32),
        logits: bool,
    ) -> Result<(i32, usize), Why> {
        let mut last = 0;
        for piece in pieces {
            match piece {
                Piece::Words(tokens) => {
                    last = self.decode(tokens, position, sequence, logits)?;
                    position = position.saturating_add_unsigned(count(tokens.len()));
                }
                Piece::Image(image) => {
                    let eyes = self.eyes.as_mut().ok_or_else(|| Why::failed(NO_EYES))?;
                    let length = eyes.projector.length_of(image).min(embedding.len());
                    let (tile, rest) = embedding.split_at(length);
                    let at = (sequence, position);
                    let decoded = self.context.decode_image(&mut eyes.projector, image, tile, at);
                    position = decoded.map_err(Why::failed)?;
                    embedding = rest;
                }
            }
        }
        Ok((position, last))
    }

    /// What the vision encoder makes of the image in a prompt, all its tiles one after another; that of
    /// a view may be known.
    pub(super) fn embedding(
        &mut self,
        pieces: &[Piece<'_>],
        view: Option<&View>,
    ) -> Result<Vec<f32>, Why> {
        let began = Instant::now();
        let kept = self.kept.as_ref().zip(view);
        let eyes = self.eyes.as_mut().ok_or_else(|| Why::failed(NO_EYES))?;
        let images = || pieces.iter().filter_map(Piece::image);
        let length = images().map(|image| eyes.projector.length_of(image)).sum();
        if let Some(known) = kept.and_then(|(kept, view)| kept.find(view, length)) {
            self.spent.encode += began.elapsed();
            return Ok(known);
        }
        let mut embedding = Vec::with_capacity(length);
        for image in images() {
            embedding.extend_from_slice(eyes.projector.encode(image).map_err(Why::failed)?);
        }
        if let Some((kept, view)) = kept {
            kept.keep(view, &embedding);
        }
        self.encoded += u64::from(length > 0);
        self.spent.encode += began.elapsed();
        Ok(embedding)
    }

    /// Appends tokens to a sequence, at most a batch at a time; gives the index in the last batch of
    /// the last, whose logits are computed if they are wanted.
    pub(super) fn decode(
        &mut self,
        tokens: &[LlamaToken],
        start: i32,
        sequence: u32,
        logits: bool,
    ) -> Result<usize, Why> {
        let (mut position, mut last) = (start, 0);
        for piece in tokens.chunks(self.limits.batch as usize) {
            let mut batch = Batch::of(piece.len());
            // Of a piece before the last they are not looked at.
            last = batch.add_all(piece, position, sequence, logits);
            position = position.saturating_add_unsigned(count(piece.len()));
            self.context.decode(&mut batch).map_err(Why::failed)?;
        }
        Ok(last)
    }

    /// Checks what mtmd does not: that every token is one, and that an image whose tokens attend to
    /// each other is computed at once.
    fn check_pieces(&self, pieces: &Pieces, projector: &Projector<'_>) -> Result<(), Why> {
        let at_once = self.limits.batch.min(self.limits.micro_batch);
        let known = 0..self.model.n_vocab();
        for piece in pieces.iter() {
            match piece {
                // A projector of another family asks for special tokens that this vocabulary lacks,
                // and mtmd writes -1.
                Piece::Words(tokens) => {
                    if !tokens.iter().all(|token| known.contains(&token.0)) {
                        return Err(Why::failed("the projector belongs to another model"));
                    }
                }
                // GGML_ASSERT(causal_attn || n_ubatch >= n_tokens) in llama_context::decode, and
                // silently other numbers where n_batch splits the image.
                Piece::Image(image) if projector.sees_at_once() => {
                    let needed = count(image.tokens);
                    if needed > at_once {
                        return Err(Why::TooLong { needed, limit: at_once });
                    }
                }
                Piece::Image(_) => {}
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

    /// Whether a text fits after `start`, and one batch by itself:
    /// `GGML_ASSERT(n_tokens_all <= n_batch)`.
    pub(super) fn check_text(&self, start: Cursor, tokens: usize) -> Result<(), Why> {
        self.check_room(start.advance(tokens))?;
        let needed = count(tokens);
        if needed > self.limits.batch {
            return Err(Why::TooLong { needed, limit: self.limits.batch });
        }
        Ok(())
    }
}

/// Where an empty sequence will stand after these pieces.
pub(super) fn end_of(pieces: &Pieces) -> Cursor {
    Cursor { position: pieces.positions(), cells: count(pieces.tokens()) }
}

pub(super) fn count(tokens: usize) -> u32 {
    u32::try_from(tokens).unwrap_or(u32::MAX)
}
