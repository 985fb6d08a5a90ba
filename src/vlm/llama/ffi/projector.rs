//! A model's eyes: prompts split around their image, and the vision encoder with its projector.

use std::ffi::{CStr, CString};
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::slice;
use std::sync::atomic::{AtomicU64, Ordering};

use image::RgbImage;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_sys_2 as sys;

use super::{NativeError, pointer_of};

/// Projectors that this process has loaded.
static LOADED: AtomicU64 = AtomicU64::new(0);

/// What a projector is loaded with.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Wiring<'a> {
    pub(in super::super) threads: i32,
    pub(in super::super) use_gpu: bool,
    /// What stands in a prompt for its image.
    pub(in super::super) marker: &'a CStr,
}

/// A projector, which borrows the model that it belongs to.
#[derive(Debug)]
pub(in super::super) struct Projector<'model> {
    pointer: NonNull<sys::mtmd_context>,
    /// Which of all projectors that this process has loaded, by which its pieces are known.
    serial: u64,
    /// Numbers that one token of an image becomes.
    width: usize,
    model: PhantomData<&'model LlamaModel>,
}

impl<'model> Projector<'model> {
    /// Loads a projector.
    pub(in super::super) fn load(
        model: &'model LlamaModel,
        path: &CStr,
        wiring: Wiring<'_>,
    ) -> Result<Self, NativeError> {
        let model = pointer_of(model).as_ptr();
        // SAFETY: it only fills a struct.
        let mut params = unsafe { sys::mtmd_context_params_default() };
        params.use_gpu = wiring.use_gpu;
        params.print_timings = false;
        params.n_threads = wiring.threads;
        params.media_marker = wiring.marker.as_ptr();
        // SAFETY: path and marker end with zero and are copied; the model outlives the projector, which
        // borrows it.
        let pointer = unsafe { sys::mtmd_init_from_file(path.as_ptr(), model, params) };
        let pointer = NonNull::new(pointer).ok_or(NativeError::NoProjector)?;
        // SAFETY: the model is alive. It is the width that mtmd itself uses; with deepstack it is
        // more than that of a word.
        let width = unsafe { sys::llama_model_n_embd_inp(model) };
        let width = usize::try_from(width).unwrap_or(0);
        let serial = LOADED.fetch_add(1, Ordering::Relaxed);
        Ok(Self { pointer, serial, width, model: PhantomData })
    }

    /// Whether it is for images.
    pub(in super::super) fn sees(&self) -> bool {
        // SAFETY: the pointer lives as long as `self`.
        unsafe { sys::mtmd_support_vision(self.pointer.as_ptr()) }
    }

    /// Whether an image's tokens attend to each other, so that all have to be computed at once.
    pub(in super::super) fn sees_at_once(&self) -> bool {
        // SAFETY: as above; without a piece it tells of images.
        unsafe { sys::mtmd_decode_use_non_causal(self.pointer.as_ptr(), std::ptr::null()) }
    }

    /// Splits a text around the image that its marker stands for.
    pub(in super::super) fn pieces(
        &self,
        text: &str,
        image: Option<&RgbImage>,
    ) -> Result<Pieces, NativeError> {
        let text = CString::new(text).map_err(|_| NativeError::ZeroByte)?;
        let input = sys::mtmd_input_text {
            text: text.as_ptr(),
            text_len: text.as_bytes().len(),
            add_special: false,
            parse_special: true,
        };
        let bitmap = image.map(Bitmap::of).transpose()?;
        let mut bitmaps: Vec<*const sys::mtmd_bitmap> =
            bitmap.iter().map(|bitmap| bitmap.0.as_ptr().cast_const()).collect();
        let pieces = Pieces::new(self)?;
        // SAFETY: text and bitmaps outlive the call, which copies what it keeps.
        let code = unsafe {
            sys::mtmd_tokenize(
                self.pointer.as_ptr(),
                pieces.pointer.as_ptr(),
                &raw const input,
                bitmaps.as_mut_ptr(),
                bitmaps.len(),
            )
        };
        if code == 0 { Ok(pieces) } else { Err(NativeError::NotTokenized(code)) }
    }

    /// What the vision encoder makes of an image: for each of its tokens as many numbers as the
    /// language model takes.
    pub(in super::super) fn encode(
        &mut self,
        image: &ImagePiece<'_>,
    ) -> Result<&[f32], NativeError> {
        let length = self.length_of(image);
        if length == 0 {
            return Err(NativeError::NotEncoded(0));
        }
        // SAFETY: the piece is alive, and this projector's own.
        match unsafe { sys::mtmd_encode_chunk(self.pointer.as_ptr(), image.as_ptr()) } {
            0 => {}
            code => return Err(NativeError::NotEncoded(code)),
        }
        // SAFETY: mtmd.h: the embedding of the last image encoded, `n_embd_inp` numbers a token;
        // it stays until the next `&mut self`.
        let embedding = unsafe { sys::mtmd_get_output_embd(self.pointer.as_ptr()) };
        let embedding = NonNull::new(embedding).ok_or(NativeError::NotEncoded(0))?;
        // SAFETY: as above.
        Ok(unsafe { slice::from_raw_parts(embedding.as_ptr(), length) })
    }

    /// How many numbers an image becomes; none for another projector's.
    pub(in super::super) fn length_of(&self, image: &ImagePiece<'_>) -> usize {
        if image.made_by == self.serial { image.tokens * self.width } else { 0 }
    }

    pub(super) fn as_ptr(&mut self) -> *mut sys::mtmd_context {
        self.pointer.as_ptr()
    }
}

impl Drop for Projector<'_> {
    fn drop(&mut self) {
        // SAFETY: nobody else frees it, and nothing borrows from it any more.
        unsafe { sys::mtmd_free(self.pointer.as_ptr()) }
    }
}

/// A prompt in pieces: words, and images as the encoder takes them.
#[derive(Debug)]
pub(in super::super) struct Pieces {
    pointer: NonNull<sys::mtmd_input_chunks>,
    made_by: u64,
}

/// One piece.
#[derive(Debug)]
pub(in super::super) enum Piece<'pieces> {
    Words(Vec<LlamaToken>),
    Image(ImagePiece<'pieces>),
}

impl<'pieces> Piece<'pieces> {
    pub(in super::super) fn image(&self) -> Option<&ImagePiece<'pieces>> {
        match self {
            Self::Words(_) => None,
            Self::Image(image) => Some(image),
        }
    }
}

/// An image, or a tile of one.
#[derive(Debug)]
pub(in super::super) struct ImagePiece<'pieces> {
    pointer: NonNull<sys::mtmd_input_chunk>,
    made_by: u64,
    /// Tokens that it becomes, each a cell of the KV cache.
    pub(in super::super) tokens: usize,
    pieces: PhantomData<&'pieces Pieces>,
}

impl ImagePiece<'_> {
    pub(super) fn as_ptr(&self) -> *const sys::mtmd_input_chunk {
        self.pointer.as_ptr().cast_const()
    }
}

impl Pieces {
    fn new(projector: &Projector<'_>) -> Result<Self, NativeError> {
        // SAFETY: it makes an empty list.
        let pointer = NonNull::new(unsafe { sys::mtmd_input_chunks_init() });
        let pointer = pointer.ok_or(NativeError::NotTokenized(0))?;
        Ok(Self { pointer, made_by: projector.serial })
    }

    /// All pieces in their order.
    pub(in super::super) fn iter(&self) -> impl Iterator<Item = Piece<'_>> {
        // SAFETY: the list lives as long as `self`.
        let count = unsafe { sys::mtmd_input_chunks_size(self.pointer.as_ptr()) };
        (0..count).filter_map(|index| {
            // SAFETY: the index is within the list, which owns what it gives.
            let piece = unsafe { sys::mtmd_input_chunks_get(self.pointer.as_ptr(), index) };
            Some(self.piece(NonNull::new(piece.cast_mut())?))
        })
    }

    fn piece(&self, pointer: NonNull<sys::mtmd_input_chunk>) -> Piece<'_> {
        // SAFETY: the piece lives as long as `self`, here and below.
        let kind = unsafe { sys::mtmd_input_chunk_get_type(pointer.as_ptr()) };
        if kind != sys::MTMD_INPUT_CHUNK_TYPE_TEXT {
            // SAFETY: as above.
            let tokens = unsafe { sys::mtmd_input_chunk_get_n_tokens(pointer.as_ptr()) };
            let made_by = self.made_by;
            return Piece::Image(ImagePiece { pointer, made_by, tokens, pieces: PhantomData });
        }
        let mut count = 0;
        // SAFETY: as above; it writes how many there are.
        let tokens =
            unsafe { sys::mtmd_input_chunk_get_tokens_text(pointer.as_ptr(), &raw mut count) };
        let Some(tokens) = NonNull::new(tokens.cast_mut()) else { return Piece::Words(Vec::new()) };
        // SAFETY: as many tokens as it has said, which nobody changes.
        let tokens = unsafe { slice::from_raw_parts(tokens.as_ptr(), count) };
        Piece::Words(tokens.iter().copied().map(LlamaToken::new).collect())
    }

    /// Cells of the KV cache that all take.
    pub(in super::super) fn tokens(&self) -> usize {
        // SAFETY: the list lives as long as `self`.
        unsafe { sys::mtmd_helper_get_n_tokens(self.pointer.as_ptr()) }
    }

    /// Positions that all take: with M-RoPE fewer than cells.
    pub(in super::super) fn positions(&self) -> i32 {
        // SAFETY: as above.
        unsafe { sys::mtmd_helper_get_n_pos(self.pointer.as_ptr()) }
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        // SAFETY: nobody else frees it, and pieces borrow it.
        unsafe { sys::mtmd_input_chunks_free(self.pointer.as_ptr()) }
    }
}

/// Pixels as mtmd takes them.
struct Bitmap(NonNull<sys::mtmd_bitmap>);

impl Bitmap {
    fn of(pixels: &RgbImage) -> Result<Self, NativeError> {
        let (width, height) = pixels.dimensions();
        // SAFETY: an `RgbImage` holds three bytes a pixel, which are copied.
        let pointer = unsafe { sys::mtmd_bitmap_init(width, height, pixels.as_raw().as_ptr()) };
        NonNull::new(pointer).map(Self).ok_or(NativeError::NotTokenized(0))
    }
}

impl Drop for Bitmap {
    fn drop(&mut self) {
        // SAFETY: nobody else frees it.
        unsafe { sys::mtmd_bitmap_free(self.0.as_ptr()) }
    }
}
