//! What a verdict looks like on paper: HTML pages that need nothing but themselves.
//!
//! This room owns the pages and their pieces: [`words`] says in plain words what decided, [`Scale`]
//! draws M against the prior and the thresholds, [`Inline`] puts a picture into a page. The text
//! tree of `praetor explain` speaks in the same words.
//!
//! A page is one file that works offline: no font, no link that loads anything, and a content security
//! policy that allows nothing but its own style and pictures. Only a run's report has a script, which
//! the policy names by its hash and which makes nodes of text, never of markup. Everything that comes
//! from outside (file names, rules, what a model said) is escaped, control characters and those that
//! turn the writing direction are written as escapes. Pictures are blurred and grey until the
//! reader chooses to see them; they are in the file all the same. This room reads and writes no
//! files.

mod compare;
mod eval;
mod explain;
mod impact;
mod picture;
mod rules;
mod run;
mod scale;
#[cfg(test)]
mod tests;
pub mod words;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

pub use self::compare::{Exhibit, compare_page, kappa, letter, reasons};
pub use self::eval::{About, eval_page};
pub use self::explain::explain_page;
pub use self::impact::{Thumbnail, impact_page};
pub use self::picture::Inline;
pub use self::run::{Found, Held, RunReport, Traced, Wanted};
pub use self::scale::{Axis, Nearness, Scale};

/// The templates: a page each, and the pieces that pages share.
const TEMPLATES: [(&str, &str); 7] = [
    ("compare.html", include_str!("compare.html.jinja")),
    ("eval.html", include_str!("eval.html.jinja")),
    ("explain.html", include_str!("explain.html.jinja")),
    ("impact.html", include_str!("impact.html.jinja")),
    ("run.html", include_str!("run.html.jinja")),
    ("pieces.html", include_str!("pieces.html.jinja")),
    ("page.css", include_str!("page.css")),
];

/// Why a page could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A picture could not be compressed.
    #[error("the picture can't be put into the page: {0}")]
    Picture(#[from] image::ImageError),
    /// A number has no form in JSON.
    #[error("the page's data can't be written: {0}")]
    Json(#[from] serde_json::Error),
    /// A template does not parse or render, which is a mistake in praetor.
    #[error("the page's template can't be used: {0}")]
    Template(#[from] minijinja::Error),
}

/// Renders a page by its template's name. Everything is escaped but what the template calls safe.
fn render(template: &str, page: &impl Serialize) -> Result<String, ReportError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    for (name, text) in TEMPLATES {
        environment.add_template(name, text)?;
    }
    let text = environment.get_template(template)?.render(Value::from(Serde(page)))?;
    Ok(text.trim_start().to_owned())
}
