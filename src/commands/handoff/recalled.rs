//! `kit recalled`

use std::io::{self, Read as _};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::{Value, json};

use crate::commands::trust::{TrustNetworkArgs, public_key};
use crate::context::{Context, parse};
use crate::output::{Code, ExitWithDifferences, ExitWithTrouble, Failure, Format, counted, one_line, table, usage};
use kit_core::limits;
use kit_core::oci::Reference;
use kit_core::ops::{self, Location, RecallAnswer, RecallProof, RecallQuestion, RecallVerdict, Recalled, Recaller};
use kit_core::trust::Verifier;

/// Find out which running ModelKits and images were recalled
///
/// Reads digests and names from standard input, separated by white space, or the output of `kubectl get pods -o json`:
/// the images of containers, as they run, and image volumes. Each is looked up in its repository and, by its digest, in
/// each REPOSITORY. The recalls of keys that a policy lets recall the repository count, and those of --key; if none of
/// them is known, every recall counts and is marked as not verified.
///
/// The exit code is 0 if none of them is recalled, 1 if any is, and 2 if none is known to be recalled but some could
/// not be looked up.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kubectl get pods --all-namespaces -o json | kit recalled
  kubectl get pods -o json | kit recalled registry.example/team/sentiment --key release.pub
  echo registry.example/production/sentiment:live | kit recalled
  kit recalled registry.example/production/sentiment < digests.txt")]
pub(crate) struct RecalledArgs {
    /// Repositories in which digests are looked up as well
    #[arg(value_name = "REPOSITORY")]
    repositories: Vec<String>,
    /// Public key whose recalls count: a file, or `env://NAME` (repeatable)
    #[arg(id = "verification_key", long = "key", value_name = "FILE")]
    keys: Vec<String>,
    /// Output format: table, json, yaml, or a Go template
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
    #[command(flatten)]
    network: TrustNetworkArgs,
}

const FIELDS: [&str; 6] = ["name", "digest", "recalled", "recalls", "users", "problems"];

impl RecalledArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let trouble =
            |error: anyhow::Error| error.context(ExitWithTrouble("cannot find out what is recalled".to_owned()));
        let answers = self.answers(context).map_err(trouble)?;
        let count = |verdict| answers.iter().filter(|answer| answer.verdict() == verdict).count();
        let (recalled, unknown) = (count(RecallVerdict::Recalled), count(RecallVerdict::Unknown));
        let all = counted(answers.len(), "reference");
        context.output.say(&format!("{all}: {recalled} recalled, {unknown} not known"));
        match (recalled, unknown) {
            (0, 0) => Ok(()),
            (0, _) => Err(Failure::error(Code::Usage, format!("cannot rule out that {unknown} of them are recalled"))),
            _ => Err(ExitWithDifferences.into()),
        }
    }

    fn answers(&self, context: &Context) -> Result<Vec<RecallAnswer>> {
        self.format.expect_fields(&FIELDS)?;
        let repositories = self.repositories.iter().map(|name| repository(name)).collect::<Result<Vec<_>>>()?;
        let recallers = self.keys.iter().map(|key| recaller(context, key)).collect::<Result<Vec<_>>>()?;
        let mentions = ops::mentions(&read_input()?)?;
        if mentions.is_empty() {
            context.output.warn("standard input names no digest and no ModelKit");
        }
        let session = context.session(&self.network)?;
        let places: Vec<_> = repositories.iter().cloned().map(Location::Artifact).collect();
        let question = RecallQuestion {
            mentions: &mentions,
            repositories: &repositories,
            recallers: &recallers,
            jobs: session.jobs(&places.iter().collect::<Vec<_>>()).max(ops::jobs()),
        };
        let answers = ops::recalled(&session, &question)?;
        context.output.result(self.format.render_rows(&answers, to_json, || render(&answers))?)?;
        Ok(answers)
    }
}

fn repository(name: &str) -> Result<Reference> {
    let reference: Reference = parse(name)?;
    if reference.is_local() {
        return Err(usage(format!("`{name}` has no registry; deployments run from registries")));
    }
    Ok(reference.without_selector())
}

fn recaller(context: &Context, file: &str) -> Result<Recaller> {
    let key = public_key(context, file)?;
    Ok((format!("`{file}` ({})", key.name()), Verifier::Key(key)))
}

fn read_input() -> Result<String> {
    let (mut text, limit) = (String::new(), limits::MENTIONS_BYTES);
    let read = io::stdin().lock().take(limit + 1).read_to_string(&mut text);
    read.context("cannot read standard input")?;
    if text.len() as u64 > limit {
        bail!("standard input has more than {limit} bytes");
    }
    Ok(text)
}

const HEADINGS: [&str; 5] = ["NAME", "RECALLED", "REASON", "INSTEAD", "USED BY"];

/// Renders a line for each recall, and for each mention that could not be looked up.
fn render(answers: &[RecallAnswer]) -> String {
    let rows: Vec<_> = answers.iter().flat_map(rows).collect();
    if rows.is_empty() { String::new() } else { table::render(HEADINGS, &rows) }
}

fn rows(answer: &RecallAnswer) -> Vec<[String; 5]> {
    let or_none = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    let users: Vec<_> = answer.mention.users.iter().map(String::as_str).collect();
    let row = |state: String, reason: String, instead: String| {
        let cells = [answer.mention.text.clone(), state, or_none(reason), or_none(instead), or_none(users.join(", "))];
        cells.map(|cell| one_line(&cell))
    };
    let recalled = answer.recalls.iter().map(|(_, recalled)| {
        let date = recalled.time.map_or("yes".to_owned(), |time| time.strftime("%Y-%m-%d").to_string());
        let instead = recalled.instead.clone().unwrap_or_default();
        row(format!("{date}, {}", proof(recalled)), recalled.reason.clone(), instead)
    });
    let unknown = (answer.verdict() == RecallVerdict::Unknown)
        .then(|| row("not known".to_owned(), answer.problems.join("; "), String::new()));
    recalled.chain(unknown).collect()
}

fn proof(recalled: &Recalled) -> String {
    match &recalled.proof {
        RecallProof::Verified(by) => format!("by {by}"),
        RecallProof::OtherKey => "by another key".to_owned(),
        RecallProof::NotVerified => "not verified".to_owned(),
    }
}

fn to_json(answer: &RecallAnswer) -> Value {
    json!({
        "name": answer.mention.text,
        "digest": answer.digest,
        "recalled": match answer.verdict() {
            RecallVerdict::Recalled => Some(true),
            RecallVerdict::NotRecalled => Some(false),
            RecallVerdict::Unknown => None,
        },
        "recalls": answer.recalls.iter().map(|(repository, recalled)| {
            let mut data = recall_to_json(recalled);
            data["repository"] = json!(repository);
            data
        }).collect::<Value>(),
        "users": answer.mention.users,
        "problems": answer.problems,
    })
}

/// The members of a recall.
pub(crate) fn recall_to_json(recalled: &Recalled) -> Value {
    json!({
        "reason": recalled.reason,
        "instead": recalled.instead,
        "time": recalled.time.map(|time| time.to_string()),
        "signer": match &recalled.proof {
            RecallProof::Verified(signer) => Some(signer),
            _ => None,
        },
        "verified": matches!(recalled.proof, RecallProof::Verified(_)),
        "counts": recalled.counts(),
    })
}
