//! The news as JSON.

use anyhow::Result;
use serde_json::{Value, json};

use super::parts::{News, Part};
use crate::commands::inspect::diff::reason_data;
use crate::output::to_json;
use kit_core::verdict::{Level, Reason, Verdict};

pub(super) fn render(news: &News<'_>) -> Result<String> {
    let difference = &news.assessed.difference;
    let verdict = |verdict: &Verdict<'_>| json!({ "role": verdict.role.word(), "level": verdict.level.word() });
    let data = json!({
        "since": { "reference": news.names.0, "digest": difference.first.manifest },
        "version": { "reference": news.names.1, "digest": difference.second.manifest },
        "verdicts": news.verdicts.iter().map(verdict).collect::<Value>(),
        "parts": news.parts.iter().map(|part| part_data(part, news)).collect::<Value>(),
        "unknown": news.assessed.unknown,
    });
    Ok(to_json(&data)? + "\n")
}

fn part_data(part: &Part<'_>, news: &News<'_>) -> Value {
    let reason = |(level, reason): &(Level, &Reason)| reason_data(*level, None, reason, news.assessed);
    json!({
        "owner": part.owner.map(ToString::to_string),
        "level": part.level.word(),
        "reasons": part.reasons.iter().map(reason).collect::<Value>(),
        "fields": part.fields.iter().map(|field| &field.path).collect::<Vec<_>>(),
        "files": part.files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(),
    })
}
