//! Settings by their YAML keys, as they are written: what two editions are compared by.

use super::diff::SettingChange;
use super::{Rule, Settings};

/// The settings that are not written as they were.
pub(super) fn settings(old: &Settings, new: &Settings) -> Vec<SettingChange> {
    let pairs = written(old).into_iter().zip(written(new));
    pairs
        .filter(|((_, before), (_, after))| before != after)
        .map(|((key, before), (_, after))| SettingChange { key: key.to_owned(), before, after })
        .collect()
}

/// Whether a rule that was there before is kept on this machine otherwise than it was.
pub(super) fn local_only(old: Option<&Rule>, new: Option<&Rule>) -> Option<SettingChange> {
    let written = |rule: &Rule| rule.local_only.then(|| true.to_string());
    let (before, after) = (written(old?), written(new?));
    let key = "local_only".to_owned();
    (before != after).then_some(SettingChange { key, before, after })
}

/// Every setting by its key, as it is written or not.
fn written(settings: &Settings) -> [(&'static str, Option<String>); 7] {
    let number = |value: Option<f64>| value.map(|value| value.to_string());
    let thresholds = settings.thresholds;
    [
        ("thresholds.relevance", number(thresholds.relevance)),
        ("thresholds.reject_below_prior", number(thresholds.reject_below_prior)),
        ("thresholds.accept_above_prior", number(thresholds.accept_above_prior)),
        ("thresholds.region_drop", number(thresholds.region_drop)),
        ("thresholds.region_score", number(thresholds.region_score)),
        ("thresholds.small_object_area", number(thresholds.small_object_area)),
        ("undecided", settings.undecided.map(|word| word.as_str().to_owned())),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constitution::Constitution;

    #[test]
    fn a_rule_that_is_kept_here_from_now_on_is_a_change() {
        let rule = |more: &str| {
            let yaml = format!("{{name: pets, rules: [{{id: dogs, text: No dogs.{more}}}]}}");
            Constitution::parse(&yaml).unwrap().rules.remove(0)
        };
        let (open, kept) = (rule(""), rule(", local_only: true"));
        let change = local_only(Some(&open), Some(&kept)).unwrap();
        assert_eq!((change.before, change.after), (None, Some("true".to_owned())));
        assert!(local_only(Some(&kept), Some(&kept)).is_none());
        assert!(local_only(None, Some(&kept)).is_none(), "a new rule is told of as a whole");
    }
}
