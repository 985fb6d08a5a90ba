//! The one way through the cache: look up, ask for what is missing, keep that, in order.

use super::{Cache, Kind};
use crate::ids::Hash;

/// A value that can be kept.
pub trait Kept: Sized {
    /// The kind it is kept as.
    const KIND: Kind;

    /// Reads one back; nothing of bytes that are none.
    fn read(bytes: &[u8]) -> Option<Self>;

    /// Writes one; nothing of one that is not to be kept, such as a refusal.
    fn write(&self) -> Option<Vec<u8>>;
}

impl Cache {
    /// A value for every key, in their order: what is known, and for the rest what `ask` says of
    /// the keys at the indices it is given, which is kept. It is not called when nothing is missing,
    /// and has to give as many values as it is asked for.
    ///
    /// # Errors
    /// Those of `ask`.
    pub fn fill<Value: Kept, Error>(
        &self,
        keys: &[Hash],
        ask: impl FnOnce(&[usize]) -> Result<Vec<Value>, Error>,
    ) -> Result<Vec<Value>, Error> {
        let known = self.get(Value::KIND, keys).into_iter();
        let known: Vec<Option<Value>> = known.map(|bytes| Value::read(bytes.as_deref()?)).collect();
        let missing: Vec<usize> = (0..keys.len()).filter(|index| known[*index].is_none()).collect();
        let asked = if missing.is_empty() { Vec::new() } else { ask(&missing)? };
        for (index, value) in missing.iter().zip(&asked) {
            if let Some(bytes) = value.write() {
                self.put(Value::KIND, keys[*index], bytes);
            }
        }
        let mut asked = asked.into_iter();
        Ok(known.into_iter().filter_map(|known| known.or_else(|| asked.next())).collect())
    }
}
