//! Import of an MLflow folder, once it is known to be one, and of a run or a model from a tracking server.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;

use super::done::say_saved;
use super::origin::Tool;
use crate::commands::create::pack::copy;
use crate::context::Context;
use crate::output::{Moved, usage};
use kit_core::ops::{self, Location, MlflowFolder, PackOptions, Session};
use kit_core::registry::{Client, Credentials};
use kit_core::upstream::mlflow::{MlflowAddress, MlflowServer, Subject};

/// The place of an MLflow run or model.
pub(super) enum Place {
    Folder(PathBuf),
    Server(MlflowAddress),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.display().fmt(f),
            Self::Server(address) => address.subject.fmt(f),
        }
    }
}

/// The place of the MLflow run or model, if `text` names one.
pub(super) fn place(context: &Context, text: &str, given: Option<Tool>) -> Result<Option<Place>> {
    let is_page = given == Some(Tool::Mlflow) && text.contains("/#/");
    if is_page || given.is_none_or(|tool| tool == Tool::Mlflow) && MlflowAddress::is_meant(text) {
        return Ok(Some(Place::Server(MlflowAddress::parse(text).map_err(|error| usage(error.to_string()))?)));
    }
    let is_address = text.contains("://");
    let folder = context.environment.absolute(Path::new(text));
    match given {
        Some(Tool::Mlflow) if is_address => Err(usage(
            "the address of an MLflow run is mlflow://HOST/runs/ID, and that of a model \
             mlflow://HOST/models/NAME/VERSION",
        )),
        Some(Tool::Mlflow) => Ok(Some(Place::Folder(folder))),
        None if !is_address && ops::is_mlflow(&folder) => Ok(Some(Place::Folder(folder))),
        _ => Ok(None),
    }
}

/// The tracking server if nothing names another one.
const LOCAL_SERVER: &str = "http://localhost:5000";

/// Downloads a run or a model from its tracking server.
pub(super) fn download(
    context: &Context,
    client: &Client,
    address: &MlflowAddress,
    token: Option<&str>,
) -> Result<MlflowFolder> {
    let settings = &context.environment.mlflow;
    let url = settings.server_for(address.server.as_deref())?.unwrap_or_else(|| LOCAL_SERVER.to_owned());
    let token = token.map(|token| Credentials::Bearer(token.to_owned()));
    let credentials = token.as_ref().or(settings.credentials.as_ref());
    let server = MlflowServer::new(client, &url, credentials)?;
    context.output.say(&format!("Importing {} from {}", address.subject, server.url()));
    Ok(MlflowFolder::download(&server, &address.subject, &context.environment.imports_folder(), &context.bars)?)
}

/// The default name of the ModelKit: the words of the MLflow name, without characters that a repository cannot have.
/// For a run from a server, as in KitOps, it comes after `mlflow-expEXPERIMENT/` if the address names the experiment,
/// or else `mlflow/`.
pub(super) fn name(found: &MlflowFolder, address: Option<&MlflowAddress>) -> String {
    let name = words(&found.name());
    match address.map(|address| &address.subject) {
        None => name,
        Some(Subject::Run { experiment: Some(experiment), .. }) => format!("mlflow-exp{}/{name}", words(experiment)),
        Some(_) => format!("mlflow/{name}"),
    }
}

pub(super) fn words(name: &str) -> String {
    let words: Vec<_> = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "model".to_owned() } else { words.join("-") }
}

pub(super) fn say(context: &Context, found: &MlflowFolder) {
    let of = found.run_id().map(|id| format!(" (run {id})")).unwrap_or_default();
    context.output.say(&format!("Importing {}{of}", found.name()));
}

/// Packs it into the local store.
pub(super) fn save(context: &Context, session: &Session<'_>, pack: &PackOptions, start: Instant) -> Result<()> {
    let packed = ops::pack(session, pack)?;
    say_saved(context, &pack.references, &packed, start)
}

/// Packs it into a registry or an image layout.
pub(super) fn push(
    context: &Context,
    session: &Session<'_>,
    pack: &PackOptions,
    destination: &Location,
    start: Instant,
) -> Result<()> {
    let copied = copy(session, pack, destination, &[])?.copied;
    let digest = copied.manifest.digest;
    let names = [destination.to_string()];
    context.receipt.made(&context.output, ("pushed", digest), &names, format!("Pushed {digest}"))?;
    context.receipt.copied(&copied);
    context.output.say(&Moved::sent(&copied).in_words(start));
    Ok(())
}
