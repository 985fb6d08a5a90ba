//! The guide, followed word by word: every command in `docs/constitution.md` is run, every edit is
//! made, and what the guide says that praetor answers is what it answers.
//!
//! A block of `console` holds commands after `$ ` and what they print; `exit=1` behind the word is
//! the code of the last one, and a line `...` stands for any lines. A block of `diff` is an edit,
//! made by `patch`. Numbers count only as numbers. `UPDATE_GUIDE=1` writes what is printed into
//! blocks that have no `...`.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::cli::stable;

const GUIDE: &str = "docs/constitution.md";

/// What the guide needs of the repository.
const NEEDED: [&str; 3] = ["docs/guide", "tools/scripted-llm", "models/demo/examples"];

/// The port that the guide names for the stand-in of a language model.
const PORT: &str = "8089";

/// A piece of the guide that is followed.
#[derive(Debug)]
struct Block {
    language: String,
    /// Line of the opening fence, counted from zero.
    line: usize,
    text: String,
}

fn blocks(guide: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for (number, line) in guide.lines().enumerate() {
        match (line.strip_prefix("```"), open) {
            (Some(language), false) => {
                let text = String::new();
                blocks.push(Block { language: language.to_owned(), line: number, text });
                open = true;
            }
            (Some(_), true) => open = false,
            (None, true) => {
                let block = blocks.last_mut().unwrap();
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, false) => {}
        }
    }
    blocks
}

/// A fresh clone, as far as the guide needs one, and the stand-in once it runs.
struct Reader {
    folder: tempfile::TempDir,
    port: u16,
    server: Option<Child>,
}

impl Reader {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for needed in NEEDED {
            copy(Path::new(needed), &folder.path().join(needed));
        }
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        Self { folder, port: free.local_addr().unwrap().port(), server: None }
    }

    fn shell(&self, command: &str) -> Command {
        let binary = Path::new(env!("CARGO_BIN_EXE_praetor")).parent().unwrap();
        let command = format!("PATH='{}':$PATH; {command}", binary.display());
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &command.replace(PORT, &self.port.to_string())])
            .current_dir(self.folder.path())
            .env("PRAETOR_CACHE", self.folder.path().join("cache"))
            .env_remove("PRAETOR_NO_CACHE")
            .env_remove("OPENAI_BASE_URL")
            .env_remove("OPENAI_API_KEY");
        shell
    }

    /// Runs one command of the guide: what it prints, on both streams, and its code.
    fn run(&mut self, command: &str) -> (String, i32) {
        if let Some(server) = command.strip_suffix(" &") {
            let server = format!("exec {server}");
            let child =
                self.shell(&server).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            self.server = Some(child);
            let answers = || std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok();
            assert!((0..200).any(|_| {
                std::thread::sleep(std::time::Duration::from_millis(50));
                answers()
            }));
            return (String::new(), 0);
        }
        let output = self.shell(&format!("exec 2>&1; {command}")).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (text.replace(&self.port.to_string(), PORT), output.status.code().unwrap())
    }

    fn patch(&self, block: &Block) {
        fs_err::write(self.folder.path().join("edit.diff"), &block.text).unwrap();
        let output = self.shell("patch -p0 --fuzz=0 < edit.diff 2>&1").output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{GUIDE}:{}: {said}", block.line + 1);
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs_err::create_dir_all(to).unwrap();
    for entry in fs_err::read_dir(from).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs_err::copy(&path, to).unwrap();
        }
    }
}

/// The commands of a block, each with what the guide says it prints.
fn commands(block: &Block) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    for line in block.text.lines() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command.to_owned(), String::new())),
            (None, Some((_, output))) => {
                output.push_str(line);
                output.push('\n');
            }
            (None, None) => panic!("{GUIDE}:{}: output before a command", block.line + 1),
        }
    }
    commands
}

/// Lines as they are compared: without white space at their ends, and numbers only as numbers.
fn lines(text: &str) -> Vec<String> {
    let text = stable(text.trim_end().trim_start_matches('\n'));
    text.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// Whether `printed` is what the guide says, where `...` stands for any lines.
fn agrees(said: &[String], printed: &[String]) -> bool {
    match said.split_first() {
        None => printed.is_empty(),
        Some((first, rest)) if first == "..." => {
            (0..=printed.len()).any(|skipped| agrees(rest, &printed[skipped..]))
        }
        Some((first, rest)) => {
            printed.split_first().is_some_and(|(line, more)| line == first && agrees(rest, more))
        }
    }
}

#[test]
fn the_guide_can_be_followed_word_by_word() {
    let guide = fs_err::read_to_string(GUIDE).unwrap();
    let mut reader = Reader::new();
    let mut updated: Vec<(Block, String)> = Vec::new();
    let update = std::env::var_os("UPDATE_GUIDE").is_some();
    let mut followed = 0;
    for block in blocks(&guide) {
        if block.language == "diff" {
            reader.patch(&block);
        }
        let Some(expected_code) = block.language.strip_prefix("console") else { continue };
        let expected_code = expected_code.trim().strip_prefix("exit=").unwrap_or("0");
        let mut code = 0;
        let mut printed = String::new();
        for (command, said) in commands(&block) {
            let (output, ended) = reader.run(&command);
            code = ended;
            followed += 1;
            let here = format!("{GUIDE}:{}: $ {command}", block.line + 1);
            if !update {
                assert!(agrees(&lines(&said), &lines(&output)), "{here}\n{output}");
            }
            printed.extend(["$ ", &command, "\n"]);
            printed.extend(
                output.trim_matches('\n').lines().map(|line| format!("{}\n", line.trim_end())),
            );
        }
        assert_eq!(code.to_string(), expected_code, "{GUIDE}:{}\n{printed}", block.line + 1);
        if update && !block.text.lines().any(|line| line == "...") {
            updated.push((block, printed));
        }
    }
    assert!(followed > 12, "only {followed} commands");
    if update {
        let mut text = guide;
        for (block, printed) in updated {
            text = text.replacen(&block.text, &printed, 1);
        }
        fs_err::write(GUIDE, text).unwrap();
    }
}

#[test]
fn dots_stand_for_any_lines() {
    let say = |text: &str| lines(text);
    assert!(agrees(&say("a\n...\nz 1"), &say("a\nb\nc\nz 2")));
    assert!(agrees(&say("a\n..."), &say("a")));
    assert!(!agrees(&say("a\n...\nz"), &say("a\nb")));
    assert!(!agrees(&say("a"), &say("a\nb")));
}
