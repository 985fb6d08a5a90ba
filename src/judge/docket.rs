//! One view's preconditions on their way through the stages.
//!
//! Every precondition of every relevant rule is a [`Case`]. What several rules share is asked once:
//! cases that ask the same question of the same view get the same answer.

use crate::ids::ViewKind;
use crate::imaging::View;
use crate::verdict::{Finding, Holds, Why};

/// A precondition of one rule on one view, as far as it is known.
#[derive(Clone, Debug)]
pub struct Case {
    /// Index of the rule in the policy.
    pub rule: usize,
    /// Its place in the rule's chain.
    pub place: usize,
    /// Index of the question among the judge's.
    pub question: usize,
    /// Where the question is asked: the whole, or a crop around a small object.
    pub view: View,
    /// Everything found out about it so far.
    pub finding: Finding,
}

/// All cases of one view.
#[derive(Clone, Debug)]
pub struct Docket {
    /// The picture as it is.
    pub whole: View,
    /// The cases, by rule and then by place in the chain.
    pub cases: Vec<Case>,
}

impl Docket {
    /// Indices of the cases that strategy 1 left between the thresholds and that still matter: a
    /// rule with a precondition that does not hold is clear whatever the others are, so that
    /// Algorithm 1 would have left its loop.
    pub fn undecided(&self) -> Vec<usize> {
        let cleared = |rule| {
            let of_rule = self.cases.iter().filter(|case| case.rule == rule);
            of_rule.into_iter().any(|case| case.finding.holds == Holds::No)
        };
        let open = |case: &Case| case.finding.why == Some(Why::Undecided) && !cleared(case.rule);
        let open = self.cases.iter().enumerate().filter(|(_, case)| open(case));
        open.map(|(index, _)| index).collect()
    }

    /// The findings of one rule's chain, in its order.
    pub fn findings_of(&self, rule: usize) -> Vec<Finding> {
        let of_rule = self.cases.iter().filter(|case| case.rule == rule);
        of_rule.map(|case| case.finding.clone()).collect()
    }
}

/// Questions sorted by the view they are asked of, each once.
#[derive(Debug, Default)]
pub struct ByView {
    sheets: Vec<Sheet>,
}

/// What is asked of one view.
#[derive(Debug)]
pub struct Sheet {
    /// The view.
    pub view: View,
    /// Indices of questions, each once.
    pub questions: Vec<usize>,
    /// Which cases wait for which of the questions: (case, place in `questions`).
    pub waiting: Vec<(usize, usize)>,
}

impl ByView {
    /// Adds a question on behalf of a case. Views are the same when their kinds are, since all are
    /// of one picture.
    pub fn add(&mut self, case: usize, question: usize, view: &View) {
        let place = self.sheets.iter().position(|sheet| sheet.view.kind() == view.kind());
        let place = place.unwrap_or_else(|| {
            let (questions, waiting) = (Vec::new(), Vec::new());
            self.sheets.push(Sheet { view: view.clone(), questions, waiting });
            self.sheets.len() - 1
        });
        let sheet = &mut self.sheets[place];
        let known = sheet.questions.iter().position(|known| *known == question);
        let at = known.unwrap_or_else(|| {
            sheet.questions.push(question);
            sheet.questions.len() - 1
        });
        sheet.waiting.push((case, at));
    }

    /// The view of that kind, if something is asked of it already, so that its pixels are made
    /// once.
    pub fn view_of(&self, kind: &ViewKind) -> Option<View> {
        let sheet = self.sheets.iter().find(|sheet| sheet.view.kind() == kind);
        sheet.map(|sheet| sheet.view.clone())
    }

    /// One sheet a view, in the order in which views were first asked of.
    pub fn sheets(self) -> Vec<Sheet> {
        self.sheets
    }
}
