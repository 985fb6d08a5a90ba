//! `praetor models pull`: fetching models.

use clap::Args;

use crate::cli::{Failure, Outcome};

/// Fetch models into the hub's cache, and check what is there
///
/// Says how much is to be fetched, and goes on where an earlier download stopped. Sizes and SHA-256
/// are compared with what the hub tells, also of files that were there before. Without a
/// quantisation the catalogue's pair is taken, else the first there is of `Q4_K_M`, `Q8_0`, `Q5_K_M`,
/// `Q6_K`, `Q4_K_S`, `Q4_0`, `UD-Q4_K_XL`, `BF16`, `F16`, `F32`; of several projectors the first of
/// `F16`, `BF16`, `Q8_0`, `F32`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Pull {
    /// Names that `praetor models list` shows, or `hf:OWNER/NAME[@REVISION][:QUANT]`
    #[arg(value_name = "MODEL", required = true)]
    models: Vec<String>,
}

#[cfg(not(feature = "hub"))]
impl Pull {
    pub(in crate::cli) fn run(self) -> Outcome {
        Err(Failure::Input(miette::miette!(
            code = "praetor::models::no_hub",
            help = "build praetor with the feature `hub`, or fetch the files by other means and name \
                    them with `--model FILE --mmproj FILE`",
            "this praetor was built without downloads, so that `{}` can't be fetched",
            self.models.join("`, `")
        )))
    }
}

#[cfg(feature = "hub")]
pub(super) use with_hub::failure;

#[cfg(feature = "hub")]
mod with_hub {
    use std::cell::{Cell, RefCell};
    use std::io::{self, Write};

    use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

    use super::super::{hub, human, named};
    use super::{Failure, Outcome, Pull};
    use crate::cli::{Ending, style};
    use crate::hub::{Client, HubError, Step};
    use crate::models::{Found, ModelName, Plan, PlanError};

    impl Pull {
        pub(in crate::cli) fn run(self) -> Outcome {
            let names: Vec<ModelName> =
                self.models.iter().map(|text| named::parse(text)).collect::<Result<_, _>>()?;
            let hub = hub();
            if hub.offline {
                return Err(Failure::Input(miette::miette!(
                    code = "praetor::models::offline",
                    help = "unset it to fetch; commands that judge take what is in the cache",
                    "HF_HUB_OFFLINE is set, so that nothing is fetched"
                )));
            }
            let client = Client::new(&hub).map_err(|error| failure(&error.into()))?.comparing();
            for name in names {
                pull(&name, &client)?;
            }
            Ok(Ending::Done)
        }
    }

    fn pull(name: &ModelName, client: &Client) -> Result<(), Failure> {
        let plan = Plan::make(name, client).map_err(|error| failure(&error))?;
        announce(&plan, client)?;
        let bar = Bar::new();
        let found = plan.fetch(client, &|step| bar.show(step));
        bar.0.finish_and_clear();
        let found = found.map_err(|error| failure(&error.into()))?;
        if let Some(found) = found {
            done(name, &found)?;
        }
        Ok(())
    }

    /// How much it will be, before it begins.
    fn announce(plan: &Plan, client: &Client) -> Result<(), Failure> {
        let count = plan.files().len();
        let missing = match plan.missing(client.hub()) {
            0 => "all of it here, to be checked".to_owned(),
            bytes => format!("{} of it to fetch", human(bytes)),
        };
        let mut err = io::stderr().lock();
        writeln!(
            err,
            "{}: {count} {} of {}, {}, {missing}",
            plan.name,
            if count == 1 { "file" } else { "files" },
            plan.name.repository,
            human(plan.size()),
        )?;
        drop(err);
        let mut notes = Vec::new();
        if plan.choice.projector.is_none() {
            notes.push(format!(
                "{} has no projector: a language model, good for `constitution compile` and not for \
                 judging images",
                plan.name.repository
            ));
        }
        notes.extend(plan.changed().into_iter().map(|listed| {
            format!(
                "`{}` is another file than the one this version of praetor knows; the repository was \
                 changed since",
                listed.file
            )
        }));
        Ok(style::notes(&notes)?)
    }

    fn done(name: &ModelName, found: &Found) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        writeln!(out, "{name} is here and whole, at commit {}", found.commit)?;
        for stored in &found.files {
            let checked = if stored.sha256.is_some() { "size and SHA-256" } else { "size" };
            writeln!(
                out,
                "  {} ({}; {checked} are the hub's)",
                stored.path.display(),
                human(stored.size)
            )?;
        }
        Ok(())
    }

    /// One bar, for one file after the other.
    struct Bar(ProgressBar, RefCell<String>, Cell<u64>);

    impl Bar {
        fn new() -> Self {
            let style = ProgressStyle::with_template(
                "{wide_msg} {bytes:>10} of {total_bytes:>10} {bar:20} {bytes_per_sec} {eta}",
            );
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            Self(bar, RefCell::default(), Cell::default())
        }

        fn show(&self, step: Step<'_>) {
            let Self(bar, name, size) = self;
            match step {
                Step::Begin { file, size: all, here } => {
                    file.clone_into(&mut name.borrow_mut());
                    size.set(all);
                    bar.reset();
                    bar.set_length(all);
                    bar.set_position(here);
                    bar.reset_eta();
                    bar.set_message(file.to_owned());
                }
                Step::Waiting => bar.set_message("another process fetches it; waiting"),
                Step::Came(bytes) => bar.inc(bytes),
                Step::Comparing => bar.set_message(format!("checking {}", name.borrow())),
                Step::Anew => bar.set_position(0),
                Step::Done => bar.set_position(size.get()),
            }
        }
    }

    /// What can't be fetched, with how to mend it in its words.
    pub(in crate::cli::models) fn failure(error: &PlanError) -> Failure {
        match error {
            PlanError::Hub(HubError { .. }) => Failure::unopened(error, None),
            PlanError::Choice { .. } => Failure::mistake(error, None),
        }
    }
}
