//! The rounds: every way asks the same questions of the same pictures, in turn.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::agreement::Agreements;
use crate::drivers::{Answered, Ask, InProcess, Way};
use crate::http::{Form, Http};
use crate::questions::{Picture, Pictures, Question};
use crate::server::{Server, Setting};
use crate::shape::{COUNTS, Plan};

/// Whether the image was asked about before, and how long ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Image {
    New,
    /// Just now: those who are asked still hold it.
    Known,
    /// In another run: praetor has kept what the vision encoder made of it.
    Kept,
}

/// Seconds of one way for one number of questions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Timing {
    pub(crate) way: Way,
    pub(crate) count: usize,
    pub(crate) image: Image,
    pub(crate) seconds: Vec<f64>,
}

/// Those who are asked.
pub(crate) struct Drivers {
    pub(crate) praetor: InProcess,
    pub(crate) server: Http,
    pub(crate) array: Http,
    pub(crate) naive: Http,
}

impl Drivers {
    fn ask(
        &mut self,
        way: Way,
        image: Image,
        picture: &Picture,
        questions: &[Question],
    ) -> Outcome<Vec<Answered>> {
        match (way, image) {
            // It is decoded anew, so that the engine does not know it for the one before.
            (Way::Praetor, Image::New | Image::Kept) => self.praetor.ask(picture, questions),
            (Way::Praetor, Image::Known) => self.praetor.again(picture, questions),
            (Way::Server, _) => self.server.ask(picture, questions),
            (Way::Array, _) => self.array.ask(picture, questions),
            (Way::Naive, _) => self.naive.ask(picture, questions),
            (Way::OneByOne, _) => self.praetor.one_by_one(picture, questions),
        }
    }
}

/// Before each measurement: threads of who was asked before go on spinning for a while when their work
/// is done, on a core that is then missing.
pub(crate) const QUIET: Duration = Duration::from_millis(200);

/// The ways that know an image again.
const SHARING: [Way; 3] = [Way::Praetor, Way::Server, Way::Array];
/// The ways that begin anew for each question.
const PLAIN: [Way; 2] = [Way::Naive, Way::OneByOne];

/// Measures, and checks what is answered.
pub(crate) struct Rounds<'a> {
    pub(crate) drivers: Drivers,
    plan: &'a Plan,
    questions: Vec<Question>,
    pictures: Pictures,
    seconds: BTreeMap<(Way, usize, Image), Vec<f64>>,
    pub(crate) agreements: Agreements,
    /// Moves on with every measurement, so that no question is asked of a picture twice in a row.
    offset: usize,
}

impl<'a> Rounds<'a> {
    pub(crate) fn new(
        drivers: Drivers,
        plan: &'a Plan,
        questions: Vec<Question>,
        pictures: Pictures,
    ) -> Outcome<Self> {
        let agreements = Agreements::new(&questions, drivers.praetor.priors(&questions)?);
        let seconds = BTreeMap::new();
        Ok(Self { drivers, plan, questions, pictures, seconds, agreements, offset: 0 })
    }

    pub(crate) fn run(&mut self) -> Outcome<()> {
        self.warm_up()?;
        for round in 0..self.plan.rounds {
            let mut picture = self.pictures.next()?;
            // The image has to be new before it can be known.
            let mut counts = COUNTS;
            counts.sort_by_key(|count| !self.plan.fresh.contains(count));
            for count in counts {
                if Some(&count) == COUNTS.last() && round >= self.plan.large_rounds {
                    continue;
                }
                if self.plan.fresh.contains(&count) {
                    picture = self.pictures.next()?;
                    self.sharing(round, Image::New, count, &picture)?;
                    self.kept(count, &picture)?;
                }
                self.sharing(round, Image::Known, count, &picture)?;
                if self.plan.plain.is_none() {
                    self.plain(round, count, &picture)?;
                }
            }
            if let Some(count) = self.plan.plain {
                self.plain(round, count, &picture)?;
            }
            eprintln!("  round {} of {}", round + 1, self.plan.rounds);
        }
        Ok(())
    }

    pub(crate) fn timings(&self) -> Vec<Timing> {
        let timing = |(&(way, count, image), seconds): (&(Way, usize, Image), &Vec<f64>)| Timing {
            way,
            count,
            image,
            seconds: seconds.clone(),
        };
        self.seconds.iter().map(timing).collect()
    }

    /// Every way once, without a clock: files are read, threads started, connections made.
    fn warm_up(&mut self) -> Outcome<()> {
        let picture = self.pictures.next()?;
        let questions = self.next_questions(1);
        let plain: &[Way] = if self.plan.plain.is_none() { &PLAIN } else { &[] };
        for &way in SHARING.iter().chain(plain) {
            self.drivers.ask(way, Image::New, &picture, &questions)?;
        }
        Ok(())
    }

    fn next_questions(&mut self, count: usize) -> Vec<Question> {
        let start = self.offset;
        self.offset = (start + count + 3) % self.questions.len();
        (start..start + count).map(|i| self.questions[i % self.questions.len()].clone()).collect()
    }

    /// The ways that share what questions have in common, each round another one first.
    fn sharing(
        &mut self,
        round: usize,
        image: Image,
        count: usize,
        picture: &Picture,
    ) -> Outcome<()> {
        if image == Image::Known {
            self.show_to_all_slots(picture)?;
        }
        let questions = self.next_questions(count);
        let mut answers = BTreeMap::new();
        for turn in 0..SHARING.len() {
            let way = SHARING[(round + turn) % SHARING.len()];
            answers.insert(way, self.timed(way, image, picture, &questions)?);
        }
        for way in [Way::Server, Way::Array] {
            self.agreements.compare(way, &questions, &answers[&Way::Praetor], &answers[&way]);
        }
        Ok(())
    }

    /// An image that is on disk, and whether its answers are those of the one that is known.
    fn kept(&mut self, count: usize, picture: &Picture) -> Outcome<()> {
        let questions = self.next_questions(count);
        let encoded = self.drivers.praetor.model.encoded_images()?;
        let kept = self.timed(Way::Praetor, Image::Kept, picture, &questions)?;
        if self.drivers.praetor.model.encoded_images()? > encoded {
            return Err("an image that was kept was encoded again".into());
        }
        let known = self.drivers.ask(Way::Praetor, Image::Known, picture, &questions)?;
        self.agreements.compare(Way::Praetor, &questions, &known, &kept);
        Ok(())
    }

    /// The ways that share nothing. The one in process empties the cache, so it comes last.
    fn plain(&mut self, round: usize, count: usize, picture: &Picture) -> Outcome<()> {
        let questions = self.next_questions(count);
        let expected = self.drivers.ask(Way::Praetor, Image::Known, picture, &questions)?;
        for turn in 0..PLAIN.len() {
            let way = PLAIN[(round + turn) % PLAIN.len()];
            let answers = self.timed(way, Image::New, picture, &questions)?;
            // The question before the image is another prompt, with answers of its own.
            if way == Way::OneByOne {
                self.agreements.compare(way, &questions, &expected, &answers);
            }
        }
        Ok(())
    }

    fn timed(
        &mut self,
        way: Way,
        image: Image,
        picture: &Picture,
        questions: &[Question],
    ) -> Outcome<Vec<Answered>> {
        thread::sleep(QUIET);
        let started = Instant::now();
        let answers = self.drivers.ask(way, image, picture, questions)?;
        let seconds = started.elapsed().as_secs_f64();
        self.seconds.entry((way, questions.len(), image)).or_default().push(seconds);
        Ok(answers)
    }

    /// A server of several slots knows an image only in those that were asked.
    fn show_to_all_slots(&mut self, picture: &Picture) -> Outcome<()> {
        for way in [Way::Server, Way::Array] {
            let client =
                if way == Way::Server { &self.drivers.server } else { &self.drivers.array };
            let slots = client.slots;
            if slots > 1 {
                let questions = self.next_questions(2 * slots);
                self.drivers.ask(way, Image::Known, picture, &questions)?;
            }
        }
        Ok(())
    }
}

/// The client that drives a server as was found best.
pub(crate) fn client(server: &Server, in_flight: Option<usize>) -> Outcome<Http> {
    let form = match (server.setting, in_flight) {
        (Setting::Plain { .. }, _) => Form::QuestionFirst,
        (Setting::Tuned { .. }, Some(in_flight)) => Form::ImageFirst { in_flight },
        (Setting::Tuned { .. }, None) => Form::Array,
    };
    Http::new(server, form)
}

/// The middle one, or the mean of the two in the middle.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => sorted[odd / 2],
        even => f64::midpoint(sorted[even / 2 - 1], sorted[even / 2]),
    }
}
