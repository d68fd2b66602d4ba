//! A run or a model of a tracking server: its files are downloaded into a folder, which is then packed like a local
//! one.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use fs_err as fs;
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::run::MlflowFolder;
use crate::draft::{MlflowRun, mlflow_value};
use crate::oci::{Content as _, ContentError};
use crate::ops::files::buffer;
use crate::ops::import::error::ImportError;
use crate::ops::workers;
use crate::progress::{Phase, Progress, Task};
use crate::upstream::mlflow::{self, ArtifactFile, Artifacts, MlflowServer, ModelVersion, Pair, Run, Subject};

/// The identity of a run or a model on its server, and the folder with its files, which is removed in the end.
#[derive(Debug, Clone)]
pub(super) struct Tracked {
    /// The URL of the server.
    server: String,
    /// The run or model that the user named.
    subject: Subject,
    /// The run; empty if a model does not belong to one.
    run: Run,
    /// The registered model.
    version: Option<ModelVersion>,
    downloaded: Arc<TempDir>,
}

/// A subject, found on the server.
struct Located {
    run: Run,
    /// The name of the model.
    name: Option<String>,
    version: Option<ModelVersion>,
    artifacts: Artifacts,
}

impl MlflowFolder {
    /// Downloads the files of a run or a model into a new folder below `imports`.
    pub fn download(
        server: &MlflowServer,
        subject: &Subject,
        imports: &Path,
        progress: &dyn Progress,
    ) -> Result<Self, ImportError> {
        let Located { run, name, version, artifacts } = find(server, subject)?;
        let files = server.list(&artifacts)?;
        if files.is_empty() {
            return Err(mlflow::Error::NoFiles(subject.to_string()).into());
        }
        fs::create_dir_all(imports)?;
        let downloaded = Arc::new(tempfile::Builder::new().prefix("mlflow-").tempdir_in(imports)?);
        let whole =
            &*progress.start(Phase::Downloading, &subject.to_string(), Some(files.iter().map(|it| it.size).sum()));
        workers::run(server.concurrency(), &files, |file| save(server, &artifacts, file, downloaded.path(), whole))?;
        let info = &run.info;
        let identity = MlflowRun {
            id: info.run_id.clone(),
            name: name.unwrap_or_else(|| info.run_name.clone()),
            user: info.user_id.clone(),
        };
        let tags = run.data.tags.iter().map(|Pair { key, value }| (key.clone(), value.clone())).collect();
        let (server, subject) = (server.url().to_owned(), subject.clone());
        let tracked = Tracked { server, subject, run, version, downloaded };
        Ok(Self::of_server(identity, tags, tracked))
    }
}

fn find(server: &MlflowServer, subject: &Subject) -> Result<Located, ImportError> {
    let run_of = |id: &str| if id.is_empty() { Ok(Run::default()) } else { server.run(id) };
    if let Subject::Run { id, .. } = subject {
        let run = server.run(id)?;
        let artifacts = MlflowServer::files_of_run(&run);
        return Ok(Located { run, name: None, version: None, artifacts });
    }
    if let Subject::Logged { id } = subject {
        let (name, run, artifacts) = server.logged(id)?;
        return Ok(Located { run: run_of(&run)?, name: Some(name), version: None, artifacts });
    }
    let version = server.version(subject)?.expect("all other subjects are versions of a model");
    let artifacts = server.files_of_version(&version)?;
    Ok(Located { run: run_of(&version.run_id)?, name: Some(version.name.clone()), version: Some(version), artifacts })
}

fn save(
    server: &MlflowServer,
    artifacts: &Artifacts,
    file: &ArtifactFile,
    folder: &Path,
    task: &dyn Task,
) -> Result<(), ImportError> {
    let path = file.path.join_to(folder);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    if file.size == 0 {
        server.expect_empty(artifacts, file)?;
        fs::File::create_new(&path)?;
        return Ok(());
    }
    let failed = |error: ContentError| server.unread(file, error);
    let content = server.content(artifacts, file);
    let mut reader = content.open_at(0).map_err(failed)?;
    let mut target = fs::File::create_new(&path)?;
    let (mut buffer, mut size) = (buffer(Some(file.size)), 0_u64);
    loop {
        let count = reader.read(&mut buffer).map_err(|error| failed(error.into()))?;
        if count == 0 {
            break;
        }
        target.write_all(&buffer[..count])?;
        size += count as u64;
        task.advance(count as u64);
    }
    if size == file.size {
        Ok(())
    } else {
        Err(mlflow::Error::Size { path: file.path.clone(), size, expected: file.size }.into())
    }
}

impl Tracked {
    /// The folder with the files.
    pub(super) fn folder(&self) -> &Path {
        self.downloaded.path()
    }

    /// The address of the page about the run or the model, as a source.
    pub(super) fn uri(&self) -> String {
        let Self { server, subject, run, version, .. } = self;
        match (subject, version) {
            (_, Some(ModelVersion { name, version, .. })) => {
                format!("mlflow+{server}/#/models/{}/versions/{version}", utf8_percent_encode(name, NON_ALPHANUMERIC))
            }
            (Subject::Logged { id }, None) => format!("mlflow+{server}/#/models/{id}"),
            _ => format!("mlflow+{server}/#/experiments/{}/runs/{}", run.info.experiment_id, run.info.run_id),
        }
    }

    /// The identifier of the experiment.
    pub(super) fn experiment(&self) -> &str {
        &self.run.info.experiment_id
    }

    /// The description of the package, as KitOps writes it.
    pub(super) fn description(&self) -> String {
        let (info, server) = (&self.run.info, &self.server);
        if !matches!(self.subject, Subject::Run { .. }) {
            return format!("Imported from MLFlow model {} — tracking server {server}", self.subject);
        }
        format!(
            "Imported from MLFlow run {} — ({}) — experiment {} — tracking server {server}",
            info.run_id, info.run_name, info.experiment_id
        )
    }

    /// The version of the package: the end of the run.
    pub(super) fn package_version(&self) -> Option<String> {
        let end = Timestamp::from_millisecond(self.run.info.end_time?).ok()?;
        Some(end.strftime("%Y%m%d%H%M%S").to_string())
    }

    /// The parameters of the model, as KitOps writes them. `params` are the parameters of the run without secrets.
    pub(super) fn parameters(&self, params: impl Iterator<Item = (String, String)>) -> Value {
        let info = &self.run.info;
        let metrics = self.run.data.metrics.iter().map(|Pair { key, value }| (key.clone(), value.clone()));
        let mut fields = Map::from_iter([
            ("mlflow_tracking_uri".to_owned(), json!(self.server)),
            ("mlflow_run_id".to_owned(), json!(info.run_id)),
            ("mlflow_run_name".to_owned(), json!(info.run_name)),
            ("mlflow_experiment_id".to_owned(), json!(info.experiment_id)),
            ("mlflow_run_status".to_owned(), json!(info.status)),
        ]);
        let times = [("mlflow_start_time", info.start_time), ("mlflow_end_time", info.end_time)];
        let times = times.into_iter().filter_map(|(name, time)| Some((name, Timestamp::from_millisecond(time?).ok()?)));
        fields.extend(times.map(|(name, time)| (name.to_owned(), json!(time.to_string()))));
        fields.retain(|_, value| value != "");
        fields.insert("mlflow_metrics".to_owned(), Value::Object(metrics.collect()));
        let params = params.map(|(name, text)| (name, mlflow_value(&text)));
        fields.insert("mlflow_params".to_owned(), Value::Object(params.collect()));
        if let Some(ModelVersion { name, version, .. }) = &self.version {
            fields.insert("mlflow_model_name".to_owned(), json!(name));
            fields.insert("mlflow_model_version".to_owned(), json!(version));
        }
        json!({ "mlflow_provenance": fields })
    }

    /// The parameters of the run.
    pub(super) fn params(&self) -> BTreeMap<String, String> {
        self.run.data.params.iter().map(|Pair { key, value }| (key.clone(), value.clone())).collect()
    }
}
