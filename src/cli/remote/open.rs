//! Makes the model behind a server, with its guard and its bill.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::file::Kind;
use super::server::{OPENAI, Variable, variable};
use super::{Bill, GuardArgs, Leaving, LocalOnly, Remote, Server};
use crate::cli::exit::Failure;
use crate::prompts::Prompts;
use crate::vlm::decisions::{DecisionVlm, Interface};
use crate::vlm::openai::{OpenAiChat, OpenAiVlm};
use crate::vlm::remote::{
    Batches, Bounds, Desk, Farewell, Key, KeyHeader, Meter, Recorder, Recording, RemoteError,
    RemoteOptions, Tape, TapeError, is_this_machine,
};
use crate::vlm::{Chat, Vlm};

/// Longer sides are shrunk to this for servers elsewhere; OpenAI does so itself.
const LONGEST_SIDE: u32 = 2_048;

/// Opens a language model, which no image is sent to.
pub(in crate::cli) fn open_chat(server: &Server) -> Result<Box<dyn Chat>, Failure> {
    if !server.talks() {
        return Err(Failure::Input(miette::miette!(
            code = "praetor::model::mute",
            help = "name a model that writes: `openai:NAME`",
            "`{}` answers questions and writes nothing",
            server.shown()
        )));
    }
    let options = options(server, server.key()?, Arc::default(), Tape::Off);
    Ok(Box::new(OpenAiChat::new(options).map_err(unopened)?))
}

impl Server {
    /// Opens a model that judges images, if it may be sent them.
    pub(in crate::cli) fn open(
        &self,
        guard: &GuardArgs,
        prompts: Prompts,
    ) -> Result<(Box<dyn Vlm>, Remote), Failure> {
        let here = is_this_machine(&self.address).map_err(unopened)?;
        let replays = guard.replay.is_some();
        let may = replays || self.allow_remote || guard.allow_remote;
        if !here && !may {
            return Err(Failure::Input(miette::miette!(
                code = "praetor::remote::not_allowed",
                help = "if they may be, add `--allow-remote`, or `allow_remote: true` in the file of \
                        models; `--local-only PATTERN` and `local_only: true` in rules keep some of \
                        them here",
                "`{}` would send your images to {}, and nobody said that they may be sent",
                self.shown(),
                self.address
            )));
        }
        if guard.max_cost.is_some() && self.prices.is_none() {
            return Err(Failure::Input(miette::miette!(
                code = "praetor::cost::no_prices",
                help = "write them into the file of models: `prices: {input: 2.5, output: 10}` for \
                        a million tokens",
                "`--max-cost` needs the prices of `{}`",
                self.shown()
            )));
        }
        let prices = self.prices.map(Into::into);
        let bounds =
            Bounds { most_blocks: Some(guard.max_blocks), most_cost: guard.max_cost.zip(prices) };
        let meter = Arc::new(Meter::new(bounds));
        let tape = match tape(guard)? {
            Tape::Batch(desk) if self.kind == Kind::Azure => Tape::Batch(desk.for_azure()),
            tape => tape,
        };
        let taped = !matches!(tape, Tape::Off);
        let key = if replays { None } else { self.key()? };
        let longest_side = self.longest_side.or((!here).then_some(LONGEST_SIDE));
        let options =
            RemoteOptions { longest_side, ..options(self, key, Arc::clone(&meter), tape) };
        let batches = self.batches(&options, guard)?;
        let leaving = self.leaving.clone().or_else(|| {
            // A server of this machine keeps its model for as long as its user does.
            let asked = self.kind == Kind::Openai && !here && !replays;
            match asked.then(|| Farewell::of_model(&options)).flatten()? {
                Farewell::Ends { at, by } => Some(Leaving::told(at, by)),
                deprecated => {
                    meter.heard(deprecated);
                    None
                }
            }
        });
        let patterns: Vec<String> =
            guard.local_only.iter().chain(&self.local_only).cloned().collect();
        let local_only = LocalOnly::new(if here { &[] } else { &patterns })?;
        let remote = Remote {
            bill: self.bill(guard, Arc::clone(&meter)),
            talks: self.talks(),
            taped,
            local_only,
            leaving,
            shown: self.shown(),
            batches,
        };
        Ok((self.model(options, prompts)?, remote))
    }

    /// The line to the server's batches, if questions are handed in, with what it has answered.
    fn batches(
        &self,
        options: &RemoteOptions,
        guard: &GuardArgs,
    ) -> Result<Option<Batches>, Failure> {
        let Tape::Batch(desk) = &options.tape else { return Ok(None) };
        if !matches!(self.kind, Kind::Openai | Kind::Azure) {
            return Err(Failure::Input(miette::miette!(
                code = "praetor::batch::kind",
                help =
                    "leave `--batch` away, or ask the model by `openai:NAME` or `azure:DEPLOYMENT`",
                "questions for `{}` can't be handed in as a batch",
                self.shown()
            )));
        }
        // At Azure batches belong to the resource, and their lines name the deployment.
        let deployment = format!("/deployments/{}", self.model);
        let resource = options.address.strip_suffix(&deployment).unwrap_or(&options.address);
        let options = RemoteOptions { address: resource.to_owned(), ..options.clone() };
        let batches = Batches::open(options, desk.clone()).map_err(unopened)?;
        batches.fetch(guard.batch.batch_wait)?;
        Ok(Some(batches))
    }

    /// The key from its variable, where the server gets one.
    fn key(&self) -> Result<Option<String>, Failure> {
        match &self.key {
            Variable::None => Ok(None),
            Variable::Wanted(name) => match variable(name) {
                Some(key) => Ok(Some(key)),
                None => Err(Failure::Input(miette::miette!(
                    code = "praetor::model::no_key",
                    help = format!(
                        "set {name}: the file of models says that it holds the key (`key_env`)"
                    ),
                    "there is no key for `{}`: the variable {name} is empty",
                    self.model
                ))),
            },
            Variable::Usual(name) => {
                let key = variable(name);
                if key.is_none() && self.address == OPENAI {
                    return Err(Failure::Input(miette::miette!(
                        code = "praetor::model::no_key",
                        help = format!(
                            "set {name}, or name another server with `--base-url`; local ones need \
                             no key"
                        ),
                        "{OPENAI} wants a key"
                    )));
                }
                Ok(key)
            }
        }
    }

    /// Whether it writes, which reasoning takes.
    fn talks(&self) -> bool {
        matches!(self.kind, Kind::Openai | Kind::Azure)
    }

    fn bill(&self, guard: &GuardArgs, meter: Arc<Meter>) -> Bill {
        let questions_a_request = match self.kind {
            Kind::Decisions | Kind::Systemone => 100,
            _ => 1,
        };
        let (prices, image_tokens) = (self.prices, self.image_tokens);
        Bill { prices, image_tokens, max_cost: guard.max_cost, questions_a_request, meter }
    }

    fn model(&self, options: RemoteOptions, prompts: Prompts) -> Result<Box<dyn Vlm>, Failure> {
        let decisions = |interface| -> Result<Box<dyn Vlm>, RemoteError> {
            Ok(Box::new(DecisionVlm::new(interface, options.clone(), prompts.clone())?))
        };
        let model = match self.kind {
            Kind::Decisions => decisions(Interface::Decisions),
            Kind::Systemone => decisions(Interface::SystemOne),
            Kind::Openai | Kind::Azure | Kind::Gguf => {
                OpenAiVlm::new(options, prompts).map(|model| -> Box<dyn Vlm> { Box::new(model) })
            }
        };
        model.map_err(unopened)
    }
}

fn options(server: &Server, key: Option<String>, meter: Arc<Meter>, tape: Tape) -> RemoteOptions {
    RemoteOptions {
        address: server.address.clone(),
        query: server.query.clone(),
        key: key.map(Key::new),
        key_header: match server.kind {
            Kind::Azure => KeyHeader::ApiKey,
            _ => KeyHeader::Bearer,
        },
        extra: server.extra.clone(),
        concurrency: server.parallel,
        timeout: Duration::from_secs(u64::from(server.timeout_seconds)),
        meter,
        tape,
        ..RemoteOptions::new(&server.model)
    }
}

fn tape(guard: &GuardArgs) -> Result<Tape, Failure> {
    let failed = |path: &Path, error: &TapeError| {
        let help = format!("`{}` is where answers are kept or come from", path.display());
        Failure::unopened(error, Some(&help))
    };
    if let Some(folder) = &guard.batch.batch {
        return Desk::open(folder).map(Tape::Batch).map_err(|error| failed(folder, &error));
    }
    match (&guard.record, &guard.replay) {
        (Some(path), _) => {
            Recorder::open(path).map(Tape::Record).map_err(|error| failed(path, &error))
        }
        (None, Some(path)) => {
            Recording::open(path).map(Tape::Replay).map_err(|error| failed(path, &error))
        }
        (None, None) => Ok(Tape::Off),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "handed to map_err")]
fn unopened(error: RemoteError) -> Failure {
    Failure::unopened(&error, Some("an address looks like `http://localhost:8080/v1`"))
}
