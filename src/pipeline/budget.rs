//! How much reasoning a run may cost, and what was left out for it.
//!
//! Reasoning costs a hundred times what a question does. On millions of images a budget bounds it;
//! what it leaves out is never settled silently but counted, and the preconditions say so.

use std::str::FromStr;
use std::time::Duration;

/// Bounds on reasoning; nothing is bounded by default.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Budget {
    /// Questions that one view may have reasoned about, the most suspected first.
    pub escalations: Option<usize>,
    /// What all images together may cost.
    pub whole_run: Option<Allowance>,
}

/// What a whole run may spend on reasoning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Allowance {
    /// A share of the images judged so far, from 0 to 1; the first is always allowed unless it is 0.
    Share(f64),
    /// Time spent reasoning. The image during which it runs out is still finished.
    Time(Duration),
}

/// What reasoning has cost so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Views judged.
    pub views: usize,
    /// Views of which something was reasoned about.
    pub escalated: usize,
    /// Questions reasoned about.
    pub questions: usize,
    /// Questions left out by the budget.
    pub left_out: usize,
    /// Time in reasoning.
    pub time: Duration,
}

impl Budget {
    /// How many of a view's open questions may be reasoned about.
    pub(super) fn allows(self, spent: &Spent, open: usize) -> usize {
        let all = self.escalations.map_or(open, |most| open.min(most));
        match self.whole_run {
            None => all,
            Some(Allowance::Time(time)) => {
                if spent.time < time {
                    all
                } else {
                    0
                }
            }
            #[expect(clippy::cast_precision_loss, reason = "counts of images are far below 2^52")]
            Some(Allowance::Share(share)) => {
                // Rounded up, so that a small share begins with the first image.
                let allowed = (share * spent.views.max(1) as f64).ceil();
                if (spent.escalated as f64) < allowed { all } else { 0 }
            }
        }
    }
}

/// A text that is no allowance.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no budget: write a share of the images such as `5%`, or a time such as `90s` or `2h`"
)]
pub struct InvalidAllowance {
    /// What was written.
    pub text: String,
}

impl FromStr for Allowance {
    type Err = InvalidAllowance;

    /// Reads `5%`, `90s`, `10min`, `2h`.
    fn from_str(text: &str) -> Result<Self, InvalidAllowance> {
        let invalid = || InvalidAllowance { text: text.to_owned() };
        if let Some(share) = text.strip_suffix('%') {
            let share: f64 = share.trim().parse().map_err(|_| invalid())?;
            let within = (0.0..=100.0).contains(&share);
            return if within { Ok(Self::Share(share / 100.0)) } else { Err(invalid()) };
        }
        humantime::parse_duration(text).map(Self::Time).map_err(|_| invalid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowances_are_read() {
        assert_eq!("5%".parse(), Ok(Allowance::Share(0.05)));
        assert_eq!("90s".parse(), Ok(Allowance::Time(Duration::from_secs(90))));
        assert_eq!("2h".parse(), Ok(Allowance::Time(Duration::from_hours(2))));
        for bad in ["", "5", "120%", "-1%", "x%", "NaN%"] {
            assert!(bad.parse::<Allowance>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_share_of_the_images_begins_with_the_first_and_is_kept() {
        let budget = Budget { escalations: None, whole_run: Some(Allowance::Share(0.1)) };
        let mut spent = Spent::default();
        for _ in 0..1_000 {
            spent.views += 1;
            if budget.allows(&spent, 3) > 0 {
                spent.escalated += 1;
            }
        }
        assert_eq!(spent.escalated, 100);
        let none = Budget { escalations: None, whole_run: Some(Allowance::Share(0.0)) };
        assert_eq!(none.allows(&Spent::default(), 3), 0);
    }

    #[test]
    fn time_and_questions_are_bounded() {
        let budget = Budget {
            escalations: Some(2),
            whole_run: Some(Allowance::Time(Duration::from_secs(1))),
        };
        assert_eq!(budget.allows(&Spent::default(), 5), 2);
        let spent = Spent { time: Duration::from_secs(1), ..Spent::default() };
        assert_eq!(budget.allows(&spent, 5), 0);
        assert_eq!(Budget::default().allows(&spent, 5), 5);
    }
}
