//! What a run on a server will cost, about, and what it has cost.

use std::fmt::Write;

use super::file::PriceList;
use crate::cli::exit::Failure;
use crate::store::Spending;

/// Tokens of a question, about, without its image.
const QUESTION_TOKENS: u64 = 60;
/// Tokens of an image where nobody says: four tiles of 512 pixels as OpenAI counts them for GPT-4o.
const IMAGE_TOKENS: u32 = 765;

/// Reads an amount of money.
pub(super) fn amount(text: &str) -> Result<f64, String> {
    match text.trim_start_matches('$').parse::<f64>() {
        Ok(amount) if amount.is_finite() && amount > 0.0 => Ok(amount),
        _ => Err("expected an amount of money such as 2.50".to_owned()),
    }
}

/// What a run on a server costs.
#[derive(Debug)]
pub(in crate::cli) struct Bill {
    pub(super) prices: Option<PriceList>,
    pub(super) image_tokens: Option<u32>,
    pub(super) max_cost: Option<f64>,
    /// Questions that share one request and one image: one, unless the server takes many.
    pub(super) questions_a_request: u64,
    #[cfg(feature = "remote")]
    pub(super) meter: std::sync::Arc<crate::vlm::remote::Meter>,
}

impl Bill {
    /// Says what a run is going to take, and refuses one that is estimated to cost more than it may.
    pub(in crate::cli) fn before(
        &self,
        images: Option<u64>,
        questions: u64,
    ) -> Result<String, Failure> {
        let Some(images) = images else {
            return Ok(format!(
                "{questions} questions an image go to the server; how many images there are is not \
                 known, and so neither is what it costs"
            ));
        };
        let image_tokens = self.image_tokens.unwrap_or(IMAGE_TOKENS);
        let requests = images * questions.div_ceil(self.questions_a_request.max(1));
        let tokens = requests * u64::from(image_tokens) + images * questions * QUESTION_TOKENS;
        let assumed = if self.image_tokens.is_some() { "" } else { "assuming " };
        let about = format!(
            "about {} for {}, {} tokens, if every rule is relevant ({assumed}{image_tokens} an image; \
             priors, crops and reasoning come on top)",
            counted(requests, "request"),
            counted(images, "image"),
            short(tokens)
        );
        let Some(prices) = self.prices else { return Ok(about) };
        #[expect(clippy::cast_precision_loss, reason = "counts of tokens are far below 2^52")]
        let cost = (tokens as f64 * prices.input + requests as f64 * prices.output) / 1e6;
        if let Some(most) = self.max_cost
            && cost > most
        {
            return Err(Failure::Input(miette::miette!(
                code = "praetor::cost::too_much",
                help = "judge fewer images, or allow more with `--max-cost`; nothing was sent but the \
                        priors",
                "the run is estimated to cost {cost:.2}, and {most} are allowed: {about}"
            )));
        }
        Ok(format!("{about}, {cost:.2} at the prices in the file of models"))
    }

    /// What it has cost by now, for the run's folder.
    #[cfg(feature = "remote")]
    pub(in crate::cli) fn spending(&self) -> Spending {
        let usage = self.meter.usage();
        Spending {
            requests: usage.requests,
            replayed: usage.replayed,
            tokens_in: usage.tokens_in,
            tokens_cached: usage.tokens_cached,
            tokens_out: usage.tokens_out,
            blocked: usage.blocked,
            cost: self.prices.map(|prices| usage.cost(prices.into())),
        }
    }

    /// What answers have said of the model's end.
    #[cfg(feature = "remote")]
    pub(in crate::cli) fn farewell(&self) -> Option<crate::vlm::remote::Farewell> {
        self.meter.farewell()
    }

    /// Without servers nothing is spent.
    #[cfg(not(feature = "remote"))]
    #[expect(clippy::unused_self, reason = "the other build needs it")]
    pub(in crate::cli) fn spending(&self) -> Spending {
        Spending::default()
    }

    /// What it has cost by now, in words.
    pub(in crate::cli) fn told(&self) -> String {
        let spent = self.spending();
        let mut text = format!(
            "{}: {} tokens in ({} of them cached), {} out",
            counted(spent.requests, "request"),
            short(spent.tokens_in),
            short(spent.tokens_cached),
            short(spent.tokens_out)
        );
        if let Some(cost) = spent.cost {
            let _ = write!(text, ", cost {cost:.4}");
        }
        if spent.replayed > 0 {
            let _ = write!(text, ", {} from the recording", counted(spent.replayed, "answer"));
        }
        if spent.blocked > 0 {
            let blocked = counted(spent.blocked, "question");
            let _ = write!(text, ", {blocked} blocked by the server's content filter");
        }
        text
    }
}

#[cfg(feature = "remote")]
impl From<PriceList> for crate::vlm::remote::Prices {
    fn from(list: PriceList) -> Self {
        let PriceList { input, output, cached } = list;
        Self { input, output, cached: cached.unwrap_or(input) }
    }
}

/// `1 request`, `2 requests`.
fn counted(count: u64, noun: &str) -> String {
    let shown = indicatif::HumanCount(count);
    if count == 1 { format!("{shown} {noun}") } else { format!("{shown} {noun}s") }
}

/// A count with three digits that matter: `812`, `12.3 k`, `4.56 M`.
fn short(count: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
    let number = count as f64;
    match count {
        0..10_000 => count.to_string(),
        10_000..1_000_000 => format!("{:.1} k", number / 1e3),
        _ => format!("{:.2} M", number / 1e6),
    }
}

#[cfg(all(test, feature = "remote"))]
mod tests {
    use super::*;

    fn bill(max_cost: Option<f64>) -> Bill {
        let prices = Some(PriceList { input: 2.0, output: 8.0, cached: None });
        Bill {
            prices,
            image_tokens: Some(1_000),
            max_cost,
            questions_a_request: 1,
            meter: std::sync::Arc::default(),
        }
    }

    #[test]
    fn a_run_is_estimated_and_one_that_is_too_dear_does_not_begin() {
        let about = bill(None).before(Some(100), 10).unwrap();
        // 1,000 requests of 1,060 tokens.
        assert!(about.contains("1,000 requests for 100 images, 1.06 M tokens,"), "{about}");
        assert!(about.ends_with("2.13 at the prices in the file of models"), "{about}");
        assert!(bill(Some(2.0)).before(Some(100), 10).is_err());
        assert!(bill(Some(3.0)).before(Some(100), 10).is_ok());
        assert!(bill(None).before(None, 10).unwrap().contains("not known"));
        let many = Bill { questions_a_request: 400, ..bill(None) };
        assert!(many.before(Some(100), 10).unwrap().contains("100 requests"));
    }

    #[test]
    fn amounts_are_read() {
        assert_eq!(amount("$2.50"), Ok(2.5));
        for bad in ["", "-1", "0", "much", "inf"] {
            assert!(amount(bad).is_err(), "{bad}");
        }
    }
}
