//! Events to a command of the user: the document on its standard input, and the most important members in variables.

use std::io::{self, Write};
use std::process::{Child, ExitStatus, Stdio};
use std::time::Duration;

use super::event::WatchEvent;
use super::sink::{EventSink, SinkError};
use crate::problem::printable;
use crate::sys::{self, Leftover, LeftoverKind};

/// The time in which the command must end. No other event is noticed or delivered in the meantime.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// Runs a command line for each event.
pub struct CommandSink {
    line: String,
    /// Variables that the command must not see.
    hidden: &'static [&'static str],
}

impl CommandSink {
    /// A sink that passes `line` to the shell. The variables in `hidden` are removed from its environment.
    pub fn new(line: String, hidden: &'static [&'static str]) -> Self {
        Self { line, hidden }
    }

    fn start(&self, event: &WatchEvent) -> io::Result<(Child, Leftover)> {
        let mut command = sys::shell(&self.line);
        for name in self.hidden {
            command.env_remove(name);
        }
        command.envs(variables(event)).stdin(Stdio::piped()).stdout(io::stderr());
        Leftover::create(|| command.spawn(), |child| LeftoverKind::Child(child.id()))
    }
}

impl EventSink for CommandSink {
    fn name(&self) -> &'static str {
        "exec"
    }

    fn title(&self) -> String {
        "the command of --exec".to_owned()
    }

    fn deliver(&self, event: &WatchEvent) -> Result<(), SinkError> {
        let (mut child, _leftover) = self.start(event).map_err(SinkError::Start)?;
        let written = child.stdin.take().map(|mut stdin| writeln!(stdin, "{}", event.to_json()));
        match written {
            // A command need not read its input.
            Some(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => return Err(SinkError::Start(error)),
            _ => {}
        }
        match sys::wait_at_most(&mut child, PATIENCE).map_err(SinkError::Start)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(SinkError::Failed(in_words(status))),
            None => Err(SinkError::TooLong(PATIENCE.as_secs())),
        }
    }
}

fn in_words(status: ExitStatus) -> String {
    status.code().map_or_else(|| status.to_string(), |code| format!("exit code {code}"))
}

/// The variables of an event. All of them are set, so that none is inherited; registries choose some of the texts.
fn variables(event: &WatchEvent) -> [(&'static str, String); 8] {
    let digest = |digest: Option<crate::digest::Digest>| digest.map_or_else(String::new, |digest| digest.to_string());
    let attached = event.attached.as_ref();
    let kind = attached.and_then(|it| it.predicate_type.as_deref().or(it.artifact_type.as_deref()));
    [
        ("KIT_EVENT", event.kind.name().to_owned()),
        ("KIT_EVENT_ID", event.id.clone()),
        ("KIT_REF", event.reference()),
        ("KIT_TAG", event.tags.first().cloned().unwrap_or_default()),
        ("KIT_DIGEST", digest(event.digest)),
        ("KIT_PREVIOUS", digest(event.previous)),
        ("KIT_ATTACHED", digest(attached.map(|attached| attached.digest))),
        ("KIT_ATTACHED_TYPE", printable(kind.unwrap_or_default()).into_owned()),
    ]
}
