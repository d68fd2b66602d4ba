//! Readers of single values of `config.toml`. Each returns `None` if the value is not valid.

use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use toml::de::DeValue;

use super::file::{Decoder, Value};
use crate::arguments::Size;
use kit_core::registry::{Mirror, UploadForm};

/// Reads a time such as `10m` or `1h 30m`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, &'static str> {
    let duration = text.parse::<SignedDuration>().ok().and_then(|duration| Duration::try_from(duration).ok());
    duration.ok_or("not a time; write one such as 90s, 10m or 1h30m")
}

/// Reads a path. A relative one refers to the folder of the file.
pub(super) fn path(decoder: &Decoder<'_>, value: &Value<'_>) -> Option<PathBuf> {
    value.get_ref().as_str().filter(|text| !text.is_empty()).map(|text| decoder.folder.join(text))
}

/// Reads a list of paths.
pub(super) fn paths(decoder: &Decoder<'_>, value: &Value<'_>) -> Option<Vec<PathBuf>> {
    value.get_ref().as_array()?.iter().map(|item| path(decoder, item)).collect()
}

/// Reads a list of mirrors. Each invalid URL is reported separately.
pub(super) fn mirrors(decoder: &mut Decoder<'_>, section: &str, value: &Value<'_>) -> Option<Vec<Mirror>> {
    let mut mirrors = Vec::new();
    for item in value.get_ref().as_array()? {
        match item.get_ref().as_str()?.parse() {
            Ok(mirror) => mirrors.push(mirror),
            Err(error) => decoder.complain(item.span(), section, format!("`mirrors`: {error}")),
        }
    }
    Some(mirrors)
}

/// Reads a number of connections.
pub(super) fn connections(value: &Value<'_>) -> Option<u16> {
    let number = value.get_ref().as_integer()?;
    u16::from_str_radix(number.as_str(), number.radix()).ok().filter(|count| *count > 0)
}

/// Reads a time.
pub(super) fn duration(value: &Value<'_>) -> Option<Duration> {
    parse_duration(value.get_ref().as_str()?).ok()
}

/// Reads the form of uploads.
pub(super) fn upload(value: &Value<'_>) -> Option<UploadForm> {
    match value.get_ref() {
        DeValue::String(text) if text == "whole" => Some(UploadForm::Whole),
        DeValue::String(text) if text == "parts" => Some(UploadForm::Parts(None)),
        DeValue::Table(table) if table.len() == 1 => {
            Some(UploadForm::Parts(Some(size(table.get("parts")?.get_ref().as_str()?)?)))
        }
        _ => None,
    }
}

/// Reads a size of at least 1 MiB: with smaller parts, a large blob would take more requests than any registry
/// accepts.
fn size(text: &str) -> Option<u64> {
    text.parse::<Size>().ok().map(|size| size.0).filter(|size| *size >= 1 << 20)
}
