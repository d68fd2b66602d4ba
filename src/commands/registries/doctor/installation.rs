//! The checks of the installation. None of them uses the network or changes anything.

use std::path::Path;

use anyhow::Result;
use fs_err as fs;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::commands::setup;
use crate::config::{Config, NetworkArgs, now, program_on_path};
use crate::context::Context;
use crate::output::{counted, table, tidy};
use kit_core::progress::human;
use kit_core::registry::CredentialSummary;
use kit_core::store::{self, Store};
use kit_core::sys;

/// Less free space than this is not enough for most models.
const LITTLE_SPACE: u64 = 1 << 30;

const MANY_YEARS: SignedDuration = SignedDuration::from_hours(10 * 366 * 24);

const NOT_WRITABLE: &str = "change the permissions, or set KIT_HOME to a folder that you can write to";

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing to do.
    Fine,
    /// Works, but the user may want something else.
    Warning,
    /// Commands will fail.
    Problem,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// One check of the installation.
pub(super) struct Check {
    topic: &'static str,
    pub(super) state: State,
    found: String,
    /// The next step, if there is one.
    advice: String,
}

impl Check {
    fn fine(topic: &'static str, found: impl Into<String>) -> Self {
        Self { topic, state: State::Fine, found: found.into(), advice: String::new() }
    }

    fn warning(topic: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { topic, state: State::Warning, found: found.into(), advice: advice.into() }
    }

    fn problem(topic: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { topic, state: State::Problem, found: found.into(), advice: advice.into() }
    }
}

/// All checks, in the order in which they are printed.
pub(super) fn checks(context: &Context) -> Vec<Check> {
    let network = NetworkArgs::default();
    let config = Config::read(&network, &context.environment);
    let mut checks = vec![program(), store(context, config.is_ok()), space(context)];
    checks.extend([configuration(context, config), policies(context)]);
    checks.extend(credentials(context));
    checks.extend([proxy(context), clock(now(), env!("KIT_BUILT")), completion(context)]);
    checks
}

pub(super) fn render(checks: &[Check]) -> String {
    table::render(["TOPIC", "STATE", "FOUND"], &checks.iter().flat_map(rows).collect::<Vec<_>>())
}

/// The row of a check, and rows for more lines and for the advice, which would be off the screen in its own column.
fn rows(check: &Check) -> Vec<[String; 3]> {
    let advice = (!check.advice.is_empty()).then(|| format!("advice: {}", check.advice));
    let lines = check.found.lines().map(str::to_owned).chain(advice);
    let row = |(at, line)| match at {
        0 => [check.topic.to_owned(), check.state.as_str().to_owned(), line],
        _ => [String::new(), String::new(), line],
    };
    lines.enumerate().map(row).collect()
}

pub(super) fn to_json(check: &Check) -> Value {
    json!({ "topic": check.topic, "state": check.state.as_str(), "found": check.found, "advice": check.advice })
}

/// The program that runs, and the one that a shell starts: KitOps is called `kit` as well.
fn program() -> Check {
    let version = kit_core::VERSION;
    let Ok(running) = std::env::current_exe() else { return Check::fine("program", format!("kit {version}")) };
    let found = format!("kit {version}, {}", tidy(&running));
    match program_on_path("kit") {
        None => Check::warning("program", found, "put its folder on PATH, so that a shell finds `kit`"),
        Some(first) if !is_same_file(&first, &running) => {
            let advice = format!("a shell starts {} instead; change the order of PATH", tidy(&first));
            Check::warning("program", found, advice)
        }
        Some(_) => Check::fine("program", found),
    }
}

fn is_same_file(a: &Path, b: &Path) -> bool {
    matches!((fs::canonicalize(a), fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
}

fn store(context: &Context, is_configured: bool) -> Check {
    let folder = context.environment.store_folder();
    let shown = tidy(&folder);
    if !is_configured {
        return Check::warning("store", format!("{shown}, not opened"), "correct the configuration first");
    }
    let writable = existing(&folder).is_some_and(|folder| tempfile::tempfile_in(folder).is_ok());
    let named = |store: Store| Ok(store.index()?.entries().iter().filter(|entry| entry.name().is_some()).count());
    match context.store().and_then(named) {
        Err(error) => Check::problem("store", format!("{error:#}"), advice_for_store(&error)),
        Ok(_) if !writable => Check::problem("store", format!("{shown} cannot be written to"), NOT_WRITABLE),
        Ok(_) if !folder.exists() => {
            Check::fine("store", format!("{shown}, created by the first `kit pack` or `kit pull`"))
        }
        Ok(count) => Check::fine("store", format!("{shown}, {}", counted(count as u64, "name"))),
    }
}

/// The next step if the store cannot be opened.
fn advice_for_store(error: &anyhow::Error) -> &'static str {
    match error.chain().find_map(|cause| cause.downcast_ref()) {
        Some(store::Error::NotALayout { .. }) => "move it to another place, or set KIT_HOME to another folder",
        Some(store::Error::Index { .. }) => {
            "restore the file from a backup, or move the store to another place: the next `kit pull` makes a new one"
        }
        Some(store::Error::Io { .. }) => NOT_WRITABLE,
        _ => "run `kit fsck`",
    }
}

/// The folder, or the next one above it that exists.
fn existing(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|folder| folder.is_dir())
}

fn space(context: &Context) -> Check {
    const ADVICE: &str =
        "free some with `kit prune` and `kit cache clear`, or set KIT_HOME to a folder on another disk";
    match sys::free_bytes(&context.environment.store_folder()) {
        None => Check::fine("free space", "unknown"),
        Some(0) => Check::problem("free space", "none", ADVICE),
        Some(free) if free < LITTLE_SPACE => Check::warning("free space", human(free), ADVICE),
        Some(free) => Check::fine("free space", human(free)),
    }
}

fn configuration(context: &Context, config: Result<Config>) -> Check {
    let path = &context.environment.config_file.value;
    match config {
        Err(error) => {
            Check::problem("configuration", format!("{error:#}"), "correct the file, or delete it: there are defaults")
        }
        Ok(_) if !path.exists() => Check::fine("configuration", "no file, which is fine: there are defaults"),
        Ok(_) => Check::fine("configuration", tidy(path)),
    }
}

/// The texts of an error and its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn policies(context: &Context) -> Check {
    let policies = context.environment.policies();
    match policies.load() {
        Err(error) => {
            let advice = "everything that asks the policy fails; correct it, then run `kit policy test FILE`";
            Check::problem("policies", chain(&error), advice)
        }
        Ok([]) => Check::fine("policies", "none: every ModelKit is allowed"),
        Ok(loaded) => {
            let files: Vec<_> = loaded.iter().map(|loaded| loaded.policy.file.clone()).collect();
            Check::fine("policies", files.join(", "))
        }
    }
}

fn credentials(context: &Context) -> Vec<Check> {
    match context.environment.credentials().summaries() {
        Err(error) => vec![Check::problem("credentials", chain(&error), "correct or delete the file")],
        Ok(files) if files.is_empty() => {
            let advice = "for a registry that needs them, run `kit login REGISTRY`";
            vec![Check { advice: advice.to_owned(), ..Check::fine("credentials", "none") }]
        }
        Ok(files) => files.iter().map(of_file).collect(),
    }
}

fn of_file(file: &CredentialSummary) -> Check {
    let path = tidy(&file.path);
    let missing: Vec<_> = file.helpers.iter().filter(|helper| program_on_path(helper).is_none()).cloned().collect();
    let names = if file.registries.is_empty() { file.helpers.join(", ") } else { file.registries.join(", ") };
    let found = format!("{path}: {names}");
    if missing.is_empty() {
        return Check::fine("credentials", found);
    }
    Check::problem("credentials", found, format!("install {}, or remove it from the file", missing.join(", ")))
}

fn proxy(context: &Context) -> Check {
    match context.environment.proxy().summary() {
        Err(error) => Check::problem("proxy", chain(&error), "correct the variable"),
        Ok(proxies) if proxies.is_empty() => Check::fine("proxy", "none: HTTPS_PROXY is not set"),
        Ok(proxies) => Check::fine("proxy", proxies.join(", ")),
    }
}

/// Compares the clock with the time of the commit that the program was compiled from.
fn clock(now: Timestamp, built: &str) -> Check {
    let shown = now.round(jiff::Unit::Second).unwrap_or(now).to_string();
    match built.parse::<Timestamp>() {
        Ok(built) if now < built => {
            let advice = "set the clock: certificates and signatures are judged by it";
            Check::problem("clock", format!("{shown}, before this program was made"), advice)
        }
        Ok(built) if now.duration_since(built) > MANY_YEARS => {
            let advice = "set the clock if it is wrong; otherwise, install a newer kit";
            Check::warning("clock", format!("{shown}, more than ten years after this program was made"), advice)
        }
        _ => Check::fine("clock", shown),
    }
}

fn completion(context: &Context) -> Check {
    let Some(path) = setup::installed_completion(&context.environment.shell) else {
        let advice = "run `kit completion --install`".to_owned();
        return Check { advice, ..Check::fine("completion", "not installed") };
    };
    Check::fine("completion", tidy(&path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_far_from_the_build_is_reported() {
        let at = |text: &str| text.parse().unwrap();
        let state = |now: &str, built: &str| clock(at(now), built).state;
        assert_eq!(state("2026-11-29T00:00:00Z", "2026-11-28T10:00:00Z"), State::Fine);
        assert_eq!(state("1970-01-01T00:10:00Z", "2026-11-28T10:00:00Z"), State::Problem);
        assert_eq!(state("2036-11-28T00:00:00Z", "2026-11-28T10:00:00Z"), State::Fine);
        assert_eq!(state("2099-01-01T00:00:00Z", "2026-11-28T10:00:00Z"), State::Warning);
        // A release from an archive has no time.
        assert_eq!(state("1970-01-01T00:10:00Z", "release"), State::Fine);
    }
}
