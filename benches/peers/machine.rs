//! Where a run was made, and with which versions.

use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::Outcome;

/// For the head of the document.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) threads: usize,
    pub(crate) memory_gib: f64,
    pub(crate) kernel: String,
    /// Of what else ran, from 0 to the number of cores.
    pub(crate) load_before: f64,
    pub(crate) praetor: String,
    /// The crate that brings llama.cpp into praetor.
    pub(crate) engine: String,
    pub(crate) server: String,
}

impl Machine {
    pub(crate) fn here(folder: &Path, threads: usize) -> Outcome<Self> {
        let after = |path: &str, key: &str| -> Outcome<String> {
            let text = fs_err::read_to_string(path)?;
            let line = text.lines().find_map(|line| line.strip_prefix(key));
            Ok(line.unwrap_or_default().trim_start_matches([' ', '\t', ':']).to_owned())
        };
        let kib: f64 = after("/proc/meminfo", "MemTotal")?.trim_end_matches(" kB").parse()?;
        let load = after("/proc/loadavg", "")?;
        let version = Command::new(folder.join("bin/llama-server")).arg("--version").output()?;
        // It says so on standard error.
        let version = [version.stdout, version.stderr].concat();
        let version = String::from_utf8_lossy(&version).into_owned();
        let server = version.lines().find_map(|line| line.strip_prefix("version: "));
        let commit = Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
        let commit = commit.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        Ok(Self {
            processor: after("/proc/cpuinfo", "model name")?,
            cores: std::thread::available_parallelism()?.get(),
            threads,
            memory_gib: kib / 1024.0 / 1024.0,
            kernel: after("/proc/sys/kernel/osrelease", "")?,
            load_before: load.split(' ').next().unwrap_or_default().parse()?,
            praetor: format!("{} ({})", env!("CARGO_PKG_VERSION"), commit.unwrap_or_default()),
            engine: engine_version(),
            server: server.unwrap_or("of unknown version").to_owned(),
        })
    }
}

fn engine_version() -> String {
    let lock = include_str!("../../Cargo.lock");
    let package =
        lock.split("[[package]]").find(|package| package.contains("name = \"llama-cpp-sys-2\""));
    let version = package
        .and_then(|package| package.lines().find_map(|line| line.strip_prefix("version = ")));
    format!("llama-cpp-sys-2 {}", version.unwrap_or("?").trim_matches('"'))
}
