//! A shell script for vLLM, and a Modelfile for Ollama.

use anyhow::Result;

use super::settings::{Settings, below};
use crate::output::{Code, Failure};
use kit_core::ops::ServedModel;
use kit_core::relative_path::RelativePath;
use kit_core::tensors::Format;

/// The folder that the model is unpacked to, relative to the current one.
const FOLDER: &str = "model";

/// A shell script that unpacks the model, verifies it and serves it (vLLM, "vllm serve").
pub(super) fn vllm(settings: &Settings<'_>) -> Result<String> {
    let model = &settings.deployment.model;
    if model.format.is_none() {
        return Err(no_weights(settings, "vLLM"));
    }
    let mut lines = vec!["#!/bin/sh".to_owned()];
    lines.extend(comments(settings));
    lines.push("set -eu".to_owned());
    lines.extend(unpack(settings)?);
    if model.format == Some(Format::Gguf) {
        lines.push("# vLLM reads GGUF with the plugin vllm-gguf-plugin.".to_owned());
        lines.push("# Add --tokenizer with the tokenizer of the base model.".to_owned());
    }
    let mut command = vec![
        "exec vllm serve".to_owned(),
        quoted(&below(FOLDER, &model.path))?,
        format!("--served-model-name {}", quoted(&settings.object_name())?),
    ];
    command.extend(model.context_length.map(|length| format!("--max-model-len {length}")));
    if !model.adapters.is_empty() {
        command.push("--enable-lora --lora-modules".to_owned());
        for adapter in &model.adapters {
            let name = adapter.file_name().unwrap_or("adapter");
            command.push(quoted(&format!("{name}={}", below(FOLDER, adapter)))?);
        }
    }
    lines.push(command.join(" \\\n  "));
    Ok(lines.join("\n") + "\n")
}

/// A Modelfile (Ollama, "Modelfile Reference"). The comments contain the commands that create the model.
pub(super) fn ollama(settings: &Settings<'_>) -> Result<String> {
    let model = &settings.deployment.model;
    let mut lines = comments(settings);
    lines.push("# Save this as Modelfile, then run:".to_owned());
    lines.extend(unpack(settings)?.into_iter().map(|line| format!("#   {line}")));
    lines.push(format!("#   ollama create {} -f Modelfile", settings.object_name()));
    match model.format {
        // The shards of a model, each in a line.
        Some(Format::Gguf) => {
            for file in &model.files {
                lines.push(instruction("FROM", file)?);
            }
        }
        Some(Format::Safetensors) => lines.push(instruction("FROM", &model.path)?),
        None => return Err(no_weights(settings, "Ollama")),
    }
    for adapter in &model.adapters {
        lines.push(instruction("ADAPTER", adapter)?);
    }
    lines.extend(model.context_length.map(|length| format!("PARAMETER num_ctx {length}")));
    let license = license(settings);
    if !license.is_empty() && !license.contains("\"\"\"") {
        lines.push(format!("LICENSE \"\"\"{license}\"\"\""));
    }
    Ok(lines.join("\n") + "\n")
}

fn comments(settings: &Settings<'_>) -> Vec<String> {
    settings.head().iter().map(|line| format!("# {line}")).collect()
}

fn license<'a>(settings: &Settings<'a>) -> &'a str {
    let kitfile = &settings.deployment.kitfile;
    let of_model = kitfile.model.as_ref().map_or("", |model| &model.license);
    if of_model.is_empty() { &kitfile.package.license } else { of_model }
}

fn instruction(word: &str, path: &RelativePath) -> Result<String> {
    Ok(format!("{word} ./{}", plain(&below(FOLDER, path))?))
}

/// The commands that unpack the model and verify it.
fn unpack(settings: &Settings<'_>) -> Result<[String; 2]> {
    let deployment = settings.deployment;
    let reference = match &deployment.repository {
        Some(repository) => repository.with_digest(deployment.digest).to_string(),
        None => settings.title.clone(),
    };
    let reference = quoted(&reference)?;
    Ok([
        format!("kit unpack {reference} --dir {FOLDER} --filter model"),
        format!("kit verify {FOLDER} {reference} --filter model"),
    ])
}

fn no_weights(settings: &Settings<'_>, server: &str) -> anyhow::Error {
    let ServedModel { path, .. } = &settings.deployment.model;
    let problem = format!("`{}` has no safetensors or GGUF files that {server} can serve", settings.title);
    let found = if path.is_root() { String::new() } else { format!("; its model is `{path}`") };
    Failure::error(Code::NotFound, format!("{problem}{found}"))
}

/// Quotes `text` for a shell.
fn quoted(text: &str) -> Result<String> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:@=,+".contains(letter);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(is_plain) {
        return Ok(text.to_owned());
    }
    Ok(format!("'{}'", plain(text)?.replace('\'', r"'\''")))
}

/// Refuses a text that would be more than one line.
fn plain(text: &str) -> Result<&str> {
    if text.chars().any(char::is_control) {
        let problem = format!("the name {text:?} has control characters, which the output cannot contain");
        return Err(Failure::error(Code::Refused, problem));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn names_cannot_become_commands() {
        for (text, expected) in [
            ("model/net.gguf", "model/net.gguf"),
            ("my model", "'my model'"),
            ("$(rm -rf ~)", "'$(rm -rf ~)'"),
            ("it's", r"'it'\''s'"),
            ("-rf", "'-rf'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(text).unwrap(), expected, "{text}");
        }
        assert!(quoted("a\nrm").is_err());
    }
}
