//! Are two judges right equally often? Only the items that one got right and the other wrong tell.

use super::super::intervals::share_of;

/// The exact test of McNemar (1947), two-sided: how likely a split of `first_only` against
/// `second_only`, or one further from even, would be if both judges were right equally often. From
/// above 0 to 1; 1 where they are even, or where no item tells them apart.
///
/// ```
/// // Agresti, "An Introduction to Categorical Data Analysis": 1 against 5 is no proof.
/// let p = praetor::eval::agreement::mcnemar_exact(1, 5);
/// assert!((p - 0.21875).abs() < 1e-12);
/// ```
pub fn mcnemar_exact(first_only: usize, second_only: usize) -> f64 {
    let (fewer, all) = (first_only.min(second_only), first_only + second_only);
    if first_only == second_only {
        return 1.0;
    }
    // The terms of the binomial tail fall from the last on; they are summed relative to it, since the
    // terms themselves are too small for a number where there are thousands of items.
    let mut sum = 0.0;
    let mut term = 1.0;
    for successes in (0..=fewer).rev() {
        sum += term;
        term *= share_of(successes, all - successes + 1);
    }
    let last: f64 = (0..fewer).map(|done| share_of(all - done, done + 1).ln()).sum();
    (2.0 * (sum.ln() + last - ln_of_two_to(all)).exp()).min(1.0)
}

#[expect(clippy::cast_precision_loss, reason = "counts of images are far below 2^52")]
fn ln_of_two_to(power: usize) -> f64 {
    power as f64 * std::f64::consts::LN_2
}
