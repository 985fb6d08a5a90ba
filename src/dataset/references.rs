//! Rows whose image is that of another row, as in tables where several questions are asked of one image:
//! `image` holds digits, and the row of that `index` holds the image.
//!
//! Where each index stands is looked up when the first such row comes, and only places are kept; the image
//! that was referred to last is kept as well, since such rows follow each other.

use std::collections::BTreeMap;

use super::inline::Written;
use super::{Content, Mistake};

/// References that are followed from one row to the next.
const HOPS: usize = 8;

/// What an index leads to. `At` says where a row stands in its format.
#[derive(Debug)]
pub(super) struct References<At> {
    places: Option<BTreeMap<String, At>>,
    last: Option<(String, Content)>,
}

/// How a format finds its rows.
pub(super) trait Rows {
    /// Where a row stands.
    type At: Clone;

    /// Every index and its row; where an index is there twice, the first.
    fn places(&self) -> Result<BTreeMap<String, Self::At>, Mistake>;

    /// What the image's cell of a row says.
    fn image(&self, at: &Self::At) -> Result<Written, Mistake>;
}

impl<At: Clone> References<At> {
    /// Nothing looked up yet.
    pub(super) fn new() -> Self {
        Self { places: None, last: None }
    }

    /// Where the image is that a cell names.
    pub(super) fn content(
        &mut self,
        written: Written,
        rows: &impl Rows<At = At>,
    ) -> Result<Content, Mistake> {
        let index = match written {
            Written::Image(content) => return Ok(content),
            Written::Row(index) => index,
        };
        if let Some((last, content)) = &self.last
            && *last == index
        {
            return Ok(content.clone());
        }
        let content = self.follow(&index, rows)?;
        self.last = Some((index, content.clone()));
        Ok(content)
    }

    fn follow(&mut self, index: &str, rows: &impl Rows<At = At>) -> Result<Content, Mistake> {
        let places = match self.places.take() {
            Some(places) => places,
            None => rows.places()?,
        };
        let places = self.places.insert(places);
        let mut next = index.to_owned();
        for _ in 0..HOPS {
            let at = places.get(&next).ok_or(Mistake::NoSuchRow { index: next })?;
            match rows.image(at)? {
                Written::Image(content) => return Ok(content),
                Written::Row(further) => next = further,
            }
        }
        Err(Mistake::Circle { index: index.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::Arc;

    use super::*;

    /// A table of cells; an empty one is none.
    struct Table(Vec<&'static str>, Cell<usize>);

    impl Rows for Table {
        type At = usize;

        fn places(&self) -> Result<BTreeMap<String, usize>, Mistake> {
            self.1.set(self.1.get() + 1);
            Ok((0..self.0.len()).map(|at| (at.to_string(), at)).collect())
        }

        fn image(&self, at: &usize) -> Result<Written, Mistake> {
            self.1.set(self.1.get() + 1);
            let text = self.0[*at];
            Ok(match text.parse::<usize>() {
                Ok(_) => Written::Row(text.to_owned()),
                Err(_) => Written::Image(Content::Bytes(Arc::from(text.as_bytes()))),
            })
        }
    }

    #[test]
    fn references_are_followed_and_looked_up_once() {
        let table = Table(vec!["cat", "0", "1", "4", "3"], Cell::new(0));
        let mut references = References::new();
        let row = |index: &str| Written::Row(index.to_owned());
        let cat = Content::Bytes(Arc::from(&b"cat"[..]));
        for _ in 0..3 {
            assert_eq!(references.content(row("2"), &table).unwrap(), cat);
        }
        // The places, and rows 2, 1 and 0.
        assert_eq!(table.1.get(), 4);
        assert_eq!(references.content(row("3"), &table).unwrap_err().code(), "circle");
        assert_eq!(references.content(row("9"), &table).unwrap_err().code(), "no_such_row");
        assert_eq!(references.content(Written::Image(cat.clone()), &table).unwrap(), cat);
    }
}
