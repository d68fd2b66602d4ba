//! An isolated environment for each test: a folder, a home, an empty environment; and the result of a run of the
//! binary.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use fs_err as fs;
use regex::Regex;

/// A temporary folder with a home in it.
pub struct Sandbox {
    folder: tempfile::TempDir,
}

/// The result of one run of `kit`.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    redacted_folder: String,
}

impl Sandbox {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A path in the sandbox.
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes a file, and the folders above it.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Allows plain http to `host` in the settings of the home directories `kit` and `elsewhere`, for hosts that the
    /// command line does not name.
    pub fn allow_plain_http(&self, host: &str) {
        for home in ["kit", "elsewhere"] {
            let path = format!("{home}/config.toml");
            let before = if self.path(&path).exists() { self.read(&path) } else { String::new() };
            self.write(&path, format!("{before}[registry.\"{host}\"]\nplain-http = true\n"));
        }
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// A small project with an entry in every section, in the folder `project`.
    pub fn project(&self) {
        for (path, content) in PROJECT {
            self.write(&format!("project/{path}"), content);
        }
    }

    /// A sandbox whose project is packed as `sample:v1`.
    pub fn packed() -> Self {
        let sandbox = Self::new();
        sandbox.project();
        sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok();
        sandbox
    }

    /// The command of the binary, with this sandbox as its home and its current folder, and nothing else of the
    /// environment.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.env_clear().env("HOME", self.path("home")).env("KIT_HOME", self.path("kit")).env("NO_PROXY", "*");
        command.env("PATH", "/usr/bin:/bin").current_dir(self.folder.path()).stdin(Stdio::null()).args(args);
        if cfg!(windows) {
            self.set_windows_variables(&mut command);
        }
        command
    }

    /// Passes on what every program on Windows needs, and gives it the home of the sandbox.
    fn set_windows_variables(&self, command: &mut Command) {
        const NEEDED: [&str; 4] = ["PATH", "PATHEXT", "SystemRoot", "TEMP"];
        let is_needed = |name: &OsStr| NEEDED.iter().any(|needed| name.eq_ignore_ascii_case(needed));
        command.envs(std::env::vars_os().filter(|(name, _)| is_needed(name)));
        command.env("USERPROFILE", self.path("home")).env("APPDATA", self.path("home/AppData/Roaming"));
        command.env("LOCALAPPDATA", self.path("home/AppData/Local"));
    }

    /// Runs `kit` to its end.
    pub fn kit(&self, args: &[&str]) -> Run {
        self.run(&mut self.command(args))
    }

    pub fn run(&self, command: &mut Command) -> Run {
        let Output { status, stdout, stderr } = command.output().unwrap();
        Run {
            code: status.code(),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: with_slashes(String::from_utf8(stderr).unwrap()),
            redacted_folder: with_slashes(self.folder.path().canonicalize().unwrap().display().to_string()),
        }
    }

    /// Runs `kit` on a terminal with this many columns, and returns what the user sees.
    pub fn on_terminal(&self, columns: u16, args: &[&str]) -> String {
        crate::terminal::in_terminal(self.command(args).env("TERM", "xterm"), columns)
    }

    /// The files below a folder with their content, sorted by path.
    pub fn tree(&self, folder: &str) -> Vec<(String, String)> {
        let root = self.path(folder);
        let mut files = Vec::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && !path.is_symlink() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(&root).unwrap().display().to_string();
                    let name = name.replace(std::path::MAIN_SEPARATOR, "/");
                    files.push((name, String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned()));
                }
            }
        }
        files.sort();
        files
    }

    pub fn names(&self, folder: &str) -> Vec<String> {
        self.tree(folder).into_iter().map(|(name, _)| name).collect()
    }

    /// The folder of the store.
    pub fn store(&self) -> PathBuf {
        self.path("kit/store")
    }
}

pub const PROJECT: [(&str, &str); 7] = [
    (
        "Kitfile",
        "manifestVersion: 1.0.0\npackage:\n  name: sample\n  version: 0.1.0\n  authors: [Ada]\nmodel:\n  \
         name: net\n  path: weights/model.bin\n  parameters:\n    epochs: 10\n  parts:\n    - name: tokenizer\n      \
         path: weights/tokenizer.json\ncode:\n  - path: src\ndatasets:\n  - name: training\n    path: data/\n\
         docs:\n  - path: README.md\n",
    ),
    ("weights/model.bin", "weights\n"),
    ("weights/tokenizer.json", "{}\n"),
    ("src/train.py", "print('train')\n"),
    ("data/train.csv", "a,b\n1,2\n"),
    ("data/more/val.csv", "a,b\n3,4\n"),
    ("README.md", "# Sample\n"),
];

impl Run {
    /// Expects success.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Expects the exit code of a failure that is not wrong usage, and a message.
    #[track_caller]
    pub fn fails(self) -> Self {
        let is_failure = matches!(self.code, Some(1 | 3..=8)) && !self.stderr.is_empty();
        assert!(is_failure, "code: {:?}\nstdout:\n{}\nstderr:\n{}", self.code, self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        assert!(code == 0 || !self.stderr.is_empty(), "a failure says why");
        self
    }

    /// Expects standard error to contain `words`, whatever the separators of paths are.
    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(is_in(words, &self.stderr), "no `{words}` in:\n{}", self.stderr);
        self
    }

    /// Expects standard output to contain `words`, whatever the separators of paths are.
    #[track_caller]
    pub fn prints(self, words: &str) -> Self {
        assert!(is_in(words, &self.stdout), "no `{words}` in:\n{}", self.stdout);
        self
    }

    /// The digest behind `Model saved: `, `Pushed ` or `Pulled `.
    #[track_caller]
    pub fn digest(&self) -> String {
        let found = Regex::new("sha256:[0-9a-f]{64}").unwrap().find(&self.stdout).expect("a digest on standard output");
        found.as_str().to_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// Standard error without the parts that differ from run to run.
    pub fn redacted_stderr(&self) -> String {
        self.redact(&self.stderr)
    }

    /// Standard error from the error on: the lines before it depend on the order in which layers finish.
    pub fn redacted_failure(&self) -> String {
        let text = self.redacted_stderr();
        text.find("error: ").map_or(String::new(), |start| text[start..].to_owned())
    }

    pub fn redacted_stdout(&self) -> String {
        self.redact(&with_slashes(self.stdout.clone()))
    }

    fn redact(&self, text: &str) -> String {
        let text = text.replace(&self.redacted_folder, "[FOLDER]");
        let redactions = [
            ("sha256:[0-9a-f]{64}", "[DIGEST]"),
            (r"127\.0\.0\.1:\d+", "[REGISTRY]"),
            (r"\d+\.\d s", "[TIME]"),
            (r"gave up after \d+ attempts in \d+ s", "gave up after [ATTEMPTS]"),
            (r"[\d.]+ [KMGT]?i?B/s", "[SPEED]"),
            // The words and the numbers of macOS and Windows.
            (r"[^\n:]*\(os error (61|10061)\)", " Connection refused (os error 111)"),
        ];
        redactions
            .iter()
            .fold(text, |text, (pattern, name)| Regex::new(pattern).unwrap().replace_all(&text, *name).into_owned())
    }
}

fn is_in(words: &str, text: &str) -> bool {
    text.contains(words) || with_slashes(text.to_owned()).contains(&with_slashes(words.to_owned()))
}

/// Returns messages with the separators of Unix in paths. JSON has backslashes of its own.
fn with_slashes(text: String) -> String {
    if !cfg!(windows) {
        return text;
    }
    let line = |line: &str| if line.starts_with('{') { line.to_owned() } else { line.replace('\\', "/") };
    let text: String = text.split_inclusive('\n').map(line).collect();
    // A path without links begins with `\\?\`.
    text.strip_prefix("//?/").map(str::to_owned).unwrap_or(text)
}

/// The repository that the tests are in.
pub fn repository() -> &'static Path {
    // Absolute also for a program that was compiled on another system: the sandboxes may be on another drive.
    static PLACE: LazyLock<PathBuf> =
        LazyLock::new(|| std::path::absolute(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).unwrap());
    &PLACE
}

/// The path of the binary `kit`, which cargo builds next to the folder of the test program.
pub fn binary() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    program.parent().and_then(Path::parent).unwrap().join(format!("kit{}", std::env::consts::EXE_SUFFIX))
}
