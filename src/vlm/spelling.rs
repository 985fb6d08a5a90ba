//! Which texts of a token say Yes and which say No, and how probabilities are summed: one place for
//! the engine, which sees its whole vocabulary, and for servers, which tell their likeliest tokens.
//!
//! The paper reads P("Yes") and P("No") off the first token and does not say which spellings count
//! (section "Debiased Token Probability"). Here all do: `Yes`, `yes`, `YES`, each with or without a
//! leading space.

/// Whether a token is a word, in any case, with or without one space before it.
pub(super) fn says(piece: &[u8], word: &str) -> bool {
    piece.strip_prefix(b" ").unwrap_or(piece).eq_ignore_ascii_case(word.as_bytes())
}

/// Logarithm of the sum of exponentials; not a number if any of them is not.
pub(super) fn ln_sum_exp<Number: Into<f64> + Copy>(
    logarithms: impl Iterator<Item = Number> + Clone,
) -> f64 {
    let largest = logarithms.clone().fold(f64::NEG_INFINITY, |max, one| max.max(one.into()));
    let sum: f64 = logarithms.map(|one| (one.into() - largest).exp()).sum();
    largest + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_yes() {
        for piece in ["Yes", " yes", "YES", " Yes"] {
            assert!(says(piece.as_bytes(), "yes"), "{piece}");
        }
        for piece in ["Yes.", "  Yes", "Yesterday", "", "No"] {
            assert!(!says(piece.as_bytes(), "yes"), "{piece}");
        }
    }

    #[test]
    fn sums_do_not_overflow_and_show_what_is_no_number() {
        assert!(
            (ln_sum_exp([5_000.0_f32, 5_000.0].into_iter()) - 5_000.0 - 2f64.ln()).abs() < 1e-9
        );
        assert!(ln_sum_exp([f64::NAN, 0.0].into_iter()).is_nan());
    }
}
