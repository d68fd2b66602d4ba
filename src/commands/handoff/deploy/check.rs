//! The differences between a manifest and a ModelKit, as a table and as JSON.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::context::Context;
use crate::output::{Code, Failure, Format, counted, table};
use kit_core::limits;
use kit_core::ops::{Deployment, DeploymentDrift, check_manifest};
use kit_core::progress::human;
use kit_core::yaml;

/// Compares the manifest `file` with the ModelKit, prints the differences, and fails if there are any.
pub(super) fn check(
    context: &Context,
    (file, title): (&Path, &str),
    deployment: &Deployment,
    format: &Format,
) -> Result<()> {
    let is_input = file == Path::new("-");
    let name = if is_input { "standard input".to_owned() } else { format!("`{}`", file.display()) };
    let text = read(context, file, is_input).with_context(|| format!("cannot read {name}"))?;
    let documents =
        yaml::values(&text).map_err(|problem| Failure::error(Code::Failed, format!("{name}: {problem}")))?;
    let drifts = check_manifest(&documents, deployment);
    let rows: Vec<_> = drifts.iter().map(|drift| row(drift, deployment)).collect();
    let render = || if rows.is_empty() { String::new() } else { table::render(HEADINGS, &rows) };
    context.output.result(format.render(&to_json(&drifts, deployment), render)?)?;
    match drifts.len() {
        0 => {
            context.output.say(&format!("{name} matches `{title}`"));
            Ok(())
        }
        count => {
            let differences = counted(count, "difference");
            Err(Failure::error(Code::Differs, format!("{name} differs from `{title}`: {differences}")))
        }
    }
}

fn read(context: &Context, file: &Path, is_input: bool) -> Result<String> {
    let limit = limits::MANIFEST_BYTES;
    let mut text = String::new();
    if is_input {
        std::io::stdin().lock().take(limit + 1).read_to_string(&mut text)?;
    } else {
        let file = fs_err::File::open(context.environment.absolute(file))?;
        file.take(limit + 1).read_to_string(&mut text)?;
    }
    if text.len() as u64 > limit {
        return Err(Failure::error(Code::Failed, format!("a manifest has at most {}", human(limit))));
    }
    Ok(text)
}

const HEADINGS: [&str; 4] = ["DRIFT", "PLACE", "EXPECTED", "FOUND"];

fn row(drift: &DeploymentDrift, deployment: &Deployment) -> [String; 4] {
    let (place, expected, found) = values(drift, deployment);
    [word(drift), &place, &expected, &found].map(ToString::to_string)
}

fn word(drift: &DeploymentDrift) -> &'static str {
    match drift {
        DeploymentDrift::NotNamed => "notNamed",
        DeploymentDrift::OtherDigest { .. } => "otherDigest",
        DeploymentDrift::NotPinned { .. } => "notPinned",
        DeploymentDrift::TooLittleMemory { .. } => "tooLittleMemory",
    }
}

/// The place, the expected and the found value.
fn values(drift: &DeploymentDrift, deployment: &Deployment) -> (String, String, String) {
    let digest = deployment.digest.to_string();
    match drift {
        DeploymentDrift::NotNamed => {
            let repository = deployment.repository.as_ref().map(ToString::to_string).unwrap_or_default();
            ("-".to_owned(), repository, "-".to_owned())
        }
        DeploymentDrift::OtherDigest { place, found } => (place.clone(), digest, found.to_string()),
        DeploymentDrift::NotPinned { place, tag } => (place.clone(), digest, tag.to_string()),
        DeploymentDrift::TooLittleMemory { place, found, needed } => (place.clone(), human(*needed), human(*found)),
    }
}

fn to_json(drifts: &[DeploymentDrift], deployment: &Deployment) -> Value {
    let difference = |drift: &DeploymentDrift| {
        let (place, expected, found) = values(drift, deployment);
        json!({ "kind": word(drift), "place": place, "expected": expected, "found": found })
    };
    json!({
        "equal": drifts.is_empty(),
        "digest": deployment.digest,
        "imageDigest": deployment.image,
        "differences": drifts.iter().map(difference).collect::<Value>(),
    })
}
