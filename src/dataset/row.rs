//! From the cells of a row, or the folders of a path, to a label.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::label::{Label, Meaning, Safety};
use super::{Mistake, Options};
use crate::ids::RuleId;

/// A row's cells by what they hold, as its format gave them; empty cells are absent.
#[derive(Debug, Default)]
pub(super) struct Cells {
    pub(super) safety: Option<String>,
    pub(super) violated: Option<Vec<String>>,
    /// The class, or the names of the folders an image lies in.
    pub(super) classes: Vec<String>,
    pub(super) category: Option<String>,
    pub(super) source: Option<String>,
    pub(super) set: Option<String>,
    pub(super) text: Option<String>,
}

impl Cells {
    /// What the cells say together.
    pub(super) fn label(self, options: &Options) -> Result<Label, Mistake> {
        let mut draft = Draft { label: Label::default(), options };
        draft.safety(self.safety)?;
        for (word, set) in [
            (self.category, Meaning::Category as fn(String) -> Meaning),
            (self.source, Meaning::Source),
            (self.set, Meaning::Set),
        ] {
            if let Some(word) = word {
                let meaning = options.meanings.get(&word).cloned();
                draft.apply(meaning.unwrap_or_else(|| set(word)))?;
            }
        }
        if let Some(rules) = self.violated {
            draft.label.violated.get_or_insert_default();
            for rule in rules {
                draft.violates(RuleId::new(rule)?)?;
            }
        }
        draft.classes(self.classes)?;
        draft.label.text = self.text;
        draft.finish()
    }
}

/// A label in the making.
struct Draft<'options> {
    label: Label,
    options: &'options Options,
}

impl Draft<'_> {
    fn safety(&mut self, word: Option<String>) -> Result<(), Mistake> {
        let Some(word) = word else { return Ok(()) };
        match self.options.meanings.get(&word) {
            Some(meaning) => self.apply(meaning.clone()),
            None => match Safety::from_word(&word) {
                Some(safety) => self.say(safety),
                None => Err(Mistake::Safety { word }),
            },
        }
    }

    /// Classes and folders. Whether the image is safe comes first, since what a safe image lies in
    /// is what it was collected for, and not what it violates.
    fn classes(&mut self, words: Vec<String>) -> Result<(), Mistake> {
        let (plain, others): (Vec<String>, Vec<String>) =
            words.into_iter().partition(|word| self.meaning_of_class(word).is_some());
        for word in plain {
            if let Some(meaning) = self.meaning_of_class(&word) {
                self.apply(meaning)?;
            }
        }
        for word in others {
            let rule = RuleId::new(&*word).ok().filter(|rule| self.has_rule(rule));
            if let (Some(rule), true) = (rule, self.label.safety != Some(Safety::Safe)) {
                self.violates(rule)?;
            }
            self.label.category.get_or_insert(word);
        }
        Ok(())
    }

    /// What a class or a folder says that needs no rule to be known.
    fn meaning_of_class(&self, word: &str) -> Option<Meaning> {
        let given = self.options.meanings.get(word).cloned();
        given.or_else(|| Safety::from_word(word).map(Meaning::Safety))
    }

    fn has_rule(&self, rule: &RuleId) -> bool {
        self.options.rules.as_ref().is_some_and(|rules| rules.contains(rule))
    }

    fn apply(&mut self, meaning: Meaning) -> Result<(), Mistake> {
        match meaning {
            Meaning::Safety(safety) => self.say(safety)?,
            Meaning::Rule(rule) => self.violates(rule)?,
            Meaning::Category(name) => self.label.category = Some(name),
            Meaning::Source(name) => self.label.source = Some(name),
            Meaning::Set(name) => self.label.set = name,
            Meaning::Ignored => {}
        }
        Ok(())
    }

    fn say(&mut self, also: Safety) -> Result<(), Mistake> {
        match self.label.safety.replace(also) {
            Some(said) if said != also => Err(Mistake::Contradiction { said, also }),
            _ => Ok(()),
        }
    }

    fn violates(&mut self, rule: RuleId) -> Result<(), Mistake> {
        if self.options.rules.is_some() && !self.has_rule(&rule) {
            return Err(Mistake::UnknownRule { rule });
        }
        self.label.violated.get_or_insert_default().insert(rule);
        Ok(())
    }

    fn finish(mut self) -> Result<Label, Mistake> {
        match self.label.violated.as_ref().map(BTreeSet::is_empty) {
            Some(true) => self.say(Safety::Safe)?,
            Some(false) => self.say(Safety::Unsafe)?,
            None => {}
        }
        Ok(self.label)
    }
}

/// A cell without the space around it; an empty one is none.
pub(super) fn filled(cell: &str) -> Option<String> {
    let cell = cell.trim();
    (!cell.is_empty()).then(|| cell.to_owned())
}

/// The rules of a cell that is one text, separated by `;`, `,` or space; `none`, `[]` and `-` for none.
pub(super) fn rules_of(cell: &str) -> Vec<String> {
    let words = cell.split([';', ',', ' ', '\t', '\n']).filter(|word| !word.is_empty());
    words.filter(|word| !matches!(*word, "none" | "[]" | "-")).map(str::to_owned).collect()
}

/// Whether a dataset may name files outside of its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// A list that its user has made names what it likes.
    Anywhere,
    /// A dataset from elsewhere stays where it is.
    Within,
}

/// The file that a cell names, beside the file that it stands in.
pub(super) fn image_path(folder: &Path, image: &str, reach: Reach) -> Result<PathBuf, Mistake> {
    let leaves = |part: Component<'_>| !matches!(part, Component::Normal(_) | Component::CurDir);
    if reach == Reach::Within && Path::new(image).components().any(leaves) {
        return Err(Mistake::Outside { image: image.to_owned() });
    }
    Ok(folder.join(image))
}

/// Whether a word is the name of a split.
pub(super) fn is_split(word: &str) -> bool {
    ["train", "training", "test", "testing", "validation", "valid", "val", "dev", "eval"]
        .contains(&word.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(meanings: &[(&str, &str)], rules: &[&str]) -> Options {
        let meanings = meanings
            .iter()
            .map(|(word, meaning)| ((*word).to_owned(), meaning.parse().unwrap()))
            .collect();
        let rules = rules.iter().map(|rule| RuleId::new(*rule).unwrap()).collect();
        Options { meanings, rules: Some(rules), ..Options::default() }
    }

    fn classes(words: &[&str], options: &Options) -> Result<Label, Mistake> {
        let classes = words.iter().map(|&word| word.to_owned()).collect();
        Cells { classes, ..Cells::default() }.label(options)
    }

    #[test]
    fn folders_say_safe_rule_and_category() {
        let options = options(&[], &["weapons.child"]);
        let label = classes(&["unsafe", "Violence"], &options).unwrap();
        assert_eq!((label.is_unsafe(), label.category.as_deref()), (Some(true), Some("Violence")));
        let label = classes(&["weapons.child"], &options).unwrap();
        assert_eq!(label.is_unsafe(), Some(true));
        assert_eq!(label.violated.unwrap().len(), 1);
        let label = classes(&["weapons.child", "Safe"], &options).unwrap();
        assert_eq!((label.is_unsafe(), label.violated), (Some(false), None));
        assert_eq!(label.category.as_deref(), Some("weapons.child"));
    }

    #[test]
    fn words_mean_what_their_user_says() {
        let options = options(
            &[("porn", "unsafe"), ("drawings", "safe"), ("lexica", "source:AI"), ("v1", "ignore")],
            &[],
        );
        let label = classes(&["v1", "lexica", "porn"], &options).unwrap();
        assert_eq!(label.is_unsafe(), Some(true));
        assert_eq!((label.source.as_deref(), label.category), (Some("AI"), None));
        assert_eq!(classes(&["drawings"], &options).unwrap().is_unsafe(), Some(false));
        assert_eq!(classes(&["sexy"], &options).unwrap().is_unsafe(), None, "nothing is guessed");
    }

    #[test]
    fn a_row_can_not_say_two_things() {
        let row = |safety: &str, violated: Option<Vec<&str>>| {
            let violated = violated.map(|rules| rules.into_iter().map(str::to_owned).collect());
            Cells { safety: Some(safety.to_owned()), violated, ..Cells::default() }
                .label(&options(&[], &["dogs"]))
        };
        assert!(row("Safe", None).is_ok());
        assert!(row("Unsafe", Some(vec!["dogs"])).is_ok());
        for (safety, violated) in [("Safe", vec!["dogs"]), ("Unsafe", vec![])] {
            assert!(matches!(row(safety, Some(violated)), Err(Mistake::Contradiction { .. })));
        }
        assert!(matches!(row("nsfw", None), Err(Mistake::Safety { .. })));
        assert!(matches!(row("Unsafe", Some(vec!["cats"])), Err(Mistake::UnknownRule { .. })));
        assert!(matches!(row("Unsafe", Some(vec!["No Cats"])), Err(Mistake::NoRule(_))));
    }

    #[test]
    fn a_dataset_from_elsewhere_stays_in_its_folder() {
        let folder = Path::new("data");
        for image in ["/etc/passwd", "../a.png", "a/../../b.png"] {
            assert!(image_path(folder, image, Reach::Within).is_err(), "{image}");
            assert!(image_path(folder, image, Reach::Anywhere).is_ok(), "{image}");
        }
        assert_eq!(image_path(folder, "./a/b.png", Reach::Within).unwrap(), folder.join("a/b.png"));
    }

    #[test]
    fn rules_in_one_cell() {
        assert_eq!(rules_of("a.b; c,d"), ["a.b", "c", "d"]);
        for none in ["none", "[]", "-"] {
            assert!(rules_of(none).is_empty(), "{none}");
        }
    }
}
