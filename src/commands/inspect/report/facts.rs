//! The facts at the top of a report, in words, and the words that its formats share.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::commands::inspect::modelkit::short_count;
use crate::output::counted;
use kit_core::kitfile::Kitfile;
use kit_core::ops::{Report, ScanSummary, Standing, Version};
use kit_core::progress::human;

/// The meaning of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// As it should be.
    Good,
    /// Worth a look.
    Caution,
    /// A reason not to use the ModelKit.
    Bad,
    /// Without a judgement.
    Neutral,
}

/// A fact at the top of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fact {
    pub(super) label: &'static str,
    pub(super) value: String,
    pub(super) note: String,
    pub(super) tone: Tone,
}

/// The facts at the top of a report.
pub(super) fn facts(report: &Report) -> Vec<Fact> {
    vec![signature(report), license(report), scan(report), size(report), parameters(report), packed(report)]
}

fn fact(label: &'static str, value: impl Into<String>, note: impl Into<String>, tone: Tone) -> Fact {
    Fact { label, value: value.into(), note: note.into(), tone }
}

fn signature(report: &Report) -> Fact {
    let signatures: Vec<_> = report.signed.iter().filter(|document| document.is_signature()).collect();
    let verified = signatures.iter().find_map(|document| match &document.standing {
        Standing::Verified(signer) => Some(signer.to_string()),
        _ => None,
    });
    let is_unchecked = signatures.iter().any(|document| document.standing == Standing::Unchecked);
    let count = counted(signatures.len(), "signature");
    match verified {
        Some(signer) => fact("Signature", "Verified", format!("by {signer}"), Tone::Good),
        None if is_unchecked => fact("Signature", "Not checked", format!("{count}; no key was given"), Tone::Caution),
        None if signatures.is_empty() => {
            let note = match report.signed.len() {
                0 => "no signature is attached".to_owned(),
                attestations => format!("only {}", counted(attestations, "attestation")),
            };
            fact("Signature", "None", note, Tone::Caution)
        }
        None => fact("Signature", "Not verified", format!("{count}, none by a known signer"), Tone::Bad),
    }
}

/// The licence of the ModelKit as a whole.
pub(super) fn license_of(kitfile: &Kitfile) -> &str {
    let model = kitfile.model.as_ref().map_or("", |model| &model.license);
    if model.is_empty() { &kitfile.package.license } else { model }
}

fn license(report: &Report) -> Fact {
    let license = license_of(&report.inspected.modelkit.config.kitfile);
    let others = report.licenses.iter().filter_map(|part| part["text"].as_str()).filter(|text| *text != license);
    let mut others: Vec<_> = others.collect();
    others.sort_unstable();
    others.dedup();
    let note = match others.len() {
        0 => "as the Kitfile states it".to_owned(),
        count => format!("and {} of parts", counted(count, "other licence")),
    };
    if license.is_empty() {
        let found = report.licenses.iter().find_map(|part| part["file"]["license"].as_str());
        let note = found.map_or_else(|| "the Kitfile names none".to_owned(), |it| format!("a licence file: {it}"));
        return fact("Licence", "Not stated", note, Tone::Caution);
    }
    fact("Licence", license, note, Tone::Neutral)
}

fn scan(report: &Report) -> Fact {
    let best = report.scans.iter().find(|scan| scan.is_verified).or(report.scans.first());
    let Some(scan) = best else { return fact("Scan", "Not scanned", "no result is attached", Tone::Neutral) };
    let source = scan_source(scan);
    let count = counted(scan.findings().len(), "finding");
    match scan.level() {
        "clean" if scan.is_verified => fact("Scan", "Clean", source, Tone::Good),
        "clean" => fact("Scan", "Clean", source, Tone::Caution),
        "high" => fact("Scan", format!("High: {count}"), source, Tone::Bad),
        level => fact("Scan", format!("{}: {count}", capitalized(level)), source, Tone::Caution),
    }
}

/// The origin of the result of a scan.
pub(super) fn scan_source(scan: &ScanSummary) -> &'static str {
    match (scan.manifest, scan.is_verified) {
        (None, _) => "scanned for this report",
        (Some(_), true) => "a verified attestation",
        (Some(_), false) => "an attestation, not verified",
    }
}

fn size(report: &Report) -> Fact {
    let stored = report.parts.iter().filter(|part| part.media_type.is_some());
    let files: Option<u64> = stored.map(|part| part.files).sum();
    let layers = counted(report.inspected.modelkit.manifest.layers.len(), "layer");
    let note = files.map_or_else(|| layers.clone(), |files| format!("{} in {layers}", counted(files, "file")));
    fact("Size", human(report.size()), note, Tone::Neutral)
}

fn parameters(report: &Report) -> Fact {
    let Some(model) = report.largest_model() else {
        return fact("Parameters", "Unknown", "no header of weights was read", Tone::Neutral);
    };
    let types = model.summary.types.iter().take(2).map(|count| count.name).collect::<Vec<_>>().join(", ");
    let architecture = model.summary.hyperparameters.architecture.as_deref();
    let note = architecture.map_or_else(|| types.clone(), |architecture| format!("{architecture}, {types}"));
    fact("Parameters", short_count(model.summary.parameters), note, Tone::Neutral)
}

/// The version that the report is about.
pub(super) fn this_version(report: &Report) -> Option<&Version> {
    report.history.iter().find(|version| version.descriptor.digest == report.inspected.descriptor.digest)
}

fn packed(report: &Report) -> Fact {
    let record = this_version(report).and_then(|version| version.record.as_ref());
    let time = record.and_then(|record| record.time);
    let commit = record.and_then(|record| record.commit.as_ref());
    let commit = commit.map(|commit| {
        let changed = if commit.is_dirty == Some(true) { " with changes" } else { "" };
        format!("from commit {}{changed}", commit.id.chars().take(10).collect::<String>())
    });
    match time {
        Some(time) => {
            let note = commit.unwrap_or_else(|| time.strftime("%H:%M UTC").to_string());
            fact("Packed", time.strftime("%Y-%m-%d").to_string(), note, Tone::Neutral)
        }
        None => fact("Packed", "Unknown", "no provenance is attached", Tone::Neutral),
    }
}

/// The words for the standing of a signature or an attestation.
pub(super) fn standing(standing: &Standing) -> (Tone, &'static str, String) {
    match standing {
        Standing::Verified(signer) => (Tone::Good, "Verified", signer.to_string()),
        Standing::Unchecked => (Tone::Neutral, "Not checked", "no key was given".to_owned()),
        Standing::Refused(reason) => (Tone::Bad, "Does not count", reason.clone()),
    }
}

/// The word for a section of a Kitfile.
pub(super) fn section_word(section: Option<&str>) -> &'static str {
    match section {
        Some("model") => "Model",
        Some("model.parts") => "Model part",
        Some("datasets") => "Dataset",
        Some("code") => "Code",
        Some("docs") => "Docs",
        Some("prompts") => "Prompt",
        Some("mcpServers") => "MCP server",
        _ => "Other layer",
    }
}

/// The name of a version: its first tag, or the beginning of its digest.
pub(super) fn version_name(version: &Version) -> String {
    version.tags.first().cloned().unwrap_or_else(|| version.descriptor.digest.hex()[..8].to_owned())
}

/// The metrics of the ModelKit: those that the Kitfile states, then those of evaluations that the Kitfile lacks.
pub(super) fn metrics(report: &Report) -> BTreeMap<String, f64> {
    let mut metrics = this_version(report).map(|version| version.declared_metrics.clone()).unwrap_or_default();
    for evaluation in &report.evaluations {
        for (name, value) in &evaluation.metrics {
            metrics.entry(name.clone()).or_insert(*value);
        }
    }
    metrics
}

/// The name of a metric without the names of the groups that all metrics are in.
pub(super) fn metric_name(path: &str) -> &str {
    path.strip_prefix("metrics.").unwrap_or(path)
}

/// The parameters of the model that are neither metrics nor groups, each with its dotted name.
pub(super) fn parameters_of(kitfile: &Kitfile, metrics: &BTreeMap<String, f64>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if let Some(parameters) = kitfile.model.as_ref().and_then(|model| model.parameters.as_ref()) {
        flatten(String::new(), parameters, &mut found);
    }
    found.retain(|(name, _)| !metrics.contains_key(name));
    found
}

fn flatten(path: String, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            flatten(if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, value, found);
        }),
        Value::String(text) => found.push((path, text.clone())),
        other => found.push((path, other.to_string())),
    }
}

/// The text with a capital letter at its beginning.
pub(super) fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
