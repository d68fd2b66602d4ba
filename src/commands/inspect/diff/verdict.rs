//! `kit diff --for`: verdicts for roles.

use std::str::FromStr;

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};

use crate::output::{one_line, table};
use kit_core::ops::{AssessOptions, Assessed};
use kit_core::verdict::{Level, Minimum, Place, Reason, Role, UnknownRole, Verdict};

/// The arguments of a verdict.
#[derive(Debug, Args)]
pub(crate) struct VerdictArgs {
    /// Show whether the second is compatible, changed or breaking for a role: app, sre, data, security or all
    /// (comma-separated)
    #[arg(
        long = "for",
        value_name = "ROLE",
        value_delimiter = ',',
        conflicts_with_all = ["only", "globs", "layers", "patch", "stats"]
    )]
    chosen: Vec<Roles>,
    /// Lowest accepted value of a metric in the parameters of the model or in an evaluation, such as accuracy=0.9
    /// (repeatable)
    #[arg(long = "minimum", value_name = "METRIC=NUMBER", requires = "chosen")]
    minimums: Vec<Minimum>,
    /// Print the next semantic version after the first: major if anything is breaking for any role, minor if anything
    /// changed for a role, patch otherwise. Without --for, prints only the version
    #[arg(long, conflicts_with_all = ["only", "globs", "layers", "patch", "stats"])]
    propose_version: bool,
}

/// A value of --for.
#[derive(Debug, Clone, Copy)]
enum Roles {
    All,
    One(Role),
}

impl FromStr for Roles {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        if text == "all" { Ok(Self::All) } else { text.parse().map(Self::One) }
    }
}

/// The verdicts as text and as data.
pub(super) struct Shown {
    pub(super) text: String,
    pub(super) data: Value,
}

impl VerdictArgs {
    pub(super) fn is_requested(&self) -> bool {
        !self.chosen.is_empty() || self.propose_version
    }

    /// The roles, without duplicates; all of them without --for.
    pub(super) fn roles(&self) -> Vec<Role> {
        let is_chosen = |role: &Role| {
            self.chosen.iter().any(|chosen| match chosen {
                Roles::All => true,
                Roles::One(chosen) => chosen == role,
            })
        };
        Role::ALL.into_iter().filter(|role| self.chosen.is_empty() || is_chosen(role)).collect()
    }

    pub(super) fn options(&self, jobs: usize, remote_limit: u64) -> AssessOptions {
        AssessOptions { jobs, remote_limit, minimums: self.minimums.clone() }
    }

    /// Renders the verdicts. `tag` is that of the first version.
    pub(super) fn show(&self, names: (&str, &str), assessed: &Assessed, tag: Option<&str>) -> Result<Shown> {
        let version = assessed.next_version(tag);
        let verdicts: Vec<_> = self.roles().into_iter().map(|role| assessed.verdict(role)).collect();
        let verdicts_data: Value = verdicts.iter().map(|verdict| verdict_data(verdict, assessed)).collect();
        let declared = assessed.difference.second.inspected.as_ref();
        let declared = declared.map(|inspected| &inspected.modelkit.config.kitfile.package.version);
        let data = json!({
            "first": { "reference": names.0, "digest": assessed.difference.first.manifest },
            "second": { "reference": names.1, "digest": assessed.difference.second.manifest },
            "verdicts": verdicts_data,
            "unknown": assessed.unknown,
            "version": {
                "current": version.as_ref().map(|(current, _)| current),
                "proposed": version.as_ref().map(|(_, proposed)| proposed),
                "declared": declared.filter(|declared| !declared.is_empty()),
            },
        });
        let proposed =
            || version.as_ref().context("neither the Kitfile nor the tag of the first has a version like 1.2.3");
        let text = match (self.propose_version, self.chosen.is_empty()) {
            (true, true) => format!("{}\n", proposed()?.1),
            (true, false) => {
                let (current, next) = proposed()?;
                format!("{}Version: {current} → {next}\n", text(names, assessed, &verdicts))
            }
            (false, _) => text(names, assessed, &verdicts),
        };
        Ok(Shown { text, data })
    }
}

fn verdict_data(verdict: &Verdict<'_>, assessed: &Assessed) -> Value {
    let reasons: Value = verdict
        .reasons
        .iter()
        .map(|(level, reason)| reason_data(*level, Some(verdict.role), reason, assessed))
        .collect();
    json!({ "role": verdict.role.word(), "level": verdict.level.word(), "reasons": reasons })
}

/// A reason as data. For a role, the table of facts says why it matters.
pub(crate) fn reason_data(level: Level, role: Option<Role>, reason: &Reason, assessed: &Assessed) -> Value {
    let (file, field) = match &reason.place {
        Place::File(path) => (Some(path), None),
        Place::Field(path) => (None, Some(path)),
    };
    let why = reason.fact.roles().iter().find(|(concerned, ..)| Some(*concerned) == role).map(|(_, _, why)| why);
    let owners: Vec<_> = assessed.owners_of(reason).iter().map(ToString::to_string).collect();
    json!({
        "fact": reason.fact.word(),
        "level": level.word(),
        "file": file,
        "field": field,
        "change": reason.text,
        "why": why,
        "owners": owners,
    })
}

fn text(names: (&str, &str), assessed: &Assessed, verdicts: &[Verdict<'_>]) -> String {
    let mut text = format!("{} → {}\n", one_line(names.0), one_line(names.1));
    for verdict in verdicts {
        let is_partial = verdict.level == Level::Compatible && !assessed.unknown.is_empty();
        let partial = if is_partial { ", as far as is known" } else { "" };
        text.extend([format!("{}: {}{partial}\n", verdict.role, verdict.level.word())]);
        let rows: Vec<_> = verdict.reasons.iter().map(|(level, reason)| row(*level, reason, assessed)).collect();
        if !rows.is_empty() {
            let table = table::render(["LEVEL", "FACT", "PLACE", "CHANGE", "OWNERS"], &rows);
            text.extend(table.lines().map(|line| format!("  {}\n", line.trim_end())));
        }
    }
    if !assessed.unknown.is_empty() {
        text += "Not known:\n";
        text.extend(assessed.unknown.iter().map(|unknown| format!("  {}\n", one_line(unknown))));
    }
    text
}

fn row(level: Level, reason: &Reason, assessed: &Assessed) -> [String; 5] {
    let owners: Vec<_> = assessed.owners_of(reason).iter().map(ToString::to_string).collect();
    let owners = if owners.is_empty() { "-".to_owned() } else { owners.join(", ") };
    let (Place::File(place) | Place::Field(place)) = &reason.place;
    [level.word().to_owned(), reason.fact.word().to_owned(), one_line(place), one_line(&reason.text), owners]
}
