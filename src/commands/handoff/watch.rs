//! `kit watch`

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::commands::trust::predicate_word;
use crate::config::{NetworkArgs, parse_duration, secret};
use crate::context::{Context, parse};
use crate::output::{ExitWithVerdict, Format, Output, json_text, one_line, usage};
use kit_core::digest::Digest;
use kit_core::ops::{
    self, AttachedKind, CommandSink, EventKind, EventSink, SinkError, WatchEvent, WatchMode, WatchOptions, WatchTarget,
    WebhookSink,
};
use kit_core::registry::Client;
use kit_core::trust::WebhookSecrets;

/// The variable with the secret of the webhook.
const SECRET: &str = "KIT_WEBHOOK_SECRET";

/// The exit code of a single poll that noticed something.
const NOTICED: u8 = 10;

/// Watch tags in registries, and report what happens to them
///
/// A tag that moved, a version that appeared and a tag that was removed are printed, one line for each event. --exec
/// runs a command for each of them, and --webhook sends them to a web server as CloudEvents, signed as in the Standard
/// Webhooks specification with the secret in KIT_WEBHOOK_SECRET.
///
/// REF is a tag, a repository (all its tags, also new ones) or a version (REGISTRY/REPOSITORY@DIGEST). A poll sends one
/// request for each tag, a HEAD, and one for the list of tags of a repository. What is attached to a version, such as
/// an attestation or a recall, is not part of the answer: a version that is given costs one request for each poll, and
/// --attached watches the versions of all tags in this way.
///
/// The first poll only records what it sees. Events are kept in the state file until the command and the receiver have
/// taken them, also if `kit` is interrupted; an event may be delivered twice, with the same ID. After a failure,
/// registries and receivers are asked again with growing pauses. Ctrl-C and SIGTERM end the command.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit watch registry.example/team/sentiment:live
  kit watch registry.example/team/sentiment --every 1m --attached --exec ./notify.sh
  kit watch registry.example/team/sentiment:live --webhook https://hooks.example/models
  kit watch registry.example/team/sentiment:live --once --exit-code --state /var/lib/models/watch.json")]
pub(crate) struct WatchArgs {
    /// Tags, repositories or versions in registries
    #[arg(value_name = "REF", required = true)]
    targets: Vec<String>,
    /// Poll once and exit, for a scheduler such as cron
    #[arg(long, conflicts_with = "every")]
    once: bool,
    /// Interval between two polls, such as 30s or 1h [default: 5m]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    every: Option<Duration>,
    /// Watch what is attached to the versions of the tags as well, with one more request for each version and poll
    #[arg(long)]
    attached: bool,
    /// Command for the shell, run for each event with the event as JSON on standard input and in variables such as
    /// KIT_EVENT, KIT_REF and KIT_DIGEST; a command that fails is run again
    #[arg(long, value_name = "COMMAND")]
    exec: Option<String>,
    /// Address that events are sent to
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// File with what was seen, and with the events that are still to be delivered [default: a file for these REFs in
    /// the folder of the local store]
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Exit with 10 if the poll of --once noticed events, otherwise with 0
    #[arg(long)]
    exit_code: bool,
    /// Output format of an event: table (a line of text), json (a document in one line), yaml, or a Go template
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
    #[command(flatten)]
    network: NetworkArgs,
}

/// The members of an event.
const FIELDS: [&str; 8] = ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"];

impl WatchArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        self.format.expect_fields(&FIELDS)?;
        let targets = self.targets.iter().map(|text| parse::<WatchTarget>(text)).collect::<Result<Vec<_>>>()?;
        let every = self.every.unwrap_or(Duration::from_secs(5 * 60));
        if every < Duration::from_secs(1) {
            return Err(usage("--every is at least 1s"));
        }
        if self.exit_code && !self.once {
            return Err(usage("--exit-code needs --once: without it, the watch does not end"));
        }
        let client = self.client(context)?;
        let printed = Printed { output: &context.output, format: &self.format };
        let command = self.exec.clone().map(|line| CommandSink::new(line, &[SECRET]));
        let webhook = self.webhook(&client)?;
        let command = command.as_ref().map(|sink| sink as &dyn EventSink);
        let webhook = webhook.as_ref().map(|sink| sink as &dyn EventSink);
        let sinks: Vec<_> = [Some(&printed as &dyn EventSink), command, webhook].into_iter().flatten().collect();
        let options = WatchOptions {
            state: self.state_file(context, &targets),
            targets,
            has_attached: self.attached,
            mode: if self.once { WatchMode::Once } else { WatchMode::Every(every) },
        };
        let noticed = ops::watch(&client, &sinks, &context.bars, &options)?;
        if self.exit_code && noticed > 0 { Err(ExitWithVerdict(NOTICED).into()) } else { Ok(()) }
    }

    /// The client. Between polls there is time enough, so a poll that fails is not repeated at once.
    fn client(&self, context: &Context) -> Result<Client> {
        let notifier = context.bars.notifier();
        if self.once {
            return self.network.client(&context.environment, notifier);
        }
        self.network.client_without_retries(&context.environment, notifier)
    }

    fn webhook(&self, client: &Client) -> Result<Option<WebhookSink>> {
        let Some(address) = &self.webhook else { return Ok(None) };
        let webhook = client.webhook(address).map_err(|error| usage(error.to_string()))?;
        let Some(text) = secret(SECRET)? else {
            return Err(usage(format!("--webhook signs its events; set {SECRET} to a secret, `whsec_` and base64")));
        };
        let secrets = WebhookSecrets::parse(&text).with_context(|| format!("{SECRET} cannot be used"));
        Ok(Some(WebhookSink::new(webhook, secrets?)))
    }

    /// The file that the user named, or one whose name depends on what is watched.
    fn state_file(&self, context: &Context, targets: &[WatchTarget]) -> PathBuf {
        if let Some(file) = &self.state {
            return context.environment.absolute(file);
        }
        let mut names: Vec<_> = targets.iter().map(ToString::to_string).collect();
        names.sort();
        names.dedup();
        let digits = Digest::of(names.join("\n").as_bytes()).hex();
        context.environment.watch_folder().join(format!("{}.json", &digits[..16]))
    }
}

/// Prints each event.
struct Printed<'a> {
    output: &'a Output,
    format: &'a Format,
}

impl EventSink for Printed<'_> {
    fn name(&self) -> &'static str {
        "output"
    }

    fn title(&self) -> String {
        "standard output".to_owned()
    }

    fn deliver(&self, event: &WatchEvent) -> Result<(), SinkError> {
        let document = event.to_json();
        let text = match self.format {
            Format::Json => json_text(document.to_string()),
            format => {
                let rendered = format.render(&document, || line(event));
                rendered.map_err(|error| SinkError::Output(std::io::Error::other(format!("{error:#}"))))?
            }
        };
        self.output.result(text).map_err(SinkError::Output)
    }
}

/// One line for an event.
fn line(event: &WatchEvent) -> String {
    let (reference, digest, previous) = (event.reference(), short(event.digest), short(event.previous));
    let text = match event.kind {
        EventKind::TagMoved => format!("{reference} moved from {previous} to {digest}"),
        EventKind::VersionAppeared => format!("{reference} appeared ({digest})"),
        EventKind::TagRemoved => format!("{reference} was removed (it was {previous})"),
        EventKind::RecallAttached
        | EventKind::AttestationAttached
        | EventKind::SignatureAttached
        | EventKind::ReferrerAttached => format!("{} was attached to {}", attached(event), version(event)),
    };
    one_line(&format!("{} {text}", event.time))
}

/// The version that something was attached to, with its tags.
fn version(event: &WatchEvent) -> String {
    let version = format!("{}@{}", event.repository, short(event.digest));
    if event.tags.is_empty() { version } else { format!("{version} ({})", event.tags.join(", ")) }
}

fn attached(event: &WatchEvent) -> String {
    let Some(AttachedKind { digest, artifact_type, predicate_type }) = &event.attached else { return String::new() };
    let kind = match (event.kind, predicate_type, artifact_type) {
        (EventKind::SignatureAttached, ..) => "signature".to_owned(),
        (EventKind::RecallAttached, ..) => "recall".to_owned(),
        (_, Some(predicate_type), _) => format!("attestation {}", predicate_word(predicate_type)),
        (_, None, Some(artifact_type)) => artifact_type.clone(),
        (_, None, None) => "document".to_owned(),
    };
    format!("{kind} {}", short(Some(*digest)))
}

fn short(digest: Option<Digest>) -> String {
    digest.map_or_else(String::new, |digest| format!("sha256:{}…", &digest.hex()[..12]))
}
