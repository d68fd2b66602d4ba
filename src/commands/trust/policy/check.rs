//! `kit policy check`

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};

use super::show::mode;
use crate::arguments::{LookupArgs, report_local_store};
use crate::config::NetworkArgs;
use crate::context::Context;
use crate::output::{Code, Failure, Format, table};
use kit_core::ops::{self, Judged, Location, Lookup, Session};
use kit_core::trust::policy::{Mode, Outcome, Row};

/// Check a ModelKit by all requirements of the policies for its name
///
/// Nothing is stored. The content of the layers is read if a rule has a requirement about it. Exits with 1 if a policy
/// does not allow the ModelKit.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit policy check registry.example/production/sentiment:v2
  kit policy check registry.example/production/sentiment:v2 --remote --format json")]
pub(super) struct CheckArgs {
    /// ModelKit or index
    #[arg(value_name = "NAME:TAG")]
    name: String,
    /// Output format: table, json, yaml, or a Go template
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
    #[command(flatten)]
    lookup: LookupArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

impl CheckArgs {
    pub(super) fn run(&self, context: &Context) -> Result<()> {
        let location = context.location(&self.name)?;
        let session = context.session(&self.network)?;
        check(context, &session, &location, (self.lookup.place(), &self.format), Asked::IfUsable)
    }
}

/// The question that a verdict answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The ModelKit may be used: a rule that only warns refuses nothing.
    IfUsable,
    /// All requirements hold.
    IfAllHolds,
}

/// Judges the ModelKit or index at `location` by all requirements of its rules, and prints the verdicts.
pub(crate) fn check(
    context: &Context,
    session: &Session<'_>,
    location: &Location,
    (place, format): (Lookup, &Format),
    asked: Asked,
) -> Result<()> {
    let failed = || format!("cannot check `{location}`");
    let found = ops::find_signed(session, location, place).with_context(failed)?;
    report_local_store(context, location, &found);
    let judged = ops::check_policies(session, &found).with_context(failed)?;
    let is_allowed = judged.iter().all(|judged| judged.allows() || judged.mode != Mode::Enforce);
    let holds = asked == Asked::IfUsable || judged.iter().all(Judged::allows);
    let data = json!({
        "name": location.to_string(),
        "allowed": is_allowed,
        "rules": judged.iter().map(to_json).collect::<Value>(),
    });
    context.output.result(format.render(&data, || in_words(&location.to_string(), &judged, (is_allowed, holds)))?)?;
    if is_allowed && holds {
        return Ok(());
    }
    if is_allowed {
        let message = format!("`{location}` does not satisfy the policy, whose rule only warns elsewhere");
        return Err(Failure::error(Code::Failed, message));
    }
    Err(Failure::error(Code::Failed, format!("the policy does not allow `{location}`")))
}

fn in_words(name: &str, judged: &[Judged], (is_allowed, holds): (bool, bool)) -> String {
    let mut text = String::new();
    for judged in judged {
        let heading = match &judged.pattern {
            Some(pattern) => {
                let Judged { file, line, .. } = judged;
                let manifest = judged.manifest.as_ref().map(|manifest| format!(" · {}", manifest.digest));
                format!("{file}:{line}: rule for `{pattern}` ({}){}\n", mode(judged.mode), manifest.unwrap_or_default())
            }
            None => format!("{}:{}: no rule matches, and the default is `refuse`\n", judged.file, judged.line),
        };
        text += &heading;
        let row = |row: &Row| [row.requirement.as_str(), outcome(row), &row.reason].map(str::to_owned);
        let rows: Vec<_> = judged.verdict.rows.iter().map(row).collect();
        text += &table::render(["REQUIREMENT", "VERDICT", "REASON"], &rows);
    }
    let verdict = match (is_allowed, judged) {
        (true, _) if !holds => "not satisfied; the rule only warns elsewhere",
        (true, []) => "allowed: no rule applies",
        (true, _) => "allowed",
        (false, _) => "refused",
    };
    format!("{text}{name}: {verdict}\n")
}

fn outcome(row: &Row) -> &'static str {
    match row.outcome {
        Outcome::Satisfied => "satisfied",
        Outcome::Failed => "failed",
        Outcome::Warned => "warned",
    }
}

fn to_json(judged: &Judged) -> Value {
    let row = |row: &Row| {
        json!({
            "requirement": row.requirement.as_str(),
            "satisfied": row.outcome == Outcome::Satisfied,
            "reason": row.reason,
        })
    };
    json!({
        "file": judged.file,
        "line": judged.line,
        "match": judged.pattern,
        "mode": mode(judged.mode),
        "digest": judged.manifest.as_ref().map(|manifest| manifest.digest),
        "allowed": judged.allows(),
        "requirements": judged.verdict.rows.iter().map(row).collect::<Value>(),
    })
}
