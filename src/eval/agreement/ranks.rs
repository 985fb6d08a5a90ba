//! Do two judges put items into the same order, whatever their scales?

/// Spearman's rank correlation (1904) of pairs of numbers, items of equal value sharing the mean of
/// their ranks: 1 is the same order, 0 none, -1 the reverse. Nothing for fewer than two pairs, and
/// where one judge gives everything the same number.
///
/// ```
/// use praetor::eval::agreement::rank_correlation;
/// let same_order = rank_correlation(&[(0.1, 0.90), (0.5, 0.91), (0.9, 0.99)]).unwrap();
/// assert!((same_order - 1.0).abs() < 1e-12);
/// assert_eq!(rank_correlation(&[(0.1, 0.9), (0.5, 0.9)]), None);
/// ```
pub fn rank_correlation(pairs: &[(f64, f64)]) -> Option<f64> {
    let first = ranks(&pairs.iter().map(|pair| pair.0).collect::<Vec<_>>());
    let second = ranks(&pairs.iter().map(|pair| pair.1).collect::<Vec<_>>());
    let mean = f64::midpoint(count(pairs.len()), 1.0);
    let both = |one: &[f64], other: &[f64]| -> f64 {
        one.iter().zip(other).map(|(one, other)| (one - mean) * (other - mean)).sum()
    };
    let spread = both(&first, &first) * both(&second, &second);
    (spread > 0.0).then(|| (both(&first, &second) / spread.sqrt()).clamp(-1.0, 1.0))
}

/// The rank of each value, counted from one.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|one, other| values[*one].total_cmp(&values[*other]));
    let mut ranks = vec![0.0; values.len()];
    let mut from = 0;
    for alike in order.chunk_by(|one, other| values[*one].total_cmp(&values[*other]).is_eq()) {
        let shared = f64::midpoint(count(from + 1), count(from + alike.len()));
        for place in alike {
            ranks[*place] = shared;
        }
        from += alike.len();
    }
    ranks
}

#[expect(clippy::cast_precision_loss, reason = "counts of images are far below 2^52")]
fn count(items: usize) -> f64 {
    items as f64
}
