//! The answer cache: the same verdicts with less work, and never in the way.

use praetor::cache::{Cache, DEFAULT_LIMIT_BYTES};
use praetor::verdict::Verdict;

use crate::cli::{Praetor, Run};

const EXAMPLES: [&str; 4] = ["child-and-knife", "dog-and-bomb", "garden", "two-beers"];

/// Copies some examples and the demo's constitution.
pub(crate) fn demo(praetor: &Praetor) {
    for name in EXAMPLES {
        let example = format!("models/demo/examples/{name}.png");
        praetor.write(&format!("in/{name}.png"), fs_err::read(example).unwrap());
    }
    for name in ["demo.yaml", "demo.lock.yaml"] {
        praetor.write(name, fs_err::read(format!("constitutions/{name}")).unwrap());
    }
}

fn verdicts(run: &Run) -> Vec<Verdict> {
    assert!(run.code < 2, "{}", run.err);
    run.verdicts().into_iter().map(|verdict| Verdict { took_ms: 0, ..verdict }).collect()
}

#[test]
fn a_run_made_again_asks_nothing_and_says_the_same_to_the_last_digit() {
    let praetor = Praetor::keeping_answers();
    demo(&praetor);
    let judge = ["judge", "in", "-c", "demo.yaml", "--trace"];
    let plain = verdicts(&praetor.run(&[&judge[..], &["--no-cache"]].concat()));
    let stats = || praetor.run(&["cache", "stats"]).out;
    let kept = |stats: &str| -> Vec<u64> {
        let counts = stats.lines().filter_map(|line| line.split_whitespace().nth(1));
        counts.map_while(|count| count.replace(',', "").parse().ok()).collect()
    };
    assert_eq!(kept(&stats()), [0; 6], "--no-cache keeps nothing");
    let first = verdicts(&praetor.run(&judge));
    let asked = kept(&stats());
    assert!(asked[0] > 20 && asked[2] > 4 && asked[3] > 4 && asked[5] == 4, "{asked:?}");
    let again = verdicts(&praetor.run(&judge));
    assert_eq!(first, plain);
    assert_eq!(again, plain);
    assert_eq!(kept(&stats()), asked);

    let forgot = praetor.run(&["cache", "prune", "--unused-days", "1"]).out;
    assert!(forgot.starts_with("forgot 0 answers, kept "), "{forgot}");
    let forgot = praetor.run(&["cache", "clear"]).out;
    assert!(forgot.ends_with("kept 0\n"), "{forgot}");
    assert_eq!(kept(&stats()), [0; 6]);
    assert_eq!(praetor.run(&["cache", "prune"]).code, 2, "prune what?");
}

#[test]
fn while_another_process_has_the_answers_a_run_does_without() {
    let praetor = Praetor::keeping_answers();
    demo(&praetor);
    let other = Cache::open(&praetor.path("cache"), DEFAULT_LIMIT_BYTES).unwrap();
    let run = praetor.run(&["judge", "in/garden.png", "-c", "demo.yaml"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.err.contains("another praetor is using the answer cache"), "{}", run.err);
    let cleared = praetor.run(&["cache", "clear"]);
    assert_eq!(cleared.code, 3);
    assert!(cleared.err.contains("wait until it has ended"), "{}", cleared.err);
    drop(other);
    assert!(!praetor.run(&["judge", "in/garden.png", "-c", "demo.yaml"]).err.contains("another"));
}

#[test]
fn a_broken_cache_is_an_empty_one() {
    let praetor = Praetor::keeping_answers();
    demo(&praetor);
    praetor.write("cache/answers-1/answers.redb", b"what is this");
    let run = praetor.run(&["judge", "in/garden.png", "-c", "demo.yaml", "--format", "jsonl"]);
    assert_eq!((run.code, run.verdicts().len()), (0, 1), "{}", run.err);
    assert!(praetor.path("cache/answers-1/answers.broken").exists());
}
