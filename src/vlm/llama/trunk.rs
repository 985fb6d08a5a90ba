//! Images that stay in the cache: what stands before and within an image is evaluated once, and
//! questions, reasoning and whatever else is asked of the same view go on from there.
//!
//! The oldest images make room for new ones and for their questions; an image with a region
//! removed is asked once and goes first.

use std::sync::{Arc, Weak};
use std::time::Instant;

use image::RgbImage;
use llama_cpp_2::token::LlamaToken;

use super::engine::{Cursor, Engine, TRUNKS, count, end_of};
use super::ffi::{Piece, Pieces};
use crate::ids::ViewKind;
use crate::imaging::View;
use crate::verdict::Why;

/// What a view's texts go on from: a sequence that ends with its image, or nothing at all.
#[derive(Clone, Debug, Default)]
pub(super) struct Trunk {
    /// None without an image.
    pub(super) sequence: Option<u32>,
    /// Where texts go on, after the words that stand between image and text.
    pub(super) end: Cursor,
    /// Words that stand before the image and are evaluated with it. They depend on the image too: some
    /// forms name its first tile there.
    before: Vec<LlamaToken>,
    /// Words that the model's form puts after the image; they are evaluated with the texts.
    pub(super) after: Vec<LlamaToken>,
}

/// The images in the cache.
#[derive(Debug, Default)]
pub(super) struct Trunks {
    kept: Vec<Kept>,
    clock: u64,
}

#[derive(Debug)]
struct Kept {
    /// Which pixels. While this is held no other image can have their address, and no pixel is
    /// kept alive by it.
    pixels: Weak<RgbImage>,
    /// The words before the image.
    head: String,
    trunk: Trunk,
    /// When it was asked last; the lowest goes first.
    asked: u64,
}

impl Trunks {
    /// Cells that all images take.
    pub(super) fn cells(&self) -> u32 {
        self.kept.iter().map(|kept| kept.trunk.end.cells).sum()
    }

    fn find(&mut self, view: &View, head: &str) -> Option<Trunk> {
        self.clock += 1;
        let pixels = Arc::downgrade(view.pixels());
        let same = |kept: &&mut Kept| kept.pixels.ptr_eq(&pixels) && kept.head == head;
        let kept = self.kept.iter_mut().find(same)?;
        kept.asked = self.clock;
        Some(kept.trunk.clone())
    }

    /// The sequence of an image with the same words before it, asked last.
    fn beginning_with(&self, before: &[LlamaToken]) -> Option<u32> {
        let same = self.kept.iter().filter(|kept| kept.trunk.before == before);
        same.max_by_key(|kept| kept.asked)?.trunk.sequence
    }

    fn keep(&mut self, view: &View, head: &str, trunk: Trunk) {
        self.clock += 1;
        let once = matches!(view.kind(), ViewKind::Without { .. });
        self.kept.push(Kept {
            pixels: Arc::downgrade(view.pixels()),
            head: head.to_owned(),
            trunk,
            asked: if once { 0 } else { self.clock },
        });
    }

    /// Takes out the image that was asked longest ago, other than `but`, and gives its sequence.
    fn oldest_but(&mut self, but: Option<u32>) -> Option<u32> {
        let others = self.kept.iter().enumerate();
        let others = others.filter(|(_, kept)| kept.trunk.sequence != but);
        let (index, _) = others.min_by_key(|(_, kept)| kept.asked)?;
        self.kept.swap_remove(index).trunk.sequence
    }

    fn free_sequence(&self) -> Option<u32> {
        (0..TRUNKS).find(|free| self.kept.iter().all(|kept| kept.trunk.sequence != Some(*free)))
    }
}

impl Engine<'_> {
    /// The sequence that ends with the view's image, evaluated unless it is there already; older
    /// images make room for it and for `wanted` cells besides, as far as that is possible. Without a
    /// view they only make room.
    pub(super) fn trunk(
        &mut self,
        view: Option<&View>,
        head: &str,
        wanted: u32,
    ) -> Result<Trunk, Why> {
        let Some(view) = view else {
            self.make_room(wanted, None);
            return Ok(Trunk::default());
        };
        if let Some(trunk) = self.trunks.find(view, head) {
            self.make_room(wanted, trunk.sequence);
            return Ok(trunk);
        }
        let began = Instant::now();
        let pieces = self.pieces(Some(view), head)?;
        self.spent.prepare += began.elapsed();
        let end = end_of(&pieces);
        self.check_room(end)?;
        self.make_room(end.cells.saturating_add(wanted), None);
        let sequence = match self.trunks.free_sequence() {
            Some(free) => free,
            None => self.evict(None).unwrap_or(0),
        };
        match self.evaluate_trunk(view, &pieces, sequence) {
            Ok(trunk) => {
                self.trunks.keep(view, head, trunk.clone());
                Ok(trunk)
            }
            Err(why) => {
                self.context.clear_sequence(sequence);
                Err(why)
            }
        }
    }

    /// Evaluates a view's image into an empty sequence that has room for it. Words before it that
    /// another image has as well are taken from there; words after it are left to the questions.
    fn evaluate_trunk(
        &mut self,
        view: &View,
        pieces: &Pieces,
        sequence: u32,
    ) -> Result<Trunk, Why> {
        let end = end_of(pieces);
        let pieces: Vec<Piece<'_>> = pieces.iter().collect();
        let (before, rest) = match pieces.as_slice() {
            [Piece::Words(words), rest @ ..] => (words.as_slice(), rest),
            rest => (&[][..], rest),
        };
        let (image, after) = match rest {
            [image @ .., Piece::Words(words)] => (image, words.as_slice()),
            image => (image, &[][..]),
        };
        let embedding = self.embedding(image, Some(view))?;
        let began = Instant::now();
        let position = i32::try_from(before.len()).unwrap_or(i32::MAX);
        match self.trunks.beginning_with(before) {
            Some(other) => {
                self.context.fork_before(position, other, sequence).map_err(Why::failed)?;
            }
            None => {
                self.decode(before, 0, sequence, false)?;
            }
        }
        let (position, _) = self.evaluate(image, &embedding, (sequence, position), false)?;
        self.context.synchronize();
        self.spent.image += began.elapsed();
        let position = position.saturating_add_unsigned(count(after.len()));
        let end = Cursor { position, ..end };
        let (before, after) = (before.to_vec(), after.to_vec());
        Ok(Trunk { sequence: Some(sequence), end, before, after })
    }

    /// Evicts images other than `but` until so many cells are free, or none is left to evict.
    pub(super) fn make_room(&mut self, cells: u32, but: Option<u32>) {
        while self.trunks.cells().saturating_add(cells) > self.limits.cells {
            if self.evict(but).is_none() {
                break;
            }
        }
    }

    /// Drops the image that was asked longest ago, other than `but`, and gives its sequence.
    fn evict(&mut self, but: Option<u32>) -> Option<u32> {
        let sequence = self.trunks.oldest_but(but)?;
        self.context.clear_sequence(sequence);
        Some(sequence)
    }

    /// Empties the cache, images and all.
    pub(super) fn clear(&mut self) {
        self.context.clear();
        self.trunks = Trunks::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Forms that name an image's first tile before it begin otherwise for an image without tiles, though
    /// the words of the prompt are the same.
    #[test]
    fn a_beginning_is_taken_from_an_image_with_the_same_tokens_before_it() {
        let tokens = |ids: &[i32]| ids.iter().copied().map(LlamaToken::new).collect::<Vec<_>>();
        let view = View::whole(RgbImage::new(1, 1));
        let mut trunks = Trunks::default();
        for (sequence, before) in [(0, tokens(&[1, 2])), (1, tokens(&[1, 2, 3]))] {
            let trunk = Trunk { sequence: Some(sequence), before, ..Trunk::default() };
            trunks.keep(&view, "<image>", trunk);
        }
        assert_eq!(trunks.beginning_with(&tokens(&[1, 2])), Some(0));
        assert_eq!(trunks.beginning_with(&tokens(&[1, 2, 3])), Some(1));
        assert_eq!(trunks.beginning_with(&tokens(&[1])), None);
    }
}
