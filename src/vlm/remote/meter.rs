//! What a run has asked of a server: requests, tokens, money, and what was blocked; and the lines at
//! which it stops. What an answer says of the model's end is noted here as well.
//!
//! Tokens are those that the server itself counts in an answer's `usage`; a server that counts none
//! costs nothing here. One meter serves all questions of a run.

use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::Farewell;
use crate::vlm::VlmError;

/// What was asked so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Requests sent, those that were sent again too.
    pub requests: u64,
    /// Answers taken from a recording.
    pub replayed: u64,
    /// Tokens read by the model, as the server counts them.
    pub tokens_in: u64,
    /// Of these, tokens that the server had kept from an earlier request.
    pub tokens_cached: u64,
    /// Tokens written by the model.
    pub tokens_out: u64,
    /// Questions that a content filter blocked.
    pub blocked: u64,
}

/// What tokens cost, in US dollars (or whatever the caller counts in) for a million.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prices {
    /// Tokens read.
    pub input: f64,
    /// Tokens written.
    pub output: f64,
    /// Tokens read that the server had kept.
    pub cached: f64,
}

impl Usage {
    /// What it has cost.
    ///
    /// ```
    /// use praetor::vlm::remote::{Prices, Usage};
    /// let usage = Usage { tokens_in: 3_000_000, tokens_cached: 1_000_000, ..Usage::default() };
    /// let prices = Prices { input: 2.0, output: 8.0, cached: 0.5 };
    /// assert_eq!(usage.cost(prices), 4.5);
    /// ```
    #[expect(clippy::cast_precision_loss, reason = "counts of tokens are far below 2^52")]
    pub fn cost(&self, prices: Prices) -> f64 {
        let fresh = self.tokens_in.saturating_sub(self.tokens_cached) as f64;
        let dear = fresh * prices.input + self.tokens_out as f64 * prices.output;
        (dear + self.tokens_cached as f64 * prices.cached) / 1e6
    }

    /// Reads what an answer says it took, in the words of either of OpenAI's interfaces.
    pub(super) fn of(body: &Value) -> Self {
        let usage = &body["usage"];
        let count = |names: [&str; 2]| {
            names.iter().find_map(|name| usage.pointer(name)?.as_u64()).unwrap_or(0)
        };
        Self {
            tokens_in: count(["/prompt_tokens", "/input_tokens"]),
            tokens_out: count(["/completion_tokens", "/output_tokens"]),
            tokens_cached: count([
                "/prompt_tokens_details/cached_tokens",
                "/input_tokens_details/cached_tokens",
            ]),
            ..Self::default()
        }
    }
}

/// Where a run stops.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bounds {
    /// After so many questions that a content filter blocked: many of them can cost the account.
    pub most_blocks: Option<u64>,
    /// When so much is spent at these prices.
    pub most_cost: Option<(f64, Prices)>,
}

/// Counts, and knows where to stop.
#[derive(Debug, Default)]
pub struct Meter {
    usage: Mutex<Usage>,
    farewell: Mutex<Option<Farewell>>,
    bounds: Bounds,
}

impl Meter {
    /// Nothing counted yet.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, ..Self::default() }
    }

    /// What was asked so far.
    pub fn usage(&self) -> Usage {
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// That the model goes, if an answer has said so.
    pub fn farewell(&self) -> Option<Farewell> {
        *self.farewell.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An answer says that the model goes; the first that names the end counts.
    pub fn heard(&self, said: Farewell) {
        let mut farewell = self.farewell.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*farewell, Some(Farewell::Ends { .. })) {
            *farewell = Some(said);
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Usage) -> T) -> T {
        change(&mut self.usage.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A request is about to be sent: counted, if there is money for it, and if the server has not
    /// blocked too many.
    pub(super) fn sending(&self) -> Result<(), VlmError> {
        let blocked = self.usage().blocked;
        if self.bounds.most_blocks.is_some_and(|most| blocked >= most) {
            return Err(VlmError::Blocked { blocked });
        }
        if let Some((most, prices)) = self.bounds.most_cost {
            let spent = self.usage().cost(prices);
            if spent >= most {
                return Err(VlmError::OverBudget { spent, most });
            }
        }
        self.change(|usage| usage.requests += 1);
        Ok(())
    }

    /// An answer came from a recording.
    pub(super) fn replayed(&self) {
        self.change(|usage| usage.replayed += 1);
    }

    /// An answer says what it took.
    pub(super) fn took(&self, took: Usage) {
        self.change(|usage| {
            usage.tokens_in += took.tokens_in;
            usage.tokens_out += took.tokens_out;
            usage.tokens_cached += took.tokens_cached;
        });
    }

    /// A content filter blocked a question; an error when that was one too many.
    pub(super) fn blocked(&self) -> Result<(), VlmError> {
        let blocked = self.change(|usage| {
            usage.blocked += 1;
            usage.blocked
        });
        match self.bounds.most_blocks {
            Some(most) if blocked >= most => Err(VlmError::Blocked { blocked }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn usage_is_read_in_both_dialects_and_nothing_where_there_is_none() {
        let chat = json!({ "usage": { "prompt_tokens": 9, "completion_tokens": 2,
            "prompt_tokens_details": { "cached_tokens": 4 } } });
        let expected = Usage { tokens_in: 9, tokens_out: 2, tokens_cached: 4, ..Usage::default() };
        assert_eq!(Usage::of(&chat), expected);
        let decisions = json!({ "usage": { "input_tokens": 9, "output_tokens": 2,
            "input_tokens_details": { "cached_tokens": 4 } } });
        assert_eq!(Usage::of(&decisions), expected);
        assert_eq!(Usage::of(&json!({ "usage": null })), Usage::default());
    }

    #[test]
    fn a_run_stops_at_the_last_block_and_when_the_money_is_spent() {
        let meter = Meter::new(Bounds { most_blocks: Some(2), most_cost: None });
        assert!(meter.blocked().is_ok());
        assert!(meter.sending().is_ok());
        assert!(matches!(meter.blocked(), Err(VlmError::Blocked { blocked: 2 })));
        assert!(meter.sending().is_err(), "nothing goes out after it");
        let prices = Prices { input: 1.0, output: 1.0, cached: 1.0 };
        let meter = Meter::new(Bounds { most_blocks: None, most_cost: Some((0.5, prices)) });
        assert!(meter.sending().is_ok());
        meter.took(Usage { tokens_in: 600_000, ..Usage::default() });
        assert!(matches!(meter.sending(), Err(VlmError::OverBudget { .. })));
        assert_eq!(meter.usage().requests, 1);
    }
}
