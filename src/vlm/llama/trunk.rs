//! Images that stay in the cache: what stands before and within an image is evaluated once, and
//! questions, reasoning and whatever else is asked of the same view go on from there.
//!
//! The oldest images make room for new ones and for their questions; an image with a region
//! removed is asked once and goes first.

use std::sync::{Arc, Weak};
use std::time::Instant;

use image::RgbImage;

use super::engine::{Cursor, Engine, TRUNKS, end_of};
use crate::ids::ViewKind;
use crate::imaging::View;
use crate::verdict::Why;

/// A sequence that ends with an image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trunk {
    pub(super) sequence: u32,
    pub(super) end: Cursor,
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
        Some(kept.trunk)
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

    /// Takes out the image that was asked longest ago, other than `but`.
    fn oldest_but(&mut self, but: Option<u32>) -> Option<Trunk> {
        let others = self.kept.iter().enumerate();
        let others = others.filter(|(_, kept)| Some(kept.trunk.sequence) != but);
        let (index, _) = others.min_by_key(|(_, kept)| kept.asked)?;
        Some(self.kept.swap_remove(index).trunk)
    }

    fn free_sequence(&self) -> Option<u32> {
        (0..TRUNKS).find(|free| self.kept.iter().all(|kept| kept.trunk.sequence != *free))
    }
}

impl Engine<'_> {
    /// The sequence that ends with the view's image, evaluated unless it is there already; older
    /// images make room for it and for `wanted` cells besides, as far as that is possible.
    pub(super) fn trunk(&mut self, view: &View, head: &str, wanted: u32) -> Result<Trunk, Why> {
        if let Some(trunk) = self.trunks.find(view, head) {
            self.make_room(wanted, Some(trunk.sequence));
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
            None => self.evict(None).map_or(0, |trunk| trunk.sequence),
        };
        match self.evaluate_pieces(&pieces, Some(view), sequence, false) {
            Ok((end, _)) => {
                let trunk = Trunk { sequence, end };
                self.trunks.keep(view, head, trunk);
                Ok(trunk)
            }
            Err(why) => {
                self.context.clear_sequence(sequence);
                Err(why)
            }
        }
    }

    /// Evicts images other than `but` until so many cells are free, or none is left to evict.
    pub(super) fn make_room(&mut self, cells: u32, but: Option<u32>) {
        while self.trunks.cells().saturating_add(cells) > self.limits.cells {
            if self.evict(but).is_none() {
                break;
            }
        }
    }

    fn evict(&mut self, but: Option<u32>) -> Option<Trunk> {
        let trunk = self.trunks.oldest_but(but)?;
        self.context.clear_sequence(trunk.sequence);
        Some(trunk)
    }

    /// Empties the cache, images and all.
    pub(super) fn clear(&mut self) {
        self.context.clear();
        self.trunks = Trunks::default();
    }
}
