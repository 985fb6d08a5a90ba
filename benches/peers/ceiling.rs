//! How near praetor comes to what llama.cpp can do: llama-bench's prompt tokens a second, of as many
//! tokens in one batch, after as many as the image takes.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::drivers::{Ask, InProcess};
use crate::measure::QUIET;
use crate::questions::{Picture, Question};
use crate::shape::Shape;

/// One number of questions, both sides in turn.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ceiling {
    pub(crate) questions: usize,
    /// Tokens that are evaluated for these questions.
    pub(crate) tokens: u64,
    /// Tokens that stand before them.
    pub(crate) depth: u64,
    /// Tokens a second, from being asked to all answers in hand.
    pub(crate) praetor: Vec<f64>,
    /// Tokens a second by llama-bench, which reads no answers.
    pub(crate) bench: Vec<f64>,
}

/// What is measured, on what.
pub(crate) struct Bench<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) shape: &'a Shape,
    pub(crate) threads: usize,
}

impl Bench<'_> {
    pub(crate) fn run(
        &self,
        praetor: &mut InProcess,
        picture: &Picture,
        questions: &[Question],
    ) -> Outcome<Ceiling> {
        let before = praetor.model.evaluated_tokens()?;
        praetor.ask(picture, &questions[..1])?;
        let between = praetor.model.evaluated_tokens()?;
        praetor.again(picture, &questions[..1])?;
        let alone = praetor.model.evaluated_tokens()? - between;
        let depth = between - before - alone;

        let mut ceiling = Ceiling {
            questions: questions.len(),
            tokens: 0,
            depth,
            praetor: Vec::new(),
            bench: Vec::new(),
        };
        for _ in 0..self.shape.plan.rounds {
            let before = praetor.model.evaluated_tokens()?;
            thread::sleep(QUIET);
            let started = Instant::now();
            praetor.again(picture, questions)?;
            let seconds = started.elapsed().as_secs_f64();
            ceiling.tokens = praetor.model.evaluated_tokens()? - before;
            ceiling.praetor.push(as_float(ceiling.tokens) / seconds);
            ceiling.bench.push(self.llama_bench(ceiling.tokens, depth)?);
        }
        Ok(ceiling)
    }

    /// Prompt tokens a second.
    fn llama_bench(&self, tokens: u64, depth: u64) -> Outcome<f64> {
        let [tokens, depth, threads] =
            [tokens, depth, self.threads as u64].map(|number| number.to_string());
        let output = Command::new(self.folder.join("bin/llama-bench"))
            .args(["-p", &tokens, "-n", "0", "-d", &depth, "-t", &threads])
            .args(["-b", "2048", "-ub", "512", "-r", "1", "-o", "json", "-m"])
            .arg(&self.shape.model)
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        let runs: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        runs[0]["avg_ts"].as_f64().ok_or_else(|| "llama-bench gave no `avg_ts`".into())
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand tokens")]
fn as_float(tokens: u64) -> f64 {
    tokens as f64
}
