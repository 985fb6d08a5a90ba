//! What a YAML reader complains of, in words, with a place and a way to mend it.
//!
//! A YAML reader reports where it stopped, which is seldom where the mistake is: a quote that is
//! never closed is reported at the end of the file. Here its complaint is matched with the lines
//! around to guess what was meant.

use miette::SourceSpan;

use super::problem::Problem;

/// A reader's complaint as a problem.
pub(super) fn problem(error: &serde_saphyr::Error, text: &str) -> Problem {
    let said = error.to_string();
    let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(message, _)| message);
    let Some(location) = error.location() else {
        return Problem::Yaml { message: format!("not YAML: {said}"), at: None, help: None };
    };
    let stop = Stop { text, line: index(location.line()), column: index(location.column()) };
    let (message, at, help) = stop.explain(said);
    Problem::Yaml { message, at: Some(at), help }
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX).max(1)
}

/// Message, place and help.
type Explanation = (String, SourceSpan, Option<String>);

/// Where the reader stopped; line and column are counted from one, columns are characters.
struct Stop<'a> {
    text: &'a str,
    line: usize,
    column: usize,
}

impl Stop<'_> {
    fn explain(&self, said: &str) -> Explanation {
        let here = self.place(self.line, self.column);
        let known = if said.contains("expected '-' indicator")
            || said.contains("did not find expected key")
        {
            Some(self.stray_indent())
        } else if said.contains("mapping values are not allowed") {
            Some(self.second_colon())
        } else if said.contains("a tab") {
            let help = "YAML indents with spaces: replace the tab by spaces";
            Some(("a tab in the indentation", self.tab().unwrap_or(here), help.to_owned()))
        } else if said.contains("unclosed quote") {
            let (at, quote) = self.unclosed().unwrap_or((here, '"'));
            let help = format!(
                "end the text with {quote} on the same line; if the text holds a {quote} itself, put the other kind of quotes around it"
            );
            Some(("a quote that is never closed", at, help))
        } else if said.starts_with("multiple YAML documents") {
            let help = "keep one document a file: delete the line `---`";
            Some(("a second document begins here", here, help.to_owned()))
        } else if said.starts_with("unexpected character") {
            let help = "put the whole text in quotes";
            Some(("a text can't begin with this sign", here, help.to_owned()))
        } else {
            None
        };
        match known {
            Some((message, at, help)) => (message.to_owned(), at, Some(help)),
            None => (format!("not YAML: {said}"), here, None),
        }
    }

    /// A line that starts in a column where nothing above it starts.
    fn stray_indent(&self) -> (&'static str, SourceSpan, String) {
        let item = self.text.lines().take(self.line - 1).enumerate().filter_map(|(index, line)| {
            let rest = line.trim_start().strip_prefix("- ")?;
            let dash = line.len() - line.trim_start().len();
            Some((index + 1, dash, line.len() - rest.trim_start().len()))
        });
        let help = item.last().map_or_else(
            || "lines that belong together start in the same column".to_owned(),
            |(line, dash, key)| {
                format!("to belong to what begins in line {line}, it has to start after {key} spaces; to begin a new item, write `- ` after {dash} spaces")
            },
        );
        let message = "this line starts in a column where nothing above it starts";
        (message, self.place(self.line, self.column), help)
    }

    /// A colon where none can be: in a text without quotes, or after a key indented too deep.
    fn second_colon(&self) -> (&'static str, SourceSpan, String) {
        let line = self.text.lines().nth(self.line - 1).unwrap_or_default();
        let before: String = line.chars().take(self.column - 1).collect();
        if before.contains(": ") {
            let help = "put a text that holds `: ` in quotes, or on lines of its own after `>`";
            let at = self.place(self.line, self.column);
            return ("a second `: ` on one line", at, help.to_owned());
        }
        let indent = line.chars().take_while(|c| *c == ' ').count();
        let help = "keys that belong together start in the same column; if the line is no key but goes on with the text above, put that text in quotes";
        let at = self.place(self.line, indent + 1);
        ("this line is indented deeper than the one above it", at, help.to_owned())
    }

    /// The byte where a line starts.
    fn start(&self, line: usize) -> usize {
        self.text.split_inclusive('\n').take(line - 1).map(str::len).sum()
    }

    /// The character in a line and column.
    fn place(&self, line: usize, column: usize) -> SourceSpan {
        let start = self.start(line);
        let rest = self.text.get(start..).unwrap_or_default();
        let width = |columns| {
            let characters = rest.chars().take(columns).take_while(|c| *c != '\n');
            characters.map(char::len_utf8).sum::<usize>()
        };
        let begin = width(column - 1);
        (start + begin, width(column) - begin).into()
    }

    /// The first tab from here on.
    fn tab(&self) -> Option<SourceSpan> {
        let start = self.start(self.line);
        self.text.get(start..)?.find('\t').map(|at| (start + at, 1).into())
    }

    /// The first value that begins with a quote and has no second one on its line.
    fn unclosed(&self) -> Option<(SourceSpan, char)> {
        let mut start = 0;
        for line in self.text.split_inclusive('\n') {
            for (opening, quote) in [(": \"", '"'), (": '", '\''), ("- \"", '"'), ("- '", '\'')] {
                if let Some(at) = line.find(opening)
                    && line[at + 2..].matches(quote).count() % 2 == 1
                {
                    return Some(((start + at + 2, 1).into(), quote));
                }
            }
            start += line.len();
        }
        None
    }
}
