//! A language model's context: its KV cache, and what is computed in it.

use std::marker::PhantomData;
use std::ops::RangeInclusive;
use std::ptr::{self, NonNull};
use std::slice;

use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_sys_2 as sys;

use super::{ImagePiece, NativeError, Projector, pointer_of};

/// What a context is made with; llama.cpp may round and clamp it.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Settings {
    /// Cells of the KV cache, which all sequences share.
    pub(in super::super) cells: u32,
    /// Tokens in one batch.
    pub(in super::super) batch: u32,
    /// Tokens computed at once.
    pub(in super::super) micro_batch: u32,
    /// Sequences.
    pub(in super::super) sequences: u32,
    pub(in super::super) threads: i32,
    /// Whether attention is computed in one pass where the model allows it.
    pub(in super::super) flash_attention: bool,
    /// Whether keys and values are kept in eight bits.
    pub(in super::super) quantised_cache: bool,
}

/// Tokens to be evaluated, each in its place of its sequences.
#[derive(Debug, Default)]
pub(in super::super) struct Batch {
    tokens: Vec<sys::llama_token>,
    positions: Vec<sys::llama_pos>,
    /// Of all tokens, one after another.
    sequences: Vec<sys::llama_seq_id>,
    /// How many of them each token has.
    sequences_of_each: Vec<i32>,
    wants_logits: Vec<i8>,
}

impl Batch {
    pub(in super::super) fn of(tokens: usize) -> Self {
        Self {
            tokens: Vec::with_capacity(tokens),
            positions: Vec::with_capacity(tokens),
            sequences: Vec::with_capacity(tokens),
            sequences_of_each: Vec::with_capacity(tokens),
            wants_logits: Vec::with_capacity(tokens),
        }
    }

    /// Adds a token, which is one cell in all its sequences, and gives its index, by which its logits
    /// are found.
    pub(in super::super) fn add(
        &mut self,
        token: LlamaToken,
        position: i32,
        sequences: RangeInclusive<u32>,
        wants_logits: bool,
    ) -> usize {
        let before = self.sequences.len();
        self.tokens.push(token.0);
        self.positions.push(position);
        self.sequences.extend(sequences.map(id));
        let added = self.sequences.len() - before;
        self.sequences_of_each.push(i32::try_from(added).unwrap_or(i32::MAX));
        self.wants_logits.push(i8::from(wants_logits));
        self.tokens.len() - 1
    }

    /// Adds tokens of one sequence one after another from a position on, of which only the last may
    /// want logits; gives its index.
    pub(in super::super) fn add_all(
        &mut self,
        tokens: &[LlamaToken],
        start: i32,
        sequence: u32,
        last_wants_logits: bool,
    ) -> usize {
        let mut last = 0;
        for ((position, token), nth) in (start..).zip(tokens).zip(1..) {
            let wants_logits = last_wants_logits && nth == tokens.len();
            last = self.add(*token, position, sequence..=sequence, wants_logits);
        }
        last
    }

    /// For each token, where its sequences begin in the list of all.
    fn beginnings(&mut self) -> Result<Vec<*mut sys::llama_seq_id>, NativeError> {
        let mut rest = self.sequences.as_mut_slice();
        let mut beginnings = Vec::with_capacity(self.tokens.len());
        for &many in &self.sequences_of_each {
            let (its, after) = rest.split_at_mut(usize::try_from(many).unwrap_or(0));
            if its.is_empty() {
                return Err(NativeError::NoSequence);
            }
            beginnings.push(its.as_mut_ptr());
            rest = after;
        }
        Ok(beginnings)
    }
}

#[cfg(test)]
impl Batch {
    pub(in super::super) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// A sequence's tokens with their positions, in their order.
    pub(in super::super) fn sequence(&self, sequence: u32) -> Vec<(LlamaToken, i32)> {
        let mut from = 0;
        let mut found = Vec::new();
        for (index, &many) in self.sequences_of_each.iter().enumerate() {
            let to = from + usize::try_from(many).unwrap();
            if self.sequences[from..to].contains(&id(sequence)) {
                found.push((LlamaToken::new(self.tokens[index]), self.positions[index]));
            }
            from = to;
        }
        found
    }

    /// Whether the token at an index wants logits.
    pub(in super::super) fn is_read_at(&self, index: usize) -> bool {
        self.wants_logits[index] != 0
    }
}

/// A context, which borrows its model.
#[derive(Debug)]
pub(in super::super) struct Context<'model> {
    pointer: NonNull<sys::llama_context>,
    sequences: u32,
    /// Tokens in the vocabulary: logits of one place.
    vocabulary: usize,
    model: PhantomData<&'model LlamaModel>,
}

impl<'model> Context<'model> {
    /// Makes a context with one KV cache for all sequences, of full size where a model has a window.
    pub(in super::super) fn new(
        _initialised: &LlamaBackend,
        model: &'model LlamaModel,
        settings: Settings,
    ) -> Result<Self, NativeError> {
        // SAFETY: it only fills a struct.
        let mut params = unsafe { sys::llama_context_default_params() };
        params.n_ctx = settings.cells;
        params.n_batch = settings.batch;
        params.n_ubatch = settings.micro_batch;
        params.n_seq_max = settings.sequences;
        params.n_threads = settings.threads;
        params.n_threads_batch = settings.threads;
        params.kv_unified = true;
        // Gemma 3's window would drop the image's first tokens before the last question is asked.
        params.swa_full = true;
        if !settings.flash_attention {
            params.flash_attn_type = sys::LLAMA_FLASH_ATTN_TYPE_DISABLED;
        }
        if settings.quantised_cache {
            params.type_k = sys::GGML_TYPE_Q8_0;
            params.type_v = sys::GGML_TYPE_Q8_0;
        }
        // SAFETY: the model lives as long as the context, which borrows it. llama.cpp may write a
        // model's trained length here; contexts of one model are made one after another.
        let pointer = unsafe { sys::llama_init_from_model(pointer_of(model).as_ptr(), params) };
        let pointer = NonNull::new(pointer).ok_or(NativeError::NoContext)?;
        let vocabulary = usize::try_from(model.n_vocab()).unwrap_or(0);
        Ok(Self { pointer, sequences: settings.sequences, vocabulary, model: PhantomData })
    }

    /// Cells of the KV cache.
    pub(in super::super) fn cells(&self) -> u32 {
        // SAFETY: the pointer lives as long as `self`.
        unsafe { sys::llama_n_ctx(self.pointer.as_ptr()) }
    }

    /// Tokens in one batch.
    pub(in super::super) fn batch(&self) -> u32 {
        // SAFETY: as above.
        unsafe { sys::llama_n_batch(self.pointer.as_ptr()) }
    }

    /// Tokens computed at once.
    pub(in super::super) fn micro_batch(&self) -> u32 {
        // SAFETY: as above.
        unsafe { sys::llama_n_ubatch(self.pointer.as_ptr()) }
    }

    /// Evaluates a batch.
    pub(in super::super) fn decode(&mut self, batch: &mut Batch) -> Result<(), NativeError> {
        let tokens = batch.tokens.len();
        if tokens == 0 {
            return Ok(());
        }
        // GGML_ASSERT(n_tokens_all <= cparams.n_batch)
        within("a batch of", tokens, self.batch() as usize)?;
        let mut beginnings = batch.beginnings()?;
        let native = sys::llama_batch {
            n_tokens: i32::try_from(tokens).unwrap_or(i32::MAX),
            token: batch.tokens.as_mut_ptr(),
            embd: ptr::null_mut(),
            pos: batch.positions.as_mut_ptr(),
            n_seq_id: batch.sequences_of_each.as_mut_ptr(),
            seq_id: beginnings.as_mut_ptr(),
            logits: batch.wants_logits.as_mut_ptr(),
        };
        // SAFETY: every array has `n_tokens` elements and outlives the call, and every beginning is
        // followed by as many sequences as are said, at least one; tokens and sequences that do not
        // exist are refused by llama.cpp itself (`llama_batch_allocr::init`).
        match unsafe { sys::llama_decode(self.pointer.as_ptr(), native) } {
            0 => Ok(()),
            code => Err(NativeError::NotDecoded(code)),
        }
    }

    /// Evaluates an image's embedding, in a sequence that goes on at `position`; gives the position
    /// after it.
    pub(in super::super) fn decode_image(
        &mut self,
        projector: &mut Projector<'_>,
        image: &ImagePiece<'_>,
        embedding: &[f32],
        (sequence, position): (u32, i32),
    ) -> Result<i32, NativeError> {
        let needed = projector.length_of(image);
        if needed == 0 || embedding.len() != needed {
            let (asked, limit) = (embedding.len(), needed);
            return Err(NativeError::Beyond { what: "an embedding of", asked, limit });
        }
        self.check(sequence)?;
        let batch = i32::try_from(self.batch()).unwrap_or(i32::MAX);
        let mut end = position;
        // SAFETY: projector, piece and context are alive; the piece is the projector's own
        // (`length_of` looks); the embedding is as long as is read, and is not written.
        let code = unsafe {
            sys::mtmd_helper_decode_image_chunk(
                projector.as_ptr(),
                self.pointer.as_ptr(),
                image.as_ptr(),
                embedding.as_ptr().cast_mut(),
                position,
                id(sequence),
                batch,
                &raw mut end,
                None,
                ptr::null_mut(),
            )
        };
        if code == 0 { Ok(end) } else { Err(NativeError::NotDecoded(code)) }
    }

    /// The logits of the batch's token at an index, over the whole vocabulary; nothing where none were
    /// wanted.
    pub(in super::super) fn logits(&self, index: usize) -> Option<&[f32]> {
        // SAFETY: the first call after a batch waits for it and puts its rows in order, before any row
        // is lent; later ones change nothing. An index without logits gives null.
        let logits =
            unsafe { sys::llama_get_logits_ith(self.pointer.as_ptr(), i32::try_from(index).ok()?) };
        // SAFETY: one row holds the vocabulary, and stays until the next `&mut self`.
        NonNull::new(logits)
            .map(|row| unsafe { slice::from_raw_parts(row.as_ptr(), self.vocabulary) })
    }

    /// Waits until what was handed in is computed.
    pub(in super::super) fn synchronize(&mut self) {
        // SAFETY: the pointer lives as long as `self`.
        unsafe { sys::llama_synchronize(self.pointer.as_ptr()) }
    }

    /// Makes `to`, which is empty, go on where `from` stands. All sequences are of one stream, so that
    /// this is bookkeeping and not a copy; with several it would be `GGML_ASSERT(is_full)` in
    /// `llama_kv_cache::seq_cp`.
    pub(in super::super) fn fork(&mut self, from: u32, to: u32) -> Result<(), NativeError> {
        self.fork_before(i32::MAX, from, to)
    }

    /// Makes `to`, which is empty, go on where `from` came to a position.
    pub(in super::super) fn fork_before(
        &mut self,
        position: i32,
        from: u32,
        to: u32,
    ) -> Result<(), NativeError> {
        self.check(from)?;
        self.check(to)?;
        // SAFETY: both are sequences of this context: GGML_ASSERT(seq_id < seq_to_stream.size()).
        unsafe { sys::llama_memory_seq_cp(self.memory(), id(from), id(to), 0, position) }
        Ok(())
    }

    /// Empties a sequence. Removing a whole one can't fail; only partial removal can.
    pub(in super::super) fn clear_sequence(&mut self, sequence: u32) {
        if self.check(sequence).is_ok() {
            // SAFETY: as in `fork_before`.
            unsafe { sys::llama_memory_seq_rm(self.memory(), id(sequence), -1, -1) };
        }
    }

    /// Empties the KV cache.
    pub(in super::super) fn clear(&mut self) {
        // SAFETY: the memory is the context's own.
        unsafe { sys::llama_memory_clear(self.memory(), true) }
    }

    /// Tokens evaluated since the context was made.
    pub(in super::super) fn evaluated(&self) -> u64 {
        // SAFETY: it reads counters.
        let counted = unsafe { sys::llama_perf_context(self.pointer.as_ptr()) };
        u64::from(counted.n_p_eval.unsigned_abs()) + u64::from(counted.n_eval.unsigned_abs())
    }

    fn memory(&self) -> sys::llama_memory_t {
        // SAFETY: the pointer lives as long as `self`.
        unsafe { sys::llama_get_memory(self.pointer.as_ptr()) }
    }

    fn check(&self, sequence: u32) -> Result<(), NativeError> {
        within("sequence", sequence as usize + 1, self.sequences as usize)
    }
}

impl Drop for Context<'_> {
    fn drop(&mut self) {
        // SAFETY: nobody else frees it, and nothing borrows from it any more.
        unsafe { sys::llama_free(self.pointer.as_ptr()) }
    }
}

fn within(what: &'static str, asked: usize, limit: usize) -> Result<(), NativeError> {
    if asked <= limit { Ok(()) } else { Err(NativeError::Beyond { what, asked, limit }) }
}

/// A sequence as llama.cpp numbers it.
fn id(sequence: u32) -> sys::llama_seq_id {
    i32::try_from(sequence).unwrap_or(i32::MAX)
}
