//! llama-server as a child process.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::shape::Shape;

/// Tokens of context for each slot: more than any question with its image takes.
const SLOT_TOKENS: usize = 4_096;
/// A model of a few gigabytes has to be read from disk.
const LONGEST_START: Duration = Duration::from_mins(3);

/// How the server is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    /// With nothing but the model and its threads.
    Plain { threads: usize },
    /// With a number of slots, and without what costs time here.
    Tuned { slots: usize, threads: usize },
}

impl Setting {
    /// The flags, apart from files and port.
    pub(crate) fn flags(self) -> Vec<String> {
        let text = match self {
            Self::Plain { threads } => format!("--threads {threads}"),
            // A whole cache for Gemma 3's sliding window, as praetor has it, needs no checkpoints,
            // which would split every prompt in two.
            Self::Tuned { slots, threads } => format!(
                "--threads {threads} --parallel {slots} --ctx-size {} --batch-size 2048 \
                 --ubatch-size 512 --cache-prompt --swa-full --ctx-checkpoints 0",
                slots * SLOT_TOKENS
            ),
        };
        text.split_whitespace().map(str::to_owned).collect()
    }
}

/// A running server; dropping it ends it.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    pub(crate) setting: Setting,
}

impl Server {
    /// Starts it and waits until the model is loaded.
    pub(crate) fn start(folder: &Path, shape: &Shape, setting: Setting) -> Outcome<Self> {
        // Free a moment ago; nobody else here opens ports.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log = fs_err::File::create(log_path(folder))?.into_parts().0;
        let child = Command::new(folder.join("bin/llama-server"))
            .args(["--host", "127.0.0.1", "--port", &port.to_string(), "--no-webui"])
            .args(["--offline", "--log-verbosity", "2"])
            .arg("--model")
            .arg(&shape.model)
            .arg("--mmproj")
            .arg(&shape.projector)
            .args(setting.flags())
            .stdout(Stdio::from(log.try_clone()?))
            .stderr(Stdio::from(log))
            .spawn()
            .map_err(|error| {
                format!("can't start llama-server ({error}); run `make performance`")
            })?;
        let mut server = Self { child, address: format!("http://127.0.0.1:{port}"), setting };
        server.wait(folder)?;
        Ok(server)
    }

    fn wait(&mut self, folder: &Path) -> Outcome<()> {
        let started = Instant::now();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let client = reqwest::Client::builder().no_proxy().build()?;
        let health = format!("{}/health", self.address);
        while started.elapsed() < LONGEST_START {
            if let Some(status) = self.child.try_wait()? {
                let log = log_path(folder);
                return Err(format!("llama-server ended ({status}); see {}", log.display()).into());
            }
            let answer = runtime.block_on(async { client.get(&health).send().await });
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err("llama-server did not load the model in time".into())
    }

    /// Resident memory, in MiB.
    pub(crate) fn resident(&self) -> Outcome<f64> {
        resident(&self.child.id().to_string())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn log_path(folder: &Path) -> PathBuf {
    folder.join("llama-server.log")
}

/// Resident memory of a process (or of `self`), in MiB.
pub(crate) fn resident(process: &str) -> Outcome<f64> {
    let status = fs_err::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).ok_or("no VmRSS")?;
    Ok(kib.trim().parse::<f64>()? / 1024.0)
}
