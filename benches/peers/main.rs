//! praetor beside llama-server and llama-bench: the same weights, images and questions, in one run,
//! in turn, with the answers compared. `make performance` sets all up and writes
//! `docs/performance.md`; what is compared and how is said there.
//!
//! | file | what it owns |
//! | --- | --- |
//! | `shape` | which models, how thoroughly |
//! | `questions` | pictures and statements |
//! | `server`, `http`, `drivers` | who is asked, and how |
//! | `tune` | the server's best settings |
//! | `measure`, `agreement` | the rounds, and whether the answers are the same |
//! | `ceiling`, `memory` | llama-bench; resident memory |
//! | `record`, `machine`, `report`, `curves` | what was measured, where, and the document |

#![expect(clippy::print_stderr, reason = "a run of half an hour says where it is")]

mod agreement;
mod ceiling;
mod curves;
mod drivers;
mod http;
mod machine;
mod measure;
mod memory;
mod questions;
mod record;
mod report;
mod server;
mod shape;
mod tune;

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Parser;

use self::drivers::InProcess;
use self::machine::Machine;
use self::measure::{Drivers, Rounds, client};
use self::questions::{Pictures, Question};
use self::record::{Measured, Record};
use self::server::{Server, Setting};
use self::shape::{AIM, COUNTS, Shape};

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Measures praetor beside llama-server and llama-bench.
#[derive(Parser)]
struct Arguments {
    /// Where `setup.sh` has put `bin` and `shapes`.
    #[arg(long, default_value = "target/peers")]
    peers: PathBuf,
    /// Few rounds and few questions: to see that it works, not to believe the figures.
    #[arg(long)]
    quick: bool,
    /// Only these models.
    #[arg(long)]
    only: Vec<String>,
    /// Threads of every model; all cores by default.
    #[arg(long)]
    threads: Option<usize>,
    /// Folder of documents to write `performance.md` into.
    #[arg(long, default_value = "docs")]
    docs: PathBuf,
    /// Write the document of what was measured before.
    #[arg(long)]
    again: bool,
    /// Used by the bench itself: praetor's memory over a number of images.
    #[arg(long, hide = true)]
    resident: Option<String>,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    let cores = std::thread::available_parallelism()?.get();
    let threads = arguments.threads.unwrap_or(cores);
    let kept = arguments.peers.join("measured.json");
    if arguments.again {
        let record = serde_json::from_slice(&fs_err::read(kept)?)?;
        return report::write(&record, &arguments.docs);
    }
    let questions = questions::questions()?;
    let random = arguments.peers.join("shapes");
    let shapes = shape::all(&random, &arguments.peers, arguments.quick)?;
    if let Some(name) = &arguments.resident {
        let shape = shapes.iter().find(|shape| shape.name == name).ok_or("no such model")?;
        let resident = memory::of_this_process(shape, threads, &questions)?;
        serde_json::to_writer(std::io::stdout(), &resident)?;
        return Ok(());
    }
    let started = Instant::now();
    let machine = Machine::here(&arguments.peers, threads)?;
    let mut measured = Vec::new();
    for shape in &shapes {
        if arguments.only.is_empty() || arguments.only.iter().any(|only| only == shape.name) {
            measured.push(measure(&arguments.peers, shape, threads, &questions)?);
        }
    }
    let minutes = started.elapsed().as_secs_f64() / 60.0;
    let record = Record { machine, quick: arguments.quick, minutes, shapes: measured };
    fs_err::write(kept, serde_json::to_vec_pretty(&record)?)?;
    report::write(&record, &arguments.docs)?;
    eprintln!("{minutes:.1} minutes; see {}", arguments.docs.join("performance.md").display());
    Ok(())
}

/// Everything about one model.
fn measure(
    folder: &Path,
    shape: &Shape,
    threads: usize,
    questions: &[Question],
) -> Outcome<Measured> {
    let started = Instant::now();
    let say = |what: &str| {
        eprintln!("{} {:.0} s: {what}", shape.name, started.elapsed().as_secs_f64());
    };
    say("the server's settings");
    let tuned = tune::tune(folder, shape, threads, questions)?;

    say("rounds");
    let chat = Server::start(folder, shape, tuned.chat.setting())?;
    let array = Server::start(folder, shape, tuned.array.setting())?;
    let naive = Server::start(folder, shape, Setting::Plain { threads })?;
    let drivers = Drivers {
        praetor: InProcess::load(shape, threads)?,
        server: client(&chat, Some(tuned.chat.in_flight))?,
        array: client(&array, None)?,
        naive: client(&naive, None)?,
    };
    let pictures = Pictures::new(shape.strip)?;
    let mut rounds = Rounds::new(drivers, &shape.plan, questions.to_vec(), pictures)?;
    rounds.run()?;
    drop((chat, array));

    say("llama-bench");
    let picture = Pictures::new(shape.strip)?.next()?;
    let bench = ceiling::Bench { folder, shape, threads };
    let counts = if shape.plan.plain.is_none() { &COUNTS[2..] } else { &[AIM][..] };
    let praetor = &mut rounds.drivers.praetor;
    let ceilings = counts
        .iter()
        .map(|&count| bench.run(praetor, &picture, &questions[..count]))
        .collect::<Outcome<Vec<_>>>()?;
    let naive_flags = naive.setting.flags().join(" ");
    drop(naive);
    let (timings, agreements) = (rounds.timings(), std::mem::take(&mut rounds.agreements.by_way));
    drop(rounds);
    for (way, agreement) in &agreements {
        say(&format!("{way:?}: {}", agreement.summary()));
    }

    say("memory");
    let memory = memory::compare(folder, shape, threads, &tuned.chat, questions)?;
    say("done");
    Ok(Measured {
        name: shape.name.to_owned(),
        about: shape.about.to_owned(),
        rounds: shape.plan.rounds,
        large_rounds: shape.plan.large_rounds,
        chat: tuned.chat,
        array: tuned.array,
        tried: tuned.tried,
        naive_flags,
        timings,
        agreements,
        ceilings,
        memory,
    })
}
