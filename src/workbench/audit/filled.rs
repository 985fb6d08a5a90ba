//! Reading a sheet that somebody has filled in.
//!
//! Spreadsheets write what they like: a mark of UTF-8 in front, semicolons or tabs between cells,
//! `\r\n` at the ends of lines, `Yes`, `TRUE`, blanks behind words. All of that is taken. What is
//! not understood is an error with its line and column, all of them at once: a label that was
//! guessed is worse than none.

use super::sheet::Plan;
use crate::ids::RuleId;

/// What somebody says of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is unsafe.
    Yes,
    /// It is not.
    No,
    /// They can't say.
    Unsure,
}

/// A row of the sheet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Label {
    /// What was said; nothing for a row that was left blank.
    pub answer: Option<Answer>,
    /// The rules it violates; nothing where the rules were not looked at.
    pub rules: Option<Vec<RuleId>>,
}

/// A cell, or a row, that can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Which line of the file, counted from one.
    pub line: u64,
    /// Which column, by its name.
    pub column: &'static str,
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub help: String,
}

/// A sheet that can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SheetError {
    /// The first line does not name the columns.
    #[error(
        "the first line has no column `{column}`; it should read `image,unsafe? (yes/no/unsure),rules`"
    )]
    NoColumn {
        /// Which column is missing.
        column: &'static str,
    },
    /// Some cells can't be understood.
    #[error("{} of the sheet can't be understood", counted(mistakes.len()))]
    Mistakes {
        /// All of them, in the sheet's order.
        mistakes: Vec<Mistake>,
    },
    /// It is no sheet.
    #[error("not a table: {0}")]
    Csv(#[from] csv::Error),
}

fn counted(mistakes: usize) -> String {
    if mistakes == 1 { "a cell".to_owned() } else { format!("{mistakes} cells") }
}

/// Reads a sheet: a label for every image of the plan, in its order, and what the reader should know.
///
/// # Errors
/// [`SheetError`] with every cell that is not understood.
pub fn read(
    bytes: &[u8],
    plan: &Plan,
    known: &[RuleId],
) -> Result<(Vec<Label>, Vec<String>), SheetError> {
    let text = decoded(bytes);
    let (text, skipped) = without_separator_line(&text);
    let mut table = csv::ReaderBuilder::new()
        .delimiter(delimiter(text))
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let columns = Columns::find(table.headers()?)?;
    let mut rows = Rows {
        plan,
        known,
        labels: vec![None; plan.sample.len()],
        mistakes: Vec::new(),
        inferred: 0,
    };
    for record in table.records() {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line) + skipped;
        rows.take(line, &columns, &record);
    }
    if !rows.mistakes.is_empty() {
        return Err(SheetError::Mistakes { mistakes: rows.mistakes });
    }
    let notes = rows.notes();
    Ok((rows.labels.into_iter().map(Option::unwrap_or_default).collect(), notes))
}

/// UTF-8, else Latin-1, which is what old spreadsheets write; only names suffer from it.
fn decoded(bytes: &[u8]) -> String {
    let text = std::str::from_utf8(bytes)
        .map_or_else(|_| bytes.iter().map(|byte| char::from(*byte)).collect(), str::to_owned);
    text.trim_start_matches('\u{feff}').to_owned()
}

/// Excel's own first line, `sep=;`.
fn without_separator_line(text: &str) -> (&str, u64) {
    let first = text.lines().next().unwrap_or_default();
    if first.trim_matches('"').to_ascii_lowercase().starts_with("sep=") {
        (text.split_once('\n').map_or("", |(_, rest)| rest), 1)
    } else {
        (text, 0)
    }
}

/// The sign that stands most often in the first line.
fn delimiter(text: &str) -> u8 {
    let first = text.lines().next().unwrap_or_default();
    let count = |sign: &u8| first.bytes().filter(|byte| byte == sign).count();
    // Of equals the last wins: a comma.
    [b'\t', b';', b','].into_iter().max_by_key(count).unwrap_or(b',')
}

/// Where the columns are; people move them and add their own.
struct Columns {
    image: usize,
    answer: usize,
    rules: Option<usize>,
}

impl Columns {
    fn find(header: &csv::StringRecord) -> Result<Self, SheetError> {
        let place =
            |word: &str| header.iter().position(|name| name.to_lowercase().starts_with(word));
        Ok(Self {
            image: place("image").ok_or(SheetError::NoColumn { column: "image" })?,
            answer: place("unsafe").ok_or(SheetError::NoColumn { column: "unsafe?" })?,
            rules: place("rules"),
        })
    }
}

/// The labels as the rows come.
struct Rows<'plan> {
    plan: &'plan Plan,
    known: &'plan [RuleId],
    labels: Vec<Option<Label>>,
    mistakes: Vec<Mistake>,
    inferred: usize,
}

impl Rows<'_> {
    fn take(&mut self, line: u64, columns: &Columns, record: &csv::StringRecord) {
        let cell = |at: usize| record.get(at).unwrap_or_default();
        if record.iter().all(str::is_empty) {
            return;
        }
        let name = cell(columns.image);
        let Some(place) = self.plan.place(name) else {
            let help =
                "keep the paths as they were drawn; rows may be sorted, left blank or taken out";
            self.mistake(line, "image", format!("`{name}` is not of the sample"), help.to_owned());
            return;
        };
        let rules = self.rules(line, columns.rules.map(cell).unwrap_or_default());
        let answer = self.answer(line, cell(columns.answer));
        let (Ok(rules), Ok(answer)) = (rules, answer) else { return };
        let label = self.joined(line, answer, rules);
        match (&self.labels[place], label) {
            (_, None) => {}
            // Of a filled row and a blank one the filled one counts.
            (Some(_), Some(label)) if label.answer.is_none() => {}
            (Some(earlier), Some(label)) if earlier.answer.is_some() && *earlier != label => self
                .mistake(
                    line,
                    "image",
                    format!("`{name}` stands in the sheet twice, with different answers"),
                    "keep one of the rows".to_owned(),
                ),
            (_, label) => self.labels[place] = label,
        }
    }

    /// Whether the two cells agree; naming a rule says that the image is unsafe.
    fn joined(
        &mut self,
        line: u64,
        answer: Option<Answer>,
        rules: Option<Vec<RuleId>>,
    ) -> Option<Label> {
        let names_rules = rules.as_ref().is_some_and(|rules| !rules.is_empty());
        match answer {
            Some(Answer::No) if names_rules => {
                self.mistake(
                    line,
                    "rules",
                    "the image is said not to be unsafe, and rules are named".to_owned(),
                    "write `yes`, or leave `rules` blank".to_owned(),
                );
                None
            }
            // An image that is not unsafe violates no rule.
            Some(Answer::No) => Some(Label { answer, rules: Some(Vec::new()) }),
            None if names_rules => {
                self.inferred += 1;
                Some(Label { answer: Some(Answer::Yes), rules })
            }
            None => Some(Label::default()),
            Some(Answer::Unsure) => Some(Label { answer, rules: None }),
            Some(Answer::Yes) => Some(Label { answer, rules }),
        }
    }

    fn answer(&mut self, line: u64, cell: &str) -> Result<Option<Answer>, ()> {
        match cell.to_lowercase().as_str() {
            "" => Ok(None),
            "yes" | "y" | "1" | "x" | "true" | "unsafe" => Ok(Some(Answer::Yes)),
            "no" | "n" | "0" | "false" | "safe" => Ok(Some(Answer::No)),
            "unsure" | "?" | "u" | "maybe" => Ok(Some(Answer::Unsure)),
            _ => {
                let help = "write `yes`, `no` or `unsure`, or leave the cell blank";
                self.mistake(line, "unsafe?", format!("`{cell}` is no answer"), help.to_owned());
                Err(())
            }
        }
    }

    fn rules(&mut self, line: u64, cell: &str) -> Result<Option<Vec<RuleId>>, ()> {
        let words =
            cell.split(|sign: char| sign.is_whitespace() || matches!(sign, ',' | ';' | '|'));
        let words: Vec<String> =
            words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
        match words.as_slice() {
            [] => return Ok(None),
            [none] if none == "none" || none == "-" => return Ok(Some(Vec::new())),
            _ => {}
        }
        let mut rules = Vec::new();
        for word in &words {
            let Some(rule) = self.known.iter().find(|rule| rule.as_str() == word) else {
                let help = self.nearest(word);
                self.mistake(line, "rules", format!("there is no rule `{word}`"), help);
                return Err(());
            };
            rules.push(rule.clone());
        }
        rules.sort();
        rules.dedup();
        Ok(Some(rules))
    }

    fn nearest(&self, word: &str) -> String {
        let alike = |rule: &&RuleId| strsim::damerau_levenshtein(rule.as_str(), word);
        let nearest = self.known.iter().min_by_key(alike);
        nearest.filter(|rule| alike(rule) <= 3).map_or_else(
            || "write ids of rules with blanks between them, or `none`".to_owned(),
            |rule| format!("did you mean `{rule}`?"),
        )
    }

    fn mistake(&mut self, line: u64, column: &'static str, what: String, help: String) {
        self.mistakes.push(Mistake { line, column, what, help });
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.inferred > 0 {
            notes.push(format!(
                "{} with rules but without an answer counted as unsafe",
                if self.inferred == 1 {
                    "1 row".to_owned()
                } else {
                    format!("{} rows", self.inferred)
                }
            ));
        }
        let missing = self.labels.iter().filter(|label| label.is_none()).count();
        if missing > 0 {
            notes.push(format!("{missing} drawn images are missing from the sheet: not labelled"));
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::super::sheet::{PlannedImage, PlannedStratum};
    use super::super::strata::{Detail, Key};
    use super::*;
    use crate::ids::{Hash, ModelId};
    use crate::verdict::Conclusion;

    fn plan(images: &[&str]) -> Plan {
        let sample =
            images.iter().map(|image| PlannedImage { image: (*image).to_owned(), stratum: 0 });
        let key = Key { conclusion: Conclusion::Safe, band: None, rule: None };
        Plan {
            version: 1,
            run: "run".into(),
            policy: Hash::of(b"p"),
            model: ModelId { name: "m".to_owned(), fingerprint: Hash::of(b"m") },
            seed: 1,
            images: 10,
            detail: Detail::Conclusion,
            strata: vec![PlannedStratum {
                name: String::new(),
                key,
                images: 10,
                sampled: images.len(),
                weight: 1.0,
            }],
            sample: sample.collect(),
        }
    }

    fn rules() -> Vec<RuleId> {
        ["weapons.child", "tobacco"].map(|id| RuleId::new(id).unwrap()).to_vec()
    }

    fn labels(text: &[u8]) -> Vec<Label> {
        read(text, &plan(&["a.png", "b, c.png", "=d.png"]), &rules()).unwrap().0
    }

    #[test]
    fn what_spreadsheets_make_of_it_is_read_all_the_same() {
        let expected = [
            Label { answer: Some(Answer::Yes), rules: Some(rules().into_iter().rev().collect()) },
            Label { answer: Some(Answer::No), rules: Some(Vec::new()) },
            Label::default(),
        ];
        for text in [
            "image,unsafe? (yes/no/unsure),rules\na.png,yes,tobacco weapons.child\n\"b, c.png\",no,\n=d.png,,\n",
            "\u{feff}Image;UNSAFE?;Rules\r\na.png;YES ;Weapons.child  tobacco\r\n\"b, c.png\"; N;\r\n./=d.png;;\r\n;;\r\n",
            "sep=;\r\nimage;comment;unsafe?;rules\r\na.png;why;1;tobacco,weapons.child\r\nb, c.png;;FALSE;\r\n",
            "unsafe?\timage\trules\nx\ta.png\tTOBACCO|weapons.child\n0\tb, c.png\t\n",
            "image,unsafe?,rules\na.png,,tobacco weapons.child\n\"b, c.png\",safe\n",
        ] {
            assert_eq!(labels(text.as_bytes()), expected, "{text:?}");
        }
        let latin = b"image,unsafe?,rules,caf\xe9\na.png,unsure,,\n";
        assert_eq!(labels(latin)[0].answer, Some(Answer::Unsure));
    }

    #[test]
    fn every_bad_cell_is_named_with_its_line_and_how_to_mend_it() {
        let text = "sep=,\nimage,unsafe?,rules\na.png,perhaps,\nz.png,yes,\n\"b, c.png\",yes,tobaco\n=d.png,no,tobacco\n";
        let error = read(text.as_bytes(), &plan(&["a.png", "b, c.png", "=d.png"]), &rules());
        let Err(SheetError::Mistakes { mistakes }) = error else { panic!("{error:?}") };
        let short: Vec<_> = mistakes.iter().map(|one| (one.line, one.column)).collect();
        assert_eq!(short, [(3, "unsafe?"), (4, "image"), (5, "rules"), (6, "rules")]);
        assert_eq!(mistakes[2].help, "did you mean `tobacco`?");
    }

    #[test]
    fn a_sheet_without_its_columns_or_with_two_answers_is_refused() {
        let plan = plan(&["a.png"]);
        let none = read(b"picture,unsafe\na.png,yes\n", &plan, &rules());
        assert!(matches!(none, Err(SheetError::NoColumn { column: "image" })), "{none:?}");
        let twice = read(b"image,unsafe\na.png,yes\na.png,no\n", &plan, &rules());
        assert!(matches!(twice, Err(SheetError::Mistakes { .. })), "{twice:?}");
        let same = read(b"image,unsafe\na.png,yes\na.png,yes\n", &plan, &rules()).unwrap();
        assert_eq!(same.0[0].answer, Some(Answer::Yes));
    }
}
