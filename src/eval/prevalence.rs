//! How much of something there is, when the judge that looks for it errs.
//!
//! Rogan and Gladen, "Estimating prevalence from the results of a screening test" (1978): of the
//! share that a judge flags, part is flagged wrongly, and part of what there is goes unflagged.
//! Knowing both, the share that there really is can be computed back.

/// A judge that flags unsafe images no more often than safe ones: its flags say nothing of how many
/// unsafe images there are.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error(
    "can't be said: the judge flags unsafe images ({:.1} %) no more often than safe ones ({:.1} %)",
    sensitivity * 100.0,
    (1.0 - specificity) * 100.0
)]
pub struct NotIdentifiable {
    /// Share of the unsafe images that are flagged.
    pub sensitivity: f64,
    /// Share of the safe images that are not.
    pub specificity: f64,
}

/// The share of unsafe images behind a share of flagged ones, kept within 0 and 1.
///
/// # Errors
/// [`NotIdentifiable`] when sensitivity and specificity add up to one or less.
///
/// ```
/// let share = praetor::eval::rogan_gladen(0.3, 0.9, 0.8).unwrap();
/// assert!((share - 0.1 / 0.7).abs() < 1e-12);
/// ```
pub fn rogan_gladen(
    flagged: f64,
    sensitivity: f64,
    specificity: f64,
) -> Result<f64, NotIdentifiable> {
    let informed = sensitivity + specificity - 1.0;
    // Rounding must not make a judge of chance look informed.
    if informed <= 1e-9 {
        return Err(NotIdentifiable { sensitivity, specificity });
    }
    Ok(((flagged + specificity - 1.0) / informed).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of `epi.prev` in the manual of R's `epiR`: 23 of 150 cows react to a test of
    /// sensitivity 0.96 and specificity 0.89, and 5.1 of 100 have brucellosis.
    #[test]
    fn the_cows_of_epir() {
        let share = rogan_gladen(23.0 / 150.0, 0.96, 0.89).unwrap();
        assert!((share - 0.050_980).abs() < 1e-6, "{share}");
    }

    #[test]
    fn what_would_leave_the_range_stays_at_its_end() {
        assert!(rogan_gladen(0.05, 0.9, 0.9).unwrap().abs() < 1e-12);
        assert!((rogan_gladen(0.99, 0.9, 0.9).unwrap() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_judge_of_chance_tells_nothing() {
        let error = rogan_gladen(0.3, 0.3, 0.7).unwrap_err();
        assert!(error.to_string().starts_with("can't be said"), "{error}");
        assert!(rogan_gladen(0.3, 0.2, 0.5).is_err());
    }
}
