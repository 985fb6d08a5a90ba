//! Stage 3 of CLUE: each precondition judged by debiased token probability.
//!
//! All questions of all relevant rules are asked of a view as one batch, each once however many
//! rules share it; what Algorithm 1 would not have asked, because an earlier precondition had
//! failed, is asked too, which costs little and changes no verdict. What is decided is in
//! [`decision`], what is subtracted in [`prior`], where objects are in `region`.

pub mod decision;
mod docket;
mod region;

use self::decision::{Band, Decision};
pub use self::docket::{ByView, Case, Docket, Sheet};
use self::region::Objects;
use crate::constitution::{Policy, PolicyRule, Precondition, Undecided};
use crate::encoder::{EncoderError, Localizer};
use crate::ids::ViewKind;
use crate::imaging::{Fill, View};
use crate::prompts::{PromptError, Prompts, Topic};
use crate::units::Probability;
use crate::verdict::{Finding, Holds, RegionFinding, Stage, Why};
use crate::vlm::{Answer, Vlm, VlmError};

/// Debiasing by region: who finds the objects, and what is painted over them.
#[derive(Clone, Copy)]
pub struct Regions<'models> {
    /// Finds the central objects.
    pub localizer: &'models dyn Localizer,
    /// What is painted where they were.
    pub fill: Fill,
}

/// A policy's questions, each once, with the model's prior on each.
#[derive(Clone, Debug)]
pub struct Judge {
    questions: Vec<Question>,
    /// For each rule of the policy, its chain.
    chains: Vec<Vec<Link>>,
    /// The language prior M(None, c) of each question: what the model says with the image removed
    /// (CLUE, "Debiased Token Probability", strategy 1). It depends on the model and the question
    /// only, so it is asked once for all images. Without it M is cut at one half.
    priors: Option<Vec<Answer>>,
}

/// Something that is asked of the model.
#[derive(Clone, Debug, PartialEq)]
struct Question {
    topic: Topic,
    /// The topic in words; models know how to ask whether a statement is visible.
    words: String,
}

/// A precondition within a rule's chain.
#[derive(Clone, Debug)]
struct Link {
    /// Index among the judge's questions.
    question: usize,
    objects: Vec<String>,
}

/// A model or an encoder is gone, or a prompt is none.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JudgeError {
    /// The vision-language model.
    #[error(transparent)]
    Vlm(#[from] VlmError),
    /// The dual encoder or the localizer.
    #[error(transparent)]
    Encoder(#[from] EncoderError),
    /// A template.
    #[error(transparent)]
    Prompt(#[from] PromptError),
}

impl Judge {
    /// Collects the questions of the policy's chains and asks their priors. Without
    /// [`Stage::Preconditions`] each rule is one question, without [`Stage::Prior`] there are no
    /// priors. Rules that are kept on this machine have no questions for a model on another.
    ///
    /// # Errors
    /// When the model is gone or a template can't be rendered.
    pub fn new(
        policy: &Policy,
        model: &dyn Vlm,
        prompts: &Prompts,
        without: &[Stage],
    ) -> Result<Self, JudgeError> {
        let mut judge = Self { questions: Vec::new(), chains: Vec::new(), priors: None };
        for rule in &policy.rules {
            let chain = if rule.local_only && model.leaves_machine() {
                // Nothing of it is asked, not even without an image.
                Vec::new()
            } else if without.contains(&Stage::Preconditions) {
                vec![judge.whole_rule(rule, prompts)?]
            } else {
                rule.chain.iter().map(|one| judge.precondition(one)).collect()
            };
            judge.chains.push(chain);
        }
        if !without.contains(&Stage::Prior) {
            let all: Vec<usize> = (0..judge.questions.len()).collect();
            judge.priors = Some(judge.answers(model, None, &all)?);
        }
        Ok(judge)
    }

    fn precondition(&mut self, precondition: &Precondition) -> Link {
        let words = precondition.statement.clone();
        let topic = Topic::Visible { statement: words.clone() };
        let question = self.place(Question { topic, words });
        Link { question, objects: precondition.objects.clone() }
    }

    fn whole_rule(&mut self, rule: &PolicyRule, prompts: &Prompts) -> Result<Link, JudgeError> {
        let topic = Topic::Broken { rules: vec![rule.objective_text.clone()] };
        let words = prompts.question(&topic)?;
        let objects = rule.chain.iter().flat_map(|one| one.objects.clone()).collect();
        Ok(Link { question: self.place(Question { topic, words }), objects })
    }

    /// Where the question stands, after adding it if it is new.
    fn place(&mut self, question: Question) -> usize {
        let known = self.questions.iter().position(|known| *known == question);
        known.unwrap_or_else(|| {
            self.questions.push(question);
            self.questions.len() - 1
        })
    }

    /// How many different questions a picture is asked at most, of the whole.
    pub fn questions(&self) -> usize {
        self.questions.len()
    }

    /// Statements that have no prior, so that no rule with one of them can be settled by its answer:
    /// how many, and why the first has none.
    pub fn without_prior(&self) -> Option<(usize, &Why)> {
        let mut missing = self.priors.iter().flatten().filter_map(Answer::unavailable);
        missing.next().map(|why| (1 + missing.count(), why))
    }

    /// What the question at an index, as a [`Case`] names it, asks about.
    pub fn topic_of(&self, question: usize) -> &Topic {
        &self.questions[question].topic
    }

    /// Asks questions of a view, or of none.
    fn answers(
        &self,
        model: &dyn Vlm,
        view: Option<&View>,
        questions: &[usize],
    ) -> Result<Vec<Answer>, VlmError> {
        let asked = || questions.iter().map(|&index| &self.questions[index]);
        let words: Vec<&str> = asked().map(|question| question.words.as_str()).collect();
        // A policy is asked in one way: by statements, or rule by rule.
        if asked().all(|question| matches!(question.topic, Topic::Visible { .. })) {
            model.visible(view, &words)
        } else {
            model.answers(view, &words)
        }
    }

    /// Asks every case's question of its view, one batch a view, and decides by strategy 1.
    ///
    /// `policy` is the one the judge was made for.
    ///
    /// # Errors
    /// When the model is gone; a single question that fails is a finding.
    pub fn ask(
        &self,
        policy: &Policy,
        docket: &mut Docket,
        model: &dyn Vlm,
    ) -> Result<(), VlmError> {
        let mut questions = ByView::default();
        for (index, case) in docket.cases.iter().enumerate() {
            questions.add(index, case.question, &case.view);
        }
        self.ask_all(questions, model, |case, answer| {
            let case = &mut docket.cases[case];
            let rule = &policy.rules[case.rule];
            case.finding = self.decide(rule, case.question, case.finding.clone(), answer);
        })
    }

    /// Strategy 2 for what strategy 1 has left undecided: M with the central objects removed.
    ///
    /// # Errors
    /// When the model is gone.
    pub fn settle_by_region(
        &self,
        policy: &Policy,
        docket: &mut Docket,
        model: &dyn Vlm,
        fill: Fill,
    ) -> Result<(), VlmError> {
        self.ask_whole_of_crops(docket, model)?;
        let mut questions = ByView::default();
        for index in docket.undecided() {
            let case = &docket.cases[index];
            let Some(found) = &case.finding.region else { continue };
            let regions: Vec<_> = found.boxes.iter().map(|found| found.region).collect();
            let kind = ViewKind::Without { regions: regions.clone() };
            let view = questions.view_of(&kind);
            let view = view.unwrap_or_else(|| docket.whole.without(&regions, fill));
            questions.add(index, case.question, &view);
        }
        self.ask_all(questions, model, |case, answer| {
            let case = &mut docket.cases[case];
            let drop = policy.rules[case.rule].thresholds.region_drop;
            settle_by_removal(&mut case.finding, answer, drop);
        })
    }

    /// Algorithm 1's line 18 compares with the whole image, also where M was read off a crop.
    fn ask_whole_of_crops(&self, docket: &mut Docket, model: &dyn Vlm) -> Result<(), VlmError> {
        let mut questions = ByView::default();
        for index in docket.undecided() {
            let case = &docket.cases[index];
            if *case.view.kind() != ViewKind::Whole {
                questions.add(index, case.question, &docket.whole);
            }
        }
        self.ask_all(questions, model, |case, answer| {
            if let Some(found) = &mut docket.cases[case].finding.region {
                found.m_whole = m_of(answer);
            }
        })
    }

    /// Asks each view's questions as one batch, and hands every case that waits its answer.
    fn ask_all(
        &self,
        questions: ByView,
        model: &dyn Vlm,
        mut take: impl FnMut(usize, &Answer),
    ) -> Result<(), VlmError> {
        for sheet in questions.sheets() {
            let answers = self.answers(model, Some(&sheet.view), &sheet.questions)?;
            for (case, at) in sheet.waiting {
                take(case, &answers[at]);
            }
        }
        Ok(())
    }

    /// Opens a case for every precondition of the relevant rules: `relevant` has a flag for each rule
    /// of the policy.
    pub fn open(&self, relevant: &[bool], whole: &View) -> Docket {
        let chains = self.chains.iter().zip(relevant).enumerate();
        let cases =
            chains.filter(|(_, (_, relevant))| **relevant).flat_map(|(rule, (chain, _))| {
                (0..).zip(chain).map(move |(place, link)| {
                    let words = match &self.questions[link.question].topic {
                        Topic::Visible { statement } => statement.clone(),
                        Topic::Broken { rules } => rules.join(" "),
                        Topic::Unfit => String::new(),
                    };
                    Case {
                        rule,
                        place,
                        question: link.question,
                        view: whole.clone(),
                        finding: Finding::open(words, ViewKind::Whole),
                    }
                })
            });
        Docket { whole: whole.clone(), cases: cases.collect() }
    }

    /// Finds the central objects of all cases, and turns cases of small ones to a crop.
    ///
    /// # Errors
    /// When the localizer can't take the view.
    pub fn locate(
        &self,
        policy: &Policy,
        docket: &mut Docket,
        regions: Regions<'_>,
    ) -> Result<(), EncoderError> {
        let mut words: Vec<&str> = Vec::new();
        for case in &docket.cases {
            for object in &self.chains[case.rule][case.place].objects {
                if !words.contains(&object.as_str()) {
                    words.push(object);
                }
            }
        }
        let objects = Objects::find(regions.localizer, &docket.whole, words)?;
        let mut crops = ByView::default();
        for (index, case) in docket.cases.iter_mut().enumerate() {
            let thresholds = policy.rules[case.rule].thresholds;
            let link = &self.chains[case.rule][case.place];
            let gate = thresholds.region_score.unwrap_or_else(|| regions.localizer.default_gate());
            let boxes = objects.boxes(&link.objects, gate);
            if boxes.is_empty() {
                continue;
            }
            if let Some(region) = region::small_object(&boxes, &docket.whole, thresholds) {
                let kind = ViewKind::Crop { region };
                case.view = crops.view_of(&kind).unwrap_or_else(|| docket.whole.crop(region));
                crops.add(index, case.question, &case.view);
                case.finding.view = kind;
            }
            case.finding.region = Some(RegionFinding { boxes, m_whole: None, m_without: None });
        }
        Ok(())
    }

    fn decide(&self, rule: &PolicyRule, index: usize, open: Finding, answer: &Answer) -> Finding {
        let answer = match answer {
            Answer::Seen(answer) => *answer,
            Answer::Said(yes) => {
                return decided(Finding { discrete: true, ..open }, decision::by_word(*yes));
            }
            Answer::Unavailable(why) => return Finding { why: Some(why.clone()), ..open },
        };
        let seen = Finding { m: Some(answer.m()), mass: Some(answer.mass()), ..open };
        if let Some(why) = decision::not_an_answer(answer.mass()) {
            return Finding { why: Some(why), ..seen };
        }
        match self.priors.as_ref().map(|priors| &priors[index]) {
            None => {
                let decision = decision::by_plain_cut(answer.m());
                scored(decided(seen, decision), Band::PLAIN, answer.m())
            }
            Some(Answer::Unavailable(why)) => Finding { why: Some(why.clone()), ..seen },
            Some(Answer::Said(_)) => {
                Finding { why: Some(Why::failed("the prior came without a probability")), ..seen }
            }
            Some(Answer::Seen(prior)) => {
                let (m, prior) = (answer.m(), prior.m());
                let band = Band::around(prior, rule.thresholds);
                let seen = Finding { prior: Some(prior), ..seen };
                scored(
                    decided(seen, decision::by_prior(m, band)),
                    band,
                    decision::debiased(m, prior),
                )
            }
        }
    }
}

/// What becomes of a precondition that no stage has settled, where the constitution lets it lean.
pub fn settle_by_lean(policy: &Policy, docket: &mut Docket) {
    for case in &mut docket.cases {
        let leans = policy.rules[case.rule].undecided == Undecided::Lean;
        if let (true, Holds::Unknown, Some(m), Some(prior)) =
            (leans, case.finding.holds, case.finding.m, case.finding.prior)
            && case.finding.mass.is_some_and(|mass| decision::not_an_answer(mass).is_none())
        {
            case.finding = decided(case.finding.clone(), decision::by_lean(m, prior));
        }
    }
}

/// A finding with a decision taken on it.
pub fn decided(finding: Finding, decision: Decision) -> Finding {
    Finding { holds: decision.holds, by: decision.by, why: decision.why, ..finding }
}

fn scored(finding: Finding, band: Band, score: Probability) -> Finding {
    Finding {
        rejects_below: Some(band.rejects_below),
        accepts_above: Some(band.accepts_above),
        score: Some(score),
        ..finding
    }
}

fn settle_by_removal(finding: &mut Finding, answer: &Answer, drop: f64) {
    let Some(without) = m_of(answer) else { return };
    let Some(found) = &mut finding.region else { return };
    found.m_without = Some(without);
    let whole = match finding.view {
        ViewKind::Whole => finding.m,
        _ => found.m_whole,
    };
    if let Some(whole) = whole {
        let decision = decision::by_region(whole, without, drop);
        if decision.holds == Holds::Yes {
            *finding = decided(finding.clone(), decision);
        }
    }
}

/// M of an answer that is one.
fn m_of(answer: &Answer) -> Option<Probability> {
    match answer {
        Answer::Seen(answer) if decision::not_an_answer(answer.mass()).is_none() => {
            Some(answer.m())
        }
        Answer::Seen(_) | Answer::Said(_) | Answer::Unavailable(_) => None,
    }
}
