//! The flags that choose how images are judged, and the factory that joins models and stages.

use std::path::Path;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::cache::Answers;
use super::classifier::{ClassifierArgs, LoadedClassifier, Unasked};
use super::encoders::{EncoderArgs, Encoders};
use super::exit::Failure;
use super::model::{Loaded, ModelArgs};
use super::remote::{Guarded, LocalOnly, Remote};
use super::way::Way;
use crate::classifier::ClassifierJudge;
use crate::constitution::Policy;
use crate::eval::ablation::Variant;
use crate::ids::RuleId;
use crate::pipeline::{Allowance, Budget, Judging, Pipeline, baseline};
use crate::store::Settings;
use crate::verdict;
use crate::vlm::Vlm;
use crate::vlm::cached::CachedVlm;

/// The demo encoder knows no photographs, so that no encoder is chosen for another model.
const NO_ENCODER: &str = "without a dual encoder all rules are judged and no region is looked at; \
                          `--encoder hf:openai/clip-vit-base-patch16` brings both stages";

/// What a variation begins with that leaves out a stage.
const WITHOUT: &str = "without-";

/// A decision model answers in numbers.
const MUTE: &str = "this model writes nothing, so that nothing is reasoned about: what its numbers \
                    leave between the thresholds stays undetermined";

/// How images are judged.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Stages")]
pub(super) struct StageArgs {
    /// CLUE, or another way of judging to compare it with
    #[arg(long, value_enum, default_value_t = Method::Clue)]
    method: Method,
    /// Leave stages of CLUE out, to see what each does
    #[arg(long, value_enum, value_delimiter = ',', value_name = "STAGES")]
    without: Vec<Stage>,
    /// Reason about at most so many preconditions an image, the most suspected first
    #[arg(long, value_name = "N")]
    max_escalations: Option<usize>,
    /// What reasoning may cost in all: a share of the images such as `5%`, or a time such as `10min`
    #[arg(long, value_name = "SHARE|TIME")]
    budget: Option<Allowance>,
    #[command(flatten)]
    encoders: EncoderArgs,
    #[command(flatten)]
    classifier: ClassifierArgs,
}

/// How images are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Method {
    /// Relevant rules, their preconditions freed of bias, and reasoning where that is not enough
    Clue,
    /// One question without a constitution: is there anything unfit for public viewing?
    PriorKnowledge,
    /// The same after thinking step by step
    PriorKnowledgeCot,
    /// One question with all rules: is any of them broken?
    WholeConstitution,
    /// The same after thinking step by step
    WholeConstitutionCot,
    /// UnsafeBench's three prompts, answered in words: two equal answers decide
    #[value(name = "unsafebench")]
    UnsafeBench,
    /// PerspectiveVision's question: unsafe by which of these categories?
    #[value(name = "perspectivevision")]
    PerspectiveVision,
}

/// A stage that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Stage {
    /// The relevance scan; every rule is judged
    Relevance,
    /// Preconditions; each rule is asked as a whole
    Preconditions,
    /// Debiasing by the language prior; M is cut at one half, and nothing is left undecided
    Prior,
    /// Debiasing by the central object's region, and the crops of small objects
    Region,
    /// Step-by-step reasoning about what is left undecided
    Reasoning,
}

/// The models that judge.
pub(super) struct Models {
    pub(super) vlm: Arc<dyn Vlm>,
    /// The same, which is asked of every picture anew; none where no answer is kept.
    anew: Option<Arc<dyn Vlm>>,
    pub(super) encoders: Encoders,
    /// What there is to know of a model behind a server.
    pub(super) remote: Option<Remote>,
    /// What judges in the place of a model, if anything does.
    classifier: Option<LoadedClassifier>,
    /// What a person should know of how they were loaded.
    notes: Vec<String>,
}

impl Models {
    /// Images that the model is never sent.
    fn local_only(&self) -> Option<&LocalOnly> {
        let kept = self.remote.as_ref().map(|remote| &remote.local_only);
        kept.filter(|kept| !kept.is_empty())
    }

    /// Whether the model writes, which reasoning takes.
    fn talks(&self) -> bool {
        self.remote.as_ref().is_none_or(|remote| remote.talks)
    }

    /// What a server was asked so far and what it cost, a line.
    pub(super) fn bill(&self) -> Vec<String> {
        self.remote.iter().flat_map(Remote::told).collect()
    }
}

impl StageArgs {
    /// Loads the models that the chosen stages need.
    pub(super) fn load(&self, model: &ModelArgs, answers: Answers) -> Result<Models, Failure> {
        let runs = |stage| self.method == Method::Clue && !self.without.contains(&stage);
        self.load_stages(model, answers, (runs(Stage::Relevance), runs(Stage::Region)))
    }

    /// Loads the models of all stages, whichever are to run.
    pub(super) fn load_all(&self, model: &ModelArgs, answers: Answers) -> Result<Models, Failure> {
        self.load_stages(model, answers, (true, true))
    }

    fn load_stages(
        &self,
        model: &ModelArgs,
        Answers { cache, note }: Answers,
        stages: (bool, bool),
    ) -> Result<Models, Failure> {
        if let Some(classifier) = self.classifier.load()? {
            let model = ClassifierJudge::model(&classifier.spec, &*classifier.runner);
            let vlm = Arc::new(Unasked(model));
            let encoders = self.encoders.load(false, (false, false), None)?;
            let classifier = Some(classifier);
            return Ok(Models {
                vlm,
                anew: None,
                encoders,
                remote: None,
                classifier,
                notes: Vec::new(),
            });
        }
        let encoders = self.encoders.load(model.is_demo(), stages, cache.as_ref())?;
        let Loaded { vlm, remote } = model.load(cache.as_ref())?;
        let taped = remote.as_ref().is_some_and(|remote| remote.taped);
        let model: Arc<dyn Vlm> = vlm.into();
        let (vlm, anew) = match cache {
            Some(cache) if !taped => {
                let cached = || CachedVlm::new(model.clone(), cache.clone());
                let anew: Arc<dyn Vlm> = Arc::new(cached().asking_anew_of_views());
                (Arc::new(cached()) as Arc<dyn Vlm>, Some(anew))
            }
            _ => (model, None),
        };
        let notes = note.into_iter().chain(remote.as_ref().and_then(Remote::leaves)).collect();
        Ok(Models { vlm, anew, encoders, remote, classifier: None, notes })
    }

    /// Whether the judge knows rules by their names, and asks nothing of their preconditions.
    pub(super) fn knows_names_only(&self) -> bool {
        self.classifier.is_chosen()
    }

    /// Joins policy, models and stages.
    pub(super) fn join<'models>(
        &self,
        policy: &Policy,
        models: &'models Models,
    ) -> Result<Way<'models>, Failure> {
        self.join_variant(self.variant(), policy, models, &*models.vlm)
    }

    /// The same with a model that is asked of every picture anew, also of one that it was asked of; none
    /// where the other is too.
    pub(super) fn join_anew<'models>(
        &self,
        policy: &Policy,
        models: &'models Models,
    ) -> Result<Option<Way<'models>>, Failure> {
        let anew = models.anew.as_deref();
        anew.map(|vlm| self.join_variant(self.variant(), policy, models, vlm)).transpose()
    }

    /// What the flags choose, as an ablation names it.
    pub(super) fn variant(&self) -> Variant {
        Variant { method: self.method(), without: None }
    }

    fn method(&self) -> verdict::Method {
        if self.classifier.is_chosen() { verdict::Method::Classifier } else { self.method.into() }
    }

    /// Joins one variant of an ablation, without what the flags leave out besides.
    pub(super) fn join_variant<'models>(
        &self,
        variant: Variant,
        policy: &Policy,
        models: &'models Models,
        vlm: &'models dyn Vlm,
    ) -> Result<Way<'models>, Failure> {
        if let Some(LoadedClassifier { spec, runner }) = &models.classifier {
            return Ok(Way::Baseline(Box::new(ClassifierJudge::new(policy, spec, &**runner))));
        }
        let Variant { method, without } = variant;
        let by_flags = self.without.iter().map(|stage| (*stage).into());
        let mute = (!models.talks()).then_some(verdict::Stage::Reasoning);
        let without: Vec<verdict::Stage> =
            without.into_iter().chain(by_flags).chain(mute).collect();
        let guarded = |way: Way<'models>| match models.local_only() {
            Some(kept) => {
                let rules = policy.rules.iter().map(|rule| rule.id.clone()).collect();
                Way::Guarded(Box::new(Guarded::new(way, kept.clone(), rules)))
            }
            None => way,
        };
        if method != verdict::Method::Clue {
            return Ok(guarded(Way::Baseline(baseline::of_method(policy, vlm, method)?)));
        }
        let runs = |stage| !without.contains(&stage);
        let mut pipeline = Pipeline::new(policy.clone(), vlm, &without)?.with_budget(self.budget());
        if let (true, Some(dual)) = (runs(verdict::Stage::Relevance), &models.encoders.dual) {
            let threshold = self.encoders.relevance_threshold;
            pipeline = pipeline.with_relevance(&**dual, threshold)?;
        }
        if let (true, Some(localizer)) = (runs(verdict::Stage::Region), &models.encoders.localizer)
        {
            pipeline = pipeline.with_regions(&**localizer, models.encoders.fill);
        }
        Ok(guarded(Way::Clue(Box::new(pipeline))))
    }

    /// What a person should know of a run before it begins: stages that have no model to run on,
    /// rules that are longer than the encoder reads.
    pub(super) fn notes(&self, way: &Way<'_>, models: &Models) -> Vec<String> {
        let mut notes = models.notes.clone();
        if let Some(classifier) = &models.classifier {
            notes.extend(classifier.notes(way.judging().names_rules()));
        }
        let Some(pipeline) = way.clue() else { return notes };
        let signature = pipeline.signature();
        let asked_for = self.without.iter().map(|stage| verdict::Stage::from(*stage));
        let asked_for: Vec<verdict::Stage> = asked_for.collect();
        let missing = |stage: &verdict::Stage| {
            signature.without.contains(stage) && !asked_for.contains(stage)
        };
        if missing(&verdict::Stage::Relevance) || missing(&verdict::Stage::Region) {
            notes.push(NO_ENCODER.to_owned());
        }
        if missing(&verdict::Stage::Reasoning) {
            notes.push(MUTE.to_owned());
        }
        if let Some((count, why)) = pipeline.without_prior() {
            notes.push(format!(
                "{count} of {} statements have no prior ({why}): rules with one of them stay \
                 undetermined; `--without prior` judges by M alone",
                pipeline.questions()
            ));
        }
        let kept: Vec<&str> = pipeline.kept_local().into_iter().map(RuleId::as_str).collect();
        if !kept.is_empty() {
            notes.push(format!("not put to this model, which is elsewhere: {}", kept.join(", ")));
        }
        notes.extend(pipeline.cut_rules().iter().map(|cut| {
            format!(
                "the encoder reads {} of the {} tokens of rule `{}`: its relevance is that of its \
                 beginning",
                cut.read, cut.tokens, cut.rule
            )
        }));
        notes
    }

    fn budget(&self) -> Budget {
        Budget { escalations: self.max_escalations, whole_run: self.budget }
    }

    /// The words by which one judge of several is varied: methods, and `without-` a stage.
    pub(super) fn variations() -> Vec<String> {
        let names = |value: clap::builder::PossibleValue| value.get_name().to_owned();
        let methods = Method::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        let stages = Stage::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        let without = stages.map(|value| format!("{WITHOUT}{}", value.get_name()));
        methods.map(names).chain(without).collect()
    }

    /// The same, varied by one of the words; others change nothing.
    #[must_use]
    pub(super) fn varied(&self, word: &str) -> Self {
        let mut varied = self.clone();
        if let Some(stage) = word.strip_prefix(WITHOUT) {
            varied.without.extend(Stage::from_str(stage, false));
        } else if let Ok(method) = Method::from_str(word, false) {
            varied.method = method;
        }
        varied
    }

    /// The same with a conventional classifier in the place of a model.
    pub(super) fn classified(&self, name: &str, weights: &Path) -> Self {
        Self { classifier: self.classifier.of(name, weights), ..self.clone() }
    }

    /// By name, for a run's manifest.
    pub(super) fn settings(&self, models: &Models) -> Settings {
        let word = |value: Option<clap::builder::PossibleValue>| {
            value.map(|value| value.get_name().to_owned()).unwrap_or_default()
        };
        let without: Vec<String> =
            self.without.iter().map(|stage| word(stage.to_possible_value())).collect();
        let most = self.max_escalations.map_or_else(|| "all".to_owned(), |most| most.to_string());
        let budget = match self.budget {
            None => "none".to_owned(),
            Some(Allowance::Share(share)) => format!("{} % of the images", share * 100.0),
            Some(Allowance::Time(time)) => humantime::format_duration(time).to_string(),
        };
        let mut settings: Settings = [
            ("method", word(self.method.to_possible_value())),
            ("without", without.join(",")),
            ("max_escalations", most),
            ("budget", budget),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        settings.extend(self.encoders.settings(&models.encoders));
        // They name the method anew where a classifier judges.
        settings.extend(self.classifier.settings());
        settings
    }
}

impl From<Method> for verdict::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Clue => Self::Clue,
            Method::PriorKnowledge => Self::PriorKnowledge,
            Method::PriorKnowledgeCot => Self::PriorKnowledgeCot,
            Method::WholeConstitution => Self::WholeConstitution,
            Method::WholeConstitutionCot => Self::WholeConstitutionCot,
            Method::UnsafeBench => Self::UnsafeBench,
            Method::PerspectiveVision => Self::PerspectiveVision,
        }
    }
}

impl From<Stage> for verdict::Stage {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Relevance => Self::Relevance,
            Stage::Preconditions => Self::Preconditions,
            Stage::Prior => Self::Prior,
            Stage::Region => Self::Region,
            Stage::Reasoning => Self::Reasoning,
        }
    }
}
