//! What texts have in common is evaluated once: a batch of them is a tree of tokens.
//!
//! ```text
//! Is the following visible? Content: a ─┬─ knife is visible ─┬─ <end> model
//!                                       │                    └─ near a child <end> model
//!                                       └─ dog is visible <end> model
//! ```
//!
//! A token of the tree is one cell of the cache, which belongs to the sequences of all texts that go
//! through it. In the order of their tokens those stand side by side, so that a text need only know
//! how much it shares with the one before it.

use llama_cpp_2::token::LlamaToken;

use super::engine::{Engine, FIRST_FORK, count};
use super::ffi::Batch;
use super::trunk::Trunk;
use crate::verdict::Why;

/// Texts of which none is empty, in the order of their tokens.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    branches: Vec<Branch<'a>>,
}

/// One text.
#[derive(Clone, Copy, Debug)]
struct Branch<'a> {
    /// Which of the texts.
    text: usize,
    tokens: &'a [LlamaToken],
    /// Leading tokens that are those of the branch before.
    shared: usize,
}

impl Branch<'_> {
    fn own(&self) -> usize {
        self.tokens.len() - self.shared
    }
}

/// Where a text ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct End {
    /// Which of the texts.
    pub(super) text: usize,
    /// The sequence that it may go on in.
    pub(super) sequence: u32,
    /// Where in the batch its last token is, by which its logits are found.
    pub(super) index: usize,
}

impl<'a> Tree<'a> {
    /// The tree of texts, each with what it is known by.
    pub(super) fn of(texts: impl IntoIterator<Item = (usize, &'a [LlamaToken])>) -> Self {
        let mut texts: Vec<_> = texts.into_iter().collect();
        texts.sort_by_key(|(_, tokens)| *tokens);
        let mut before: &[LlamaToken] = &[];
        let branch = |(text, tokens): (usize, &'a [LlamaToken])| {
            let shared = before.iter().zip(tokens).take_while(|(ours, its)| ours == its).count();
            before = tokens;
            Branch { text, tokens, shared }
        };
        Self { branches: texts.into_iter().map(branch).collect() }
    }

    /// Tokens to be evaluated, those in common once.
    pub(super) fn tokens(&self) -> usize {
        self.branches.iter().map(Branch::own).sum()
    }

    /// Texts.
    pub(super) fn len(&self) -> usize {
        self.branches.len()
    }

    /// Which texts, in the tree's order.
    pub(super) fn texts(&self) -> impl Iterator<Item = usize> {
        self.branches.iter().map(|branch| branch.text)
    }

    /// Trees of at most so many texts and tokens, which together are this one; a text that has more
    /// tokens by itself is alone in its tree.
    pub(super) fn split(self, texts: usize, tokens: usize) -> Vec<Self> {
        let mut trees: Vec<Self> = Vec::new();
        let mut taken = 0;
        for branch in self.branches {
            match trees.last_mut() {
                Some(tree) if tree.len() < texts && taken + branch.own() <= tokens => {
                    taken += branch.own();
                    tree.branches.push(branch);
                }
                _ => {
                    taken = branch.tokens.len();
                    trees.push(Self { branches: vec![Branch { shared: 0, ..branch }] });
                }
            }
        }
        trees
    }

    /// All tokens from a position on, with words that lead to it; the first text in the sequence `first`
    /// and each other in the one after. The last token of each text wants logits.
    fn batch(&self, lead: &[LlamaToken], start: i32, first: u32) -> (Batch, Vec<End>) {
        let mut batch = Batch::of(lead.len() + self.tokens());
        let mut ends = Vec::with_capacity(self.len());
        let mut index = 0;
        let last = first + count(self.len()).saturating_sub(1);
        for (position, token) in (start.saturating_sub_unsigned(count(lead.len()))..).zip(lead) {
            batch.add(*token, position, first..=last, false);
        }
        for (sequence, (place, branch)) in (first..).zip(self.branches.iter().enumerate()) {
            let own = branch.tokens.iter().enumerate().skip(branch.shared);
            for (depth, token) in own {
                let after = self.branches[place + 1..].iter();
                let others = after.take_while(|other| other.shared > depth).count();
                let through = sequence..=sequence + count(others);
                let position = start.saturating_add_unsigned(count(depth));
                // A text that is another's beginning ends before it.
                let last = depth + 1 == branch.tokens.len();
                index = batch.add(*token, position, through, last);
            }
            // One that adds nothing is the same text again.
            ends.push(End { text: branch.text, sequence, index });
        }
        (batch, ends)
    }
}

impl Engine<'_> {
    /// Evaluates a tree that fits a batch, every text in a fork of the trunk.
    pub(super) fn decode_tree(&mut self, trunk: &Trunk, tree: &Tree<'_>) -> Result<Vec<End>, Why> {
        let (mut batch, ends) = tree.batch(&trunk.after, trunk.end.position, FIRST_FORK);
        if let Some(trunk) = trunk.sequence {
            for end in &ends {
                self.context.fork(trunk, end.sequence).map_err(Why::failed)?;
            }
        }
        self.context.decode(&mut batch).map_err(Why::failed)?;
        Ok(ends)
    }

    /// Drops the forks of a tree.
    pub(super) fn drop_forks(&mut self, tree: &Tree<'_>) {
        for (fork, _) in (FIRST_FORK..).zip(tree.texts()) {
            self.context.clear_sequence(fork);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn tokens(ids: &[i32]) -> Vec<LlamaToken> {
        ids.iter().copied().map(LlamaToken::new).collect()
    }

    fn tree(texts: &[Vec<LlamaToken>]) -> Tree<'_> {
        Tree::of(texts.iter().map(Vec::as_slice).enumerate())
    }

    #[test]
    fn what_texts_share_is_counted_once() {
        let texts = [tokens(&[1, 2, 3]), tokens(&[1, 4]), tokens(&[1, 2, 5]), tokens(&[1, 2])];
        let tree = tree(&texts);
        assert_eq!(tree.tokens(), 5, "1, 2, 3, 5 and 4");
        assert_eq!(tree.texts().collect::<Vec<_>>(), [3, 0, 2, 1]);
    }

    #[test]
    fn the_same_text_twice_is_read_in_one_place() {
        let texts = [tokens(&[1, 2]), tokens(&[1, 2])];
        let (batch, ends) = tree(&texts).batch(&[], 0, 7);
        assert_eq!(batch.len(), 2);
        assert_eq!(ends.iter().map(|end| end.index).collect::<Vec<_>>(), [1, 1]);
        assert_eq!(ends.iter().map(|end| end.sequence).collect::<Vec<_>>(), [7, 8]);
    }

    #[test]
    fn a_tree_that_is_cut_evaluates_again_what_both_sides_share() {
        let texts = [tokens(&[1, 2, 3]), tokens(&[1, 2, 4]), tokens(&[1, 2, 5])];
        let by_texts = tree(&texts).split(2, 100);
        assert_eq!(by_texts.iter().map(Tree::tokens).collect::<Vec<_>>(), [4, 3]);
        let by_tokens = tree(&texts).split(100, 4);
        assert_eq!(by_tokens.iter().map(Tree::len).collect::<Vec<_>>(), [2, 1]);
        let too_long = tree(&texts).split(100, 2);
        assert_eq!(too_long.iter().map(Tree::len).collect::<Vec<_>>(), [1, 1, 1]);
    }

    proptest! {
        /// Each sequence of the batch, read off it, is its text.
        #[test]
        fn every_sequence_reads_as_its_text(
            ids in prop::collection::vec(prop::collection::vec(0..3_i32, 1..6), 1..12),
            (texts_at_once, tokens_at_once, led) in (1..6_usize, 6..20_usize, 0..3_usize),
        ) {
            let texts: Vec<_> = ids.iter().map(|ids| tokens(ids)).collect();
            let lead = tokens(&[7, 8][..led]);
            let mut read = BTreeMap::new();
            for part in tree(&texts).split(texts_at_once, tokens_at_once) {
                prop_assert!(part.len() <= texts_at_once && part.tokens() <= tokens_at_once);
                let (batch, ends) = part.batch(&lead, 10, 3);
                prop_assert_eq!(batch.len(), lead.len() + part.tokens());
                for end in ends {
                    let text = batch.sequence(end.sequence);
                    let positions: Vec<_> = text.iter().map(|(_, position)| *position).collect();
                    let first = 10 - i32::try_from(led).unwrap();
                    prop_assert_eq!(positions, (first..).take(text.len()).collect::<Vec<i32>>());
                    prop_assert!(batch.is_read_at(end.index));
                    let words: Vec<_> = text.into_iter().map(|(token, _)| token).collect();
                    prop_assert_eq!(&words[..led], &lead[..]);
                    read.insert(end.text, words[led..].to_vec());
                }
            }
            let read: Vec<_> = read.into_values().collect();
            prop_assert_eq!(read, texts);
        }
    }
}
