//! Which tokens say Yes and which say No, and how much of an answer they are.
//!
//! Which spellings count is said in [`spelling`](crate::vlm::spelling); their tokens are found once,
//! when the model loads.

use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::vocab::LlamaVocab;

use super::LoadError;
use super::engine::NO_NUMBERS;
use crate::verdict::Why;
use crate::vlm::spelling::{ln_sum_exp, says};
use crate::vlm::{Answer, YesNo};

/// The indices of the tokens that say Yes and of those that say No.
#[derive(Clone, Debug)]
pub(super) struct YesNoTokens {
    yes: Vec<usize>,
    no: Vec<usize>,
}

impl YesNoTokens {
    /// Looks through the vocabulary.
    pub(super) fn find(vocab: &LlamaVocab<'_>) -> Result<Self, LoadError> {
        let spelled = |word: &str| -> Vec<usize> {
            (0..vocab.n_tokens())
                .filter(|&id| says(&vocab.token_to_piece(LlamaToken::new(id), false, None), word))
                .filter_map(|id| usize::try_from(id).ok())
                .collect()
        };
        let found = Self { yes: spelled("yes"), no: spelled("no") };
        match (found.yes.is_empty(), found.no.is_empty()) {
            (false, false) => Ok(found),
            (true, _) => Err(LoadError::NoAnswerToken { word: "Yes" }),
            (_, true) => Err(LoadError::NoAnswerToken { word: "No" }),
        }
    }

    /// The tokens that words of a model's own begin with, as after the beginning of its answer.
    pub(super) fn beginning(
        vocab: &LlamaVocab<'_>,
        (yes, no): (&'static str, &'static str),
    ) -> Result<Self, LoadError> {
        let first = |word: &'static str| {
            let tokens = vocab.tokenize(word.as_bytes(), false, false);
            let first = tokens.first().and_then(|token| usize::try_from(token.0).ok());
            first.ok_or(LoadError::NoAnswerToken { word })
        };
        let found = (first(yes)?, first(no)?);
        if found.0 == found.1 {
            return Err(LoadError::NoAnswerToken { word: yes });
        }
        Ok(Self { yes: vec![found.0], no: vec![found.1] })
    }

    /// Reads the answer off the first token's logits, one for each token of the vocabulary.
    pub(super) fn read(&self, logits: &[f32]) -> Answer {
        let all = ln_sum_exp(logits.iter().copied());
        let pick =
            |tokens: &[usize]| ln_sum_exp(tokens.iter().filter_map(|&id| logits.get(id).copied()));
        let answer = YesNo { ln_yes: pick(&self.yes) - all, ln_no: pick(&self.no) - all };
        if !(answer.ln_yes.is_finite() && answer.ln_no.is_finite()) {
            return Answer::Unavailable(Why::failed(NO_NUMBERS));
        }
        Answer::Seen(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> YesNoTokens {
        YesNoTokens { yes: vec![0, 2], no: vec![1] }
    }

    #[test]
    fn mass_is_summed_over_the_variants() {
        let ln = |p: f32| p.ln();
        let Answer::Seen(answer) = tokens().read(&[ln(0.3), ln(0.2), ln(0.1), ln(0.4)]) else {
            panic!("answered")
        };
        assert!((answer.m().value() - 0.4 / 0.6).abs() < 1e-6);
        assert!((answer.mass().value() - 0.6).abs() < 1e-6);
    }

    #[test]
    fn huge_logits_do_not_overflow() {
        let Answer::Seen(answer) = tokens().read(&[5_000.0, 4_999.0, -5_000.0, 0.0]) else {
            panic!("answered")
        };
        assert!((answer.m().value() - 0.731_058_578).abs() < 1e-6);
    }

    #[test]
    fn logits_that_are_no_numbers_are_no_answer() {
        assert!(matches!(
            tokens().read(&[f32::NAN, 0.0, 0.0, 0.0]),
            Answer::Unavailable(Why::Failed { .. })
        ));
    }
}
