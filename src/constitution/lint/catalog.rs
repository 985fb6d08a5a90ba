//! The lints, each with its page: what it flags, why that matters, and what to write instead.
//!
//! The doc comment of a variant is the lint's page. The JSON Schema carries it, so that an editor
//! shows it beside `allow:`; `praetor constitution explain` prints it, and `docs/lints.md` is made
//! of it. Every page has the same four parts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One thing that makes a rule hard to judge images by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(title = "lint")]
pub enum Lint {
    /// A word that needs an opinion.
    ///
    /// ## What it does
    /// Finds words such as `shocking`, `suggestive`, `inappropriate` or `likely` in a rule.
    ///
    /// ## Why it matters
    /// Two people who look at the same image read such a word differently, and so does the model on
    /// two images. In the CLUE paper, one rule with `in a suggestive way` was judged right in 74 of
    /// 100 cases, and with an angle in its place in 98.
    ///
    /// ## Example
    /// ```yaml
    /// text: People in swimwear must not be shown with their legs spread in a suggestive way.
    /// ```
    ///
    /// ## Use instead
    /// ```yaml
    /// text: People in swimwear must not be shown with their legs spread by more than 90 degrees.
    /// ```
    SubjectiveWord,
    /// A quantity without a number.
    ///
    /// ## What it does
    /// Finds words such as `many`, `a lot of`, `large`, `near` or `young` in a rule.
    ///
    /// ## Why it matters
    /// The line between few and many is a decision of policy. A rule that does not draw it leaves it
    /// to the model, which draws it elsewhere on every image.
    ///
    /// ## Example
    /// ```yaml
    /// text: A child must not be shown near a fire.
    /// ```
    ///
    /// ## Use instead
    /// ```yaml
    /// text: A child must not be shown within arm's reach of a fire.
    /// ```
    VagueQuantity,
    /// Something that an image can't show.
    ///
    /// ## What it does
    /// Finds words about purpose, consent, law, age in years, sound, thoughts, truth, or the time
    /// before and after: `with the intention`, `stolen`, `promotes`, `minors`, `about to`.
    ///
    /// ## Why it matters
    /// The model sees one image and nothing else. Asked for what is not in it, it guesses, and its
    /// guess is no ground for a verdict.
    ///
    /// ## Example
    /// ```yaml
    /// text: Images that promote smoking must not be shown.
    /// ```
    ///
    /// ## Use instead
    /// ```yaml
    /// text: A cigarette brand's logo must not be shown.
    /// ```
    NotVisible,
    /// Several rules in one.
    ///
    /// ## What it does
    /// Finds a text that says `must not` or the like more than once.
    ///
    /// ## Why it matters
    /// A rule is violated when all of its preconditions hold, so two rules in one would be violated
    /// only by an image that breaks both. Reports name a rule by its id, and could not say which of
    /// the two it was.
    ///
    /// ## Example
    /// ```yaml
    /// text: People must not be shown smoking, and weapons must not be shown.
    /// ```
    ///
    /// ## Use instead
    /// ```yaml
    /// - id: smoking
    ///   text: People must not be shown smoking.
    /// - id: weapons
    ///   text: Weapons must not be shown.
    /// ```
    SeveralRules,
    /// An exception within a rule.
    ///
    /// ## What it does
    /// Finds `unless`, `except`, `other than`, `but not` and the like.
    ///
    /// ## Why it matters
    /// A rule is judged by things that must all be visible. An exception is something that must not
    /// be, and models answer badly whether something is missing.
    ///
    /// ## Example
    /// ```yaml
    /// text: Knives must not be shown unless they are in a kitchen.
    /// ```
    ///
    /// ## Use instead
    /// ```yaml
    /// text: A person must not be shown pointing a knife at another person.
    /// examples:
    ///   allowed:
    ///     - a knife in a kitchen
    /// ```
    Exception,
    /// A rule broken by what is missing.
    ///
    /// ## What it does
    /// Finds rules that ask for something to be there or forbid that it is not: `must wear`,
    /// `must be covered`, `without a helmet`, `not wearing`. The usual `must not be shown` is none.
    ///
    /// ## Why it matters
    /// A rule is judged by things that must all be visible, and what is missing can't be seen.
    /// Models tend to say yes to `there is no helmet` whatever the image shows.
    ///
    /// ## Example
    /// ```yaml
    /// text: People on a motorcycle must wear a helmet.
    /// ```
    ///
    /// ## Use instead
    /// ```yaml
    /// text: People on a motorcycle must not be shown with a bare head.
    /// ```
    Absence,
    /// A text longer than the encoder reads.
    ///
    /// ## What it does
    /// Estimates the tokens of a rule's text and flags more than 77, which is where CLIP stops
    /// reading. Counted are words, one more for every ten letters after the first ten, digits and
    /// signs one by one, and the two marks at the ends; SigLIP stops at 64.
    ///
    /// ## Why it matters
    /// The relevance scan chooses by the text which rules an image is judged by. What comes after
    /// the limit is cut off, and counts for nothing there.
    ///
    /// ## Example
    /// ```yaml
    /// text: A weapon, which means any knife, dagger, sword, ... (90 words) ..., must not be shown.
    /// ```
    ///
    /// ## Use instead
    /// ```yaml
    /// text: A weapon must not be shown.
    /// notes: A weapon is any knife, dagger, sword, ...
    /// ```
    TooLong,
    /// Two rules that say nearly the same.
    ///
    /// ## What it does
    /// Compares the words that carry meaning, rule by rule, and flags two rules that share nearly
    /// all of them.
    ///
    /// ## Why it matters
    /// Both are asked of the model on every image, which costs time, and one finding is reported
    /// twice. When one is changed later, the other is easily forgotten.
    ///
    /// ## Example
    /// ```yaml
    /// - id: skulls
    ///   text: Skulls must not be shown.
    /// - id: skull
    ///   text: A skull must not be visible.
    /// ```
    ///
    /// ## Use instead
    /// ```yaml
    /// - id: skulls
    ///   text: Skulls must not be shown.
    /// ```
    NearDuplicate,
    /// Lock entries that nobody has signed.
    ///
    /// ## What it does
    /// Counts the entries of the lock with `reviewed: false`.
    ///
    /// ## Why it matters
    /// The preconditions decide what is looked for. As long as nobody has read them, the policy is
    /// what a model made of it.
    ///
    /// ## Example
    /// ```yaml
    /// - id: skulls
    ///   reviewed: false
    /// ```
    ///
    /// ## Use instead
    /// Read the entry's preconditions against the rule, mend them, and write:
    /// ```yaml
    /// - id: skulls
    ///   reviewed: true
    /// ```
    Unreviewed,
    /// A rule that is not objective enough.
    ///
    /// ## What it does
    /// Finds lock entries whose `objectiveness` is below 9 of 10.
    ///
    /// ## Why it matters
    /// The CLUE paper revises a rule until it reaches 9, since below that people and models differ
    /// about what the rule says.
    ///
    /// ## Example
    /// ```yaml
    /// objectiveness: 7
    /// objective_text: People bending over in a way that accentuates the buttocks ...
    /// ```
    ///
    /// ## Use instead
    /// ```yaml
    /// objectiveness: 9
    /// objective_text: People bending at the waist with the buttocks above the torso ...
    /// ```
    LowObjectiveness,
    /// Words in the lock that the model can't answer by looking.
    ///
    /// ## What it does
    /// Checks the lock's preconditions and objective texts for words that need an opinion, vague
    /// quantities and things that an image can't show, and the preconditions for negations.
    ///
    /// ## Why it matters
    /// A precondition's statement is what is asked of the model, word for word. It has to be
    /// something that is either to be seen in the image or not.
    ///
    /// ## Example
    /// ```yaml
    /// - statement: the man is not wearing a helmet
    /// ```
    ///
    /// ## Use instead
    /// ```yaml
    /// - statement: the man's head is bare
    /// ```
    StatementWords,
    /// A statement that is asked twice.
    ///
    /// ## What it does
    /// Finds statements that stand more than once within one lock entry.
    ///
    /// ## Why it matters
    /// The second answer is the first one, so the repetition costs time and adds nothing. Mostly
    /// another statement was meant.
    ///
    /// ## Example
    /// ```yaml
    /// - statement: a child is visible
    /// - statement: A child is visible.
    /// ```
    ///
    /// ## Use instead
    /// ```yaml
    /// - statement: a child is visible
    /// - statement: a knife is visible
    /// ```
    RepeatedStatement,
    /// A precondition without central objects.
    ///
    /// ## What it does
    /// Finds preconditions in the lock without `objects`.
    ///
    /// ## Why it matters
    /// Where the model is unsure, praetor looks for the objects, paints them over and asks again:
    /// when the answer falls, they were the reason. Without objects that stage is left out, and small
    /// things are not looked at closely.
    ///
    /// ## Example
    /// ```yaml
    /// - statement: a child holds a knife
    /// ```
    ///
    /// ## Use instead
    /// ```yaml
    /// - statement: a child holds a knife
    ///   objects: [child, knife]
    /// ```
    NoObjects,
    /// An `allow` that allows nothing.
    ///
    /// ## What it does
    /// Finds lints under `allow` that have nothing to report.
    ///
    /// ## Why it matters
    /// The finding it was written for is gone. Left in place, it would hide the next one.
    ///
    /// ## Example
    /// ```yaml
    /// text: Skulls must not be shown.
    /// allow: [vague-quantity]
    /// ```
    ///
    /// ## Use instead
    /// ```yaml
    /// text: Skulls must not be shown.
    /// ```
    UnusedAllow,
}
