//! The flags for a GPU, and what a GPU answers beside what the processor does.

use praetor::vlm::Chat;
use praetor::vlm::llama::devices::ALL_LAYERS;
use praetor::vlm::llama::{LlamaOptions, LlamaVlm};

use crate::cli::Praetor;
use crate::engine::{load, options};

fn with_layers(layers: Option<u32>, options: LlamaOptions) -> LlamaOptions {
    LlamaOptions { gpu_layers: layers, ..options }
}

/// As `make test` builds; where llama.cpp has Metal unasked, there is a GPU.
#[cfg(not(any(
    feature = "cuda",
    feature = "metal",
    feature = "rocm",
    feature = "vulkan",
    target_os = "macos"
)))]
#[test]
fn a_build_without_a_gpu_says_what_to_build() {
    let praetor = Praetor::new();
    let judge = ["judge", "x.png", "-c", "pets.yaml"];
    for flags in [["--gpu-layers", "4"], ["--gpu-layers", "all"], ["--device", "CUDA0"]] {
        for command in [&["doctor"][..], &judge] {
            let run = praetor.run(&[command, &flags].concat());
            let said = format!("{}{}", run.out, run.err);
            let said = said.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>();
            let said = said.join(" ");
            assert_eq!(run.code, 3, "{said}");
            assert!(said.contains("built without a GPU backend"), "{said}");
            assert!(said.contains("`--features`"), "{said}");
        }
    }
    let doctor = praetor.run(&["doctor", "--gpu-layers", "4", "--format", "json"]);
    assert!(doctor.out.contains(r#""verdict": "fail""#), "{}", doctor.out);
    let missing = LlamaVlm::load(
        with_layers(Some(1), options("gemma3")),
        praetor::prompts::Prompts::built_in().unwrap(),
    );
    assert!(matches!(missing, Err(praetor::vlm::llama::LoadError::NoGpu { .. })), "{missing:?}");
}

#[test]
fn layers_are_a_number_or_all() {
    let praetor = Praetor::new();
    for wrong in ["many", "-1", ""] {
        let run = praetor.run(&["doctor", &format!("--gpu-layers={wrong}")]);
        assert_eq!(run.code, 2, "{wrong}: {}", run.err);
        assert!(run.err.contains("a number of layers, or `all`"), "{wrong}: {}", run.err);
    }
}

/// Answers of the processor are found again by a build with a GPU backend, and the other way round.
#[test]
fn the_processor_has_one_fingerprint() {
    let fingerprint = |layers| load(with_layers(layers, options("llava"))).model().fingerprint;
    let on_processor = fingerprint(Some(0));
    if praetor::vlm::llama::devices::gpus().unwrap().is_empty() {
        assert_eq!(fingerprint(None), on_processor);
    } else {
        assert_ne!(fingerprint(None), on_processor);
        assert_eq!(fingerprint(None), fingerprint(Some(ALL_LAYERS)));
    }
}

#[cfg(any(feature = "cuda", feature = "metal", feature = "rocm", feature = "vulkan"))]
mod there {
    use praetor::imaging::View;
    use praetor::vlm::llama::LoadError;
    use praetor::vlm::llama::devices::gpus;
    use praetor::vlm::{Answer, Vlm, VlmError};

    use super::*;
    use crate::cli::Run;
    use crate::engine::{FAMILIES, OTHER_ROUNDING, demo_options, log_odds, picture, statements};

    /// Log-odds of the statements with the view and without.
    type Ask = fn(&LlamaVlm, Option<&View>, &[&str]) -> Result<Vec<Answer>, VlmError>;

    fn asked(model: &LlamaVlm, ask: Ask) -> Vec<f64> {
        let (view, statements) = (picture(200, 120, 1), statements(20));
        let texts: Vec<&str> = statements.iter().map(String::as_str).collect();
        let answers = [Some(&view), None].map(|view| ask(model, view, &texts).unwrap());
        answers.iter().flatten().map(log_odds).collect()
    }

    fn largest_difference(one: &[f64], other: &[f64]) -> f64 {
        one.iter().zip(other).map(|(one, other)| (one - other).abs()).fold(0.0, f64::max)
    }

    #[test]
    #[ignore = "needs a GPU, and the build for it: docs/models.md"]
    fn every_family_answers_on_a_gpu_as_on_the_processor() {
        let found = gpus().unwrap();
        assert!(!found.is_empty(), "no GPU is there");
        println!("{}", found.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
        let families = FAMILIES.into_iter().map(|family| (family, options(family)));
        for (family, options) in families.chain([("demo", demo_options())]) {
            let load = |layers| load(with_layers(Some(layers), options.clone()));
            let (processor, half, whole) = (load(0), load(1), load(ALL_LAYERS));
            let fingerprints = [&processor, &half, &whole].map(|model| model.model().fingerprint);
            assert!(fingerprints[0] != fingerprints[1] && fingerprints[1] != fingerprints[2]);
            let on_processor = asked(&processor, LlamaVlm::visible);
            let on_gpu = asked(&whole, LlamaVlm::visible);
            let differences = [
                on_processor.clone(),
                asked(&half, LlamaVlm::visible),
                asked(&whole, LlamaVlm::visible_one_by_one),
            ]
            .map(|other| largest_difference(&on_gpu, &other));
            let [processor, half, alone] = differences;
            println!(
                "{family}: all layers on the GPU differ from the processor by {processor:.1e}, \
                 from one layer on the GPU by {half:.1e}, from one by one by {alone:.1e}"
            );
            let largest = differences.into_iter().fold(0.0, f64::max);
            assert!(largest <= OTHER_ROUNDING, "{family}: {differences:?}");
        }
    }

    #[test]
    #[ignore = "needs a GPU, and the build for it: docs/models.md"]
    fn pixtral_is_not_let_onto_a_gpu() {
        let prompts = || praetor::prompts::Prompts::built_in().unwrap();
        for layers in [None, Some(1), Some(ALL_LAYERS)] {
            let refused = LlamaVlm::load(with_layers(layers, options("pixtral")), prompts());
            assert!(matches!(refused, Err(LoadError::UnsafeOnGpu { .. })), "{refused:?}");
        }
        assert!(LlamaVlm::load(with_layers(Some(0), options("pixtral")), prompts()).is_ok());
    }

    #[test]
    #[ignore = "needs a GPU, and the build for it: docs/models.md"]
    fn a_gpu_goes_by_the_name_that_doctor_shows() {
        let name = &gpus().unwrap()[0].name;
        let praetor = Praetor::new();
        let unknown = praetor.run(&["doctor", "--device", "nothing7"]);
        assert_eq!(unknown.code, 3, "{}", unknown.out);
        assert!(unknown.out.contains("nothing7") && unknown.out.contains(name), "{}", unknown.out);
        let judge = |flags: &[&str]| -> Run {
            let pictures = concat!(env!("CARGO_MANIFEST_DIR"), "/models/demo/examples/garden.png");
            let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/constitutions/demo.yaml");
            praetor
                .run(&[&["judge", pictures, "-c", demo, "--format", "table"][..], flags].concat())
        };
        let (named, by_default) = (judge(&["--device", name]), judge(&[]));
        assert_eq!((named.code, &named.out), (by_default.code, &by_default.out), "{}", named.err);
    }
}
