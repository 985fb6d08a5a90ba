//! Whole numbers with bounds, refused in words that name them.

use std::num::NonZeroU128;
use std::str::FromStr;

/// Reads a whole number that is not nought.
///
/// # Errors
/// What was expected, for the sentence of the command line.
pub(super) fn at_least_one<Number: FromStr>(text: &str) -> Result<Number, String> {
    match text.parse::<NonZeroU128>() {
        Ok(_) => text.parse().map_err(|_| "too large".to_owned()),
        Err(_) => Err("expected a whole number, at least 1".to_owned()),
    }
}

/// A reader of whole numbers, both bounds among them.
pub(super) fn between<Number: FromStr>(
    least: u32,
    most: u32,
) -> impl Fn(&str) -> Result<Number, String> + Clone + Send + Sync + 'static {
    move |text| {
        let within = text.parse::<u32>().is_ok_and(|number| (least..=most).contains(&number));
        let number = if within { text.parse().ok() } else { None };
        number.ok_or_else(|| format!("expected a whole number from {least} to {most}"))
    }
}

#[cfg(test)]
mod tests {
    use std::num::{NonZeroU32, NonZeroUsize};

    use super::*;

    #[test]
    fn what_is_refused_is_told_the_bounds() {
        assert_eq!(at_least_one::<NonZeroUsize>("2").map(NonZeroUsize::get), Ok(2));
        assert_eq!(at_least_one::<u8>("255"), Ok(255));
        assert_eq!(at_least_one::<u8>("256"), Err("too large".to_owned()));
        for bad in ["0", "-1", "1.5", "", "many"] {
            let expected = "expected a whole number, at least 1".to_owned();
            assert_eq!(at_least_one::<u64>(bad), Err(expected), "{bad}");
        }
        assert_eq!(between::<NonZeroU32>(1, 247)("247").map(NonZeroU32::get), Ok(247));
        assert_eq!(between::<u32>(0, 20)("0"), Ok(0));
        for bad in ["0", "248", "-1", "many"] {
            let expected = "expected a whole number from 1 to 247".to_owned();
            assert_eq!(between::<NonZeroU32>(1, 247)(bad), Err(expected), "{bad}");
        }
    }
}
