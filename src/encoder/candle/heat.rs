//! From cosines of patches to boxes: maps of log-odds, joined on one fine grid.
//!
//! A map of the whole image sees large things and their surroundings, maps of tiles see small
//! things. Where tiles overlap their log-odds are averaged, each counting the more the nearer its
//! middle is, since a thing that a tile's edge cuts is seen badly; of that and of the whole
//! image's map the greater counts. Between the patches' middles every map is read linearly.
//!
//! Boxes are then the islands around the peaks: the highest cell is taken with all cells that hang
//! together and have at least a share of its probability; the slopes below it belong to it and
//! give no box of their own; then the next highest cell, and so on.

use super::super::{Found, best_first};
use crate::units::{Probability, Region};

/// An island is what has this share of its peak's probability.
const SHORE: f64 = 0.5;
/// Peaks of less probability give no box.
const LEAST: f64 = 0.05;
/// Boxes that share more of their union are one.
const OVERLAP: f64 = 0.5;
/// So many boxes of an object are enough: each is looked at again.
const MOST: usize = 4;
/// What a tile's very edge counts, its middle counting one.
const EDGE: f64 = 0.05;

/// Log-odds of a window's patches for one object, row by row; the window is in shares of the image.
#[derive(Clone, Debug)]
pub(super) struct Map {
    pub(super) window: [f64; 4],
    pub(super) grid: usize,
    pub(super) log_odds: Vec<f64>,
}

impl Map {
    /// Reads the map at a place of the image, with how much it counts there; nothing outside.
    fn at(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        let [left, top, right, bottom] = self.window;
        let (u, v) = ((x - left) / (right - left), (y - top) / (bottom - top));
        if !(0.0..=1.0).contains(&u) || !(0.0..=1.0).contains(&v) {
            return None;
        }
        let middle = |share: f64| (1.0 - (2.0 * share - 1.0).abs()).max(EDGE);
        Some((self.read(u, v), middle(u) * middle(v)))
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a grid has few cells, and the place is clamped into it"
    )]
    fn read(&self, u: f64, v: f64) -> f64 {
        let last = self.grid.saturating_sub(1);
        let split = |share: f64| {
            let at = (share * self.grid as f64 - 0.5).clamp(0.0, last as f64);
            (at as usize, (at as usize + 1).min(last), at.fract())
        };
        let ((left, right, across), (top, bottom, down)) = (split(u), split(v));
        let cell = |row: usize, column: usize| self.log_odds[row * self.grid + column];
        let line = |row| cell(row, left) * (1.0 - across) + cell(row, right) * across;
        line(top) * (1.0 - down) + line(bottom) * down
    }
}

/// Probabilities on a square grid over the image.
#[derive(Clone, Debug)]
pub(super) struct Heat {
    side: usize,
    cells: Vec<f64>,
}

impl Heat {
    /// Joins the map of the whole image with those of tiles, on `side` x `side` cells.
    #[expect(clippy::cast_precision_loss, reason = "a grid has few cells")]
    pub(super) fn join(whole: &Map, tiles: &[Map], side: usize) -> Self {
        let place = |index: usize| (index as f64 + 0.5) / side as f64;
        let cell = |index: usize| {
            let (x, y) = (place(index % side), place(index / side));
            let all = whole.at(x, y).map_or(f64::NEG_INFINITY, |(log_odds, _)| log_odds);
            let parts = tiles.iter().filter_map(|tile| tile.at(x, y));
            let (sum, weight) = parts.fold((0.0, 0.0), |(sum, weight), (log_odds, counts)| {
                (sum + log_odds * counts, weight + counts)
            });
            let near = if weight > 0.0 { sum / weight } else { f64::NEG_INFINITY };
            Probability::from_log_odds(all.max(near)).value()
        };
        Self { side, cells: (0..side * side).map(cell).collect() }
    }

    /// The boxes, best first.
    pub(super) fn boxes(&self) -> Vec<Found> {
        let mut order: Vec<usize> = (0..self.cells.len()).collect();
        order.sort_by(|&a, &b| self.cells[b].total_cmp(&self.cells[a]));
        let mut taken = vec![false; self.cells.len()];
        let mut found = Vec::new();
        for peak in order {
            let score = self.cells[peak];
            if score < LEAST || found.len() == 2 * MOST {
                break;
            }
            if taken[peak] {
                continue;
            }
            let island = self.island(peak, &mut taken);
            let region = self.around(&island, score * SHORE);
            let score = Probability::saturating(score);
            found.extend(region.map(|region| Found { region, score }));
        }
        best_first(found, OVERLAP, MOST)
    }

    /// The cells of a peak's island; those and the slopes around are marked as taken.
    fn island(&self, peak: usize, taken: &mut [bool]) -> Vec<usize> {
        let shore = self.cells[peak] * SHORE;
        let mut island = vec![peak];
        taken[peak] = true;
        let mut next = 0;
        while let Some(&cell) = island.get(next) {
            next += 1;
            for near in self.neighbours(cell) {
                if !taken[near] && self.cells[near] >= shore {
                    taken[near] = true;
                    island.push(near);
                }
            }
        }
        // Down the slopes: a cell that is no higher than the one it was reached from.
        let mut slope = island.clone();
        let mut next = 0;
        while let Some(&cell) = slope.get(next) {
            next += 1;
            for near in self.neighbours(cell) {
                if !taken[near] && self.cells[near] <= self.cells[cell] {
                    taken[near] = true;
                    slope.push(near);
                }
            }
        }
        island
    }

    fn neighbours(&self, cell: usize) -> impl Iterator<Item = usize> + use<> {
        let (side, row, column) = (self.side, cell / self.side, cell % self.side);
        let rows = row.saturating_sub(1)..=(row + 1).min(side - 1);
        rows.flat_map(move |r| {
            let columns = column.saturating_sub(1)..=(column + 1).min(side - 1);
            columns.map(move |c| r * side + c)
        })
        .filter(move |&near| near != cell)
    }

    /// The box around an island: each edge lies where the probability falls below the shore, read
    /// linearly between the island's last cell and the one beyond.
    #[expect(clippy::cast_precision_loss, reason = "a grid has few cells")]
    fn around(&self, island: &[usize], shore: f64) -> Option<Region> {
        let side = self.side;
        let rows = || island.iter().map(|cell| cell / side);
        let columns = || island.iter().map(|cell| cell % side);
        let (top, bottom, left, right) =
            (rows().min()?, rows().max()?, columns().min()?, columns().max()?);
        let in_row = |row: usize| (left..=right).map(move |column| row * side + column);
        let in_column = |column: usize| (top..=bottom).map(move |row| row * side + column);
        let highest = |cells: &mut dyn Iterator<Item = usize>| {
            cells.map(|cell| self.cells[cell]).fold(0.0, f64::max)
        };
        // How far beyond the middle of the last cell the edge lies, in cells.
        let reach = |last: f64, beyond: Option<f64>| match beyond {
            None => 0.5,
            Some(beyond) if beyond >= shore => 1.0,
            Some(beyond) => (last - shore) / (last - beyond).max(f64::MIN_POSITIVE),
        };
        let row = |row: usize| highest(&mut in_row(row));
        let column = |column: usize| highest(&mut in_column(column));
        let before = |at: usize, line: &dyn Fn(usize) -> f64| at.checked_sub(1).map(line);
        let after = |at: usize, line: &dyn Fn(usize) -> f64| (at + 1 < side).then(|| line(at + 1));
        let of_side = |cells: f64| cells / side as f64;
        Region::clamped(
            of_side(left as f64 + 0.5 - reach(column(left), before(left, &column))),
            of_side(top as f64 + 0.5 - reach(row(top), before(top, &row))),
            of_side(right as f64 + 0.5 + reach(column(right), after(right, &column))),
            of_side(bottom as f64 + 0.5 + reach(row(bottom), after(bottom, &row))),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(grid: usize, hot: &[(usize, f64)]) -> Map {
        let mut log_odds = vec![-9.0; grid * grid];
        for &(cell, value) in hot {
            log_odds[cell] = value;
        }
        Map { window: [0.0, 0.0, 1.0, 1.0], grid, log_odds }
    }

    #[test]
    fn an_even_map_below_the_least_has_no_boxes() {
        assert!(Heat::join(&whole(8, &[]), &[], 24).boxes().is_empty());
    }

    #[test]
    fn two_peaks_are_two_boxes_best_first() {
        let boxes = Heat::join(&whole(8, &[(9, 1.0), (54, 3.0)]), &[], 24).boxes();
        assert_eq!(boxes.len(), 2, "{boxes:?}");
        assert!(boxes[0].score.value() > 0.9 && boxes[0].region.left() > 0.5);
        assert!(boxes[1].score.value() < 0.8 && boxes[1].region.right() < 0.5);
    }

    #[test]
    fn a_tile_finds_what_is_smaller_than_a_patch_of_the_whole() {
        let mut log_odds = vec![-9.0; 64];
        log_odds[27] = 4.0;
        let third = 1.0 / 3.0;
        let tile = Map { window: [third, third, 2.0 * third, 2.0 * third], grid: 8, log_odds };
        let boxes = Heat::join(&whole(8, &[]), &[tile], 24).boxes();
        assert_eq!(boxes.len(), 1);
        let (region, patch) = (boxes[0].region, 1.0 / 24.0);
        assert!(region.area() < 0.01 && region.area() > 0.5 * patch * patch, "{region:?}");
        let centre = f64::midpoint(region.left(), region.right());
        assert!((centre - (third + 3.5 * patch)).abs() < 0.01, "{region:?}");
    }

    #[test]
    fn a_box_at_the_edge_ends_there() {
        let boxes = Heat::join(&whole(4, &[(0, 5.0)]), &[], 4).boxes();
        assert_eq!((boxes[0].region.left(), boxes[0].region.top()), (0.0, 0.0));
    }

    #[test]
    fn a_map_of_one_cell_and_one_of_even_certainty() {
        let boxes = Heat::join(&whole(1, &[(0, 2.0)]), &[], 1).boxes();
        assert_eq!(boxes[0].region, Region::new(0.0, 0.0, 1.0, 1.0).unwrap());
        let all: Vec<(usize, f64)> = (0..16).map(|cell| (cell, 60.0)).collect();
        assert_eq!(Heat::join(&whole(4, &all), &[], 12).boxes().len(), 1);
    }
}
