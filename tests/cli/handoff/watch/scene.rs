//! A registry whose tags move, and running watches.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};

use serde_json::Value;

use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::{Run, Sandbox};

pub const PLAIN: &str = "--plain-http";
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A registry with `team/net:v1`.
pub struct Scene {
    pub sandbox: Sandbox,
    pub registry: FakeRegistry,
}

impl Scene {
    pub fn new() -> Self {
        let scene = Self { sandbox: Sandbox::new(), registry: FakeRegistry::start() };
        scene.move_tag("v1", 1);
        scene
    }

    pub fn name(&self, name: &str) -> String {
        format!("{}/{name}", self.registry.host())
    }

    pub fn tag(&self) -> String {
        self.name("team/net:v1")
    }

    /// Lets a tag point to the version with this number, and returns its digest.
    pub fn move_tag(&self, tag: &str, version: u32) -> String {
        let manifest = format!(r#"{{"schemaVersion":2,"layers":[],"annotations":{{"version":"{version}"}}}}"#);
        self.registry.add_manifest("team/net", tag, MANIFEST, manifest.as_bytes())
    }

    /// The command that polls once.
    pub fn once(&self, args: &[&str]) -> Command {
        let mut command = self.sandbox.command(&[&["watch", PLAIN, "--once"], args].concat());
        command.env("KIT_WEBHOOK_SECRET", SECRET);
        command
    }

    /// Polls once.
    pub fn poll(&self, args: &[&str]) -> Run {
        self.sandbox.run(&mut self.once(args))
    }

    /// The events of one poll.
    pub fn events(&self, args: &[&str]) -> Vec<Value> {
        let run = self.poll(&[&["--format", "json"], args].concat()).ok();
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Starts a watch that polls every second.
    pub fn start(&self, args: &[&str]) -> Watching {
        let mut command = self.sandbox.command(&[&["watch", PLAIN, "--every", "1s"], args].concat());
        command.env("KIT_WEBHOOK_SECRET", SECRET).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let messages = BufReader::new(child.stderr.take().unwrap());
        Watching { child, messages }
    }
}

/// A watch that runs until it is dropped.
pub struct Watching {
    pub child: Child,
    messages: BufReader<ChildStderr>,
}

impl Watching {
    /// Waits for a message with these words, and returns the messages up to it.
    pub fn wait_for(&mut self, words: &str) -> String {
        let mut read = String::new();
        while !read.contains(words) {
            assert!(self.messages.read_line(&mut read).unwrap() > 0, "no `{words}` in:\n{read}");
        }
        read
    }

    /// Waits for the first line of the results.
    pub fn first_result(&mut self) -> String {
        let mut line = String::new();
        BufReader::new(self.child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        line
    }

    /// Waits for the end, and returns the exit code and the rest of the messages.
    pub fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.messages.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // It may have ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
