//! The pages of the lints as people read them: one by one, and all in `docs/lints.md`.

use std::fmt::Write;

use super::{Level, Lint};
use crate::constitution::schema;

impl Lint {
    /// What it flags, in one line.
    pub fn summary(self) -> String {
        let page = self.doc();
        page.lines().next().unwrap_or_default().trim_end_matches('.').to_owned()
    }

    /// Its page in Markdown: level, what it does, why it matters, an example, and what to write
    /// instead.
    pub fn page(self) -> String {
        format!("# {self} ({})\n\n{}\n", self.level().as_str(), self.doc())
    }

    /// The doc comment, which the schema carries.
    fn doc(self) -> String {
        let schema = schema::of::<Self>();
        let choices = schema["oneOf"].as_array().map(Vec::as_slice).unwrap_or_default();
        let own = choices.iter().find(|choice| choice["const"] == self.id());
        own.and_then(|choice| choice["description"].as_str()).unwrap_or_default().to_owned()
    }
}

/// All pages as one document, as in `docs/lints.md`.
pub fn pages() -> String {
    let mut text = OPENING.to_owned();
    let level = |lint: Lint| match lint.level() {
        Level::Warning => "warning",
        Level::Advice => "advice",
    };
    for lint in Lint::ALL {
        // Writing to a string can't fail.
        let _ = writeln!(text, "| [{lint}](#{lint}) | {} | {} |", level(lint), lint.summary());
    }
    for lint in Lint::ALL {
        let parts = lint.doc().replace("\n## ", "\n### ");
        let _ = write!(text, "\n## {lint}\n\n{parts}\n");
    }
    text
}

const OPENING: &str = "\
# What `praetor constitution check` looks for

<!-- Made from the doc comments in src/constitution/lint/catalog.rs by `make docs`. -->

A lint is no error: the constitution can be judged by, and could be judged by better. A warning is to
be mended, or allowed with a reason; an advice is worth following when there is time. Where a finding
is known and accepted, allow it for a rule, or at the top of the constitution for all rules:

```yaml
- id: imminent-death
  text: People with injuries that indicate imminent death must not be shown.
  allow: [not-visible] # our medical advisers read it so
```

`allow` changes no verdict, and neither the lock nor the policy's hash. An id that is no lint is an
error, and an `allow` that allows nothing is a finding of its own. `praetor constitution explain LINT`
shows what is written here.

| lint | level | what it flags |
| --- | --- | --- |
";
