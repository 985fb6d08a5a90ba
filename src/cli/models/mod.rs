//! `praetor models`: models by name, and how they get onto this machine.

mod list;
pub(super) mod named;
mod pull;
mod show;

use clap::Subcommand;

use super::Outcome;
use crate::hub::Hub;

/// Fetch models by name, and see which there are
///
/// A model is named by a short name of the catalogue, or by `hf:OWNER/NAME[@REVISION][:QUANT]` for any
/// GGUF repository of the Hugging Face hub, as `llama-server -hf` takes it. `pull` fetches it once;
/// commands that judge take it from there and never download anything.
///
/// Models lie in the hub's standard cache. `HF_HOME`, `HF_HUB_CACHE`, `HF_ENDPOINT` (a mirror), `HF_TOKEN`
/// and `HF_HUB_OFFLINE=1` are honoured.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    List(list::List),
    Show(show::Show),
    Pull(pull::Pull),
}

impl Command {
    pub(super) fn run(self) -> Outcome {
        match self {
            Self::List(command) => command.run(),
            Self::Show(command) => command.run(),
            Self::Pull(command) => command.run(),
        }
    }
}

/// The hub as the environment says.
pub(super) fn hub() -> Hub {
    Hub::from_variables(|name| std::env::var_os(name))
}

/// Bytes as people read them, in the units the hub's pages use: `2.49 GB`.
fn human(bytes: u64) -> String {
    indicatif::DecimalBytes(bytes).to_string()
}
