//! The server's best settings for each way of driving it, found by trying.

use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::drivers::Ask;
use crate::http::{Form, Http};
use crate::measure::median;
use crate::questions::{Pictures, Question};
use crate::server::{Server, Setting};
use crate::shape::{AIM, Shape};

/// The best of what was tried.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Best {
    pub(crate) slots: usize,
    pub(crate) threads: usize,
    /// Requests in flight; one where all questions are one request.
    pub(crate) in_flight: usize,
    pub(crate) seconds: f64,
}

impl Best {
    pub(crate) fn setting(&self) -> Setting {
        Setting::Tuned { slots: self.slots, threads: self.threads }
    }
}

/// What was tried, for the document, and what was best for chats and for arrays.
pub(crate) struct Tuned {
    pub(crate) chat: Best,
    pub(crate) array: Best,
    pub(crate) tried: usize,
}

/// Asks the aimed-at number of questions of new images with each setting.
pub(crate) fn tune(
    folder: &Path,
    shape: &Shape,
    threads: usize,
    questions: &[Question],
) -> Outcome<Tuned> {
    let mut search = Search::new(folder, shape, questions)?;
    let cheap = shape.plan.plain.is_none();
    // A thread less leaves room for reading requests and pictures.
    let threads = if cheap && threads > 1 { vec![threads, threads - 1] } else { vec![threads] };
    for threads in threads {
        for &slots in &shape.plan.slots {
            let better = search.try_setting(Setting::Tuned { slots, threads })?;
            if !better && !cheap {
                break;
            }
        }
    }
    let (Some(chat), Some(array)) = (search.chat, search.array) else {
        return Err("no setting of the server was tried".into());
    };
    Ok(Tuned { chat, array, tried: search.tried })
}

struct Search<'a> {
    folder: &'a Path,
    shape: &'a Shape,
    questions: &'a [Question],
    pictures: Pictures,
    chat: Option<Best>,
    array: Option<Best>,
    tried: usize,
}

impl<'a> Search<'a> {
    fn new(folder: &'a Path, shape: &'a Shape, questions: &'a [Question]) -> Outcome<Self> {
        let pictures = Pictures::new(shape.strip)?;
        Ok(Self { folder, shape, questions, pictures, chat: None, array: None, tried: 0 })
    }

    /// Whether a way became quicker with this setting.
    fn try_setting(&mut self, setting: Setting) -> Outcome<bool> {
        let Setting::Tuned { slots, threads } = setting else { return Ok(false) };
        let server = Server::start(self.folder, self.shape, setting)?;
        let in_flights =
            if self.shape.plan.plain.is_none() { vec![slots, 2 * slots] } else { vec![2 * slots] };
        let mut better = false;
        for in_flight in in_flights {
            let seconds = self.time(&server, Form::ImageFirst { in_flight })?;
            if self.chat.as_ref().is_none_or(|best| seconds < best.seconds) {
                self.chat = Some(Best { slots, threads, in_flight, seconds });
                better = true;
            }
        }
        let seconds = self.time(&server, Form::Array)?;
        if self.array.as_ref().is_none_or(|best| seconds < best.seconds) {
            self.array = Some(Best { slots, threads, in_flight: 1, seconds });
            better = true;
        }
        Ok(better)
    }

    fn time(&mut self, server: &Server, form: Form) -> Outcome<f64> {
        let mut client = Http::new(server, form)?;
        let mut times = Vec::new();
        // What is slow has no need of a warm-up, and no time for it.
        let warm_ups = usize::from(self.shape.plan.tries > 1);
        for attempt in 0..self.shape.plan.tries + warm_ups {
            let picture = self.pictures.next()?;
            let started = Instant::now();
            client.ask(&picture, &self.questions[..AIM])?;
            if attempt >= warm_ups {
                times.push(started.elapsed().as_secs_f64());
            }
        }
        self.tried += 1;
        eprintln!("  {:?} {form:?}: {:.3} s", server.setting, median(&times));
        Ok(median(&times))
    }
}
