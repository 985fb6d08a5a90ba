//! What an added image costs in memory: resident memory after each new image and its questions, of
//! a process that does nothing else.

use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::drivers::{Ask, InProcess};
use crate::measure::client;
use crate::questions::{Pictures, Question};
use crate::server::{Server, resident};
use crate::shape::Shape;
use crate::tune::Best;

/// Questions asked of each image.
const QUESTIONS: usize = 8;

/// Resident memory in MiB after the first image, the second, and so on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Memory {
    pub(crate) praetor: Vec<f64>,
    pub(crate) server: Vec<f64>,
}

pub(crate) fn compare(
    folder: &Path,
    shape: &Shape,
    threads: usize,
    best: &Best,
    questions: &[Question],
) -> Outcome<Memory> {
    let output = Command::new(std::env::current_exe()?)
        .args(["--resident", shape.name, "--threads", &threads.to_string()])
        .args(if shape.plan.rounds == 1 { &["--quick"][..] } else { &[] })
        .arg("--peers")
        .arg(folder)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let praetor = serde_json::from_slice(&output.stdout)?;
    let server = Server::start(folder, shape, best.setting())?;
    let mut client = client(&server, Some(best.in_flight))?;
    let mut pictures = Pictures::new(shape.strip)?;
    let mut after = Vec::new();
    for _ in 0..shape.plan.images {
        client.ask(&pictures.next()?, &questions[..QUESTIONS])?;
        after.push(server.resident()?);
    }
    Ok(Memory { praetor, server: after })
}

/// praetor's half, in a process of its own.
pub(crate) fn of_this_process(
    shape: &Shape,
    threads: usize,
    questions: &[Question],
) -> Outcome<Vec<f64>> {
    let mut praetor = InProcess::load(shape, threads)?;
    let mut pictures = Pictures::new(shape.strip)?;
    let mut after = Vec::new();
    for _ in 0..shape.plan.images {
        praetor.ask(&pictures.next()?, &questions[..QUESTIONS])?;
        after.push(resident("self")?);
    }
    Ok(after)
}
