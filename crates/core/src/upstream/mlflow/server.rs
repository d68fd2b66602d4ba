//! The requests to a tracking server. Files are read through it, as it can reach the places where they are.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;

use super::address::Subject;
use super::answers::{FileAnswer, FilesAnswer, LoggedAnswer, ModelVersion, PlaceAnswer, Run, RunAnswer, VersionAnswer};
use super::error::Error;
use crate::digest::Digest;
use crate::oci::{Content, ContentError, Descriptor, MediaType};
use crate::registry::{self, Client, Credentials, HttpRequest, HttpService};
use crate::relative_path::RelativePath;

/// A tracking server.
pub struct MlflowServer {
    site: HttpService,
    /// Its URL, without secrets.
    url: String,
}

/// A folder of files on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Artifacts {
    /// The files of a run, at or below a path.
    OfRun {
        /// The identifier of the run.
        run: String,
        /// The path below the files of the run.
        path: RelativePath,
    },
    /// A folder in the store of files behind the server (`mlflow-artifacts:/PATH`).
    Proxied(RelativePath),
}

/// A file on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactFile {
    /// The path below the folder.
    pub path: RelativePath,
    /// The size in bytes.
    pub size: u64,
}

const ANSWER_LIMIT: u64 = 32 * 1024 * 1024;
/// The largest number of files and folders of a run. More of them are data.
const MOST_FILES: usize = 100_000;
const API: &str = "api/2.0";

impl MlflowServer {
    /// The server at `url`. Nothing is sent yet.
    pub fn new(client: &Client, url: &str, credentials: Option<&Credentials>) -> Result<Self, registry::Error> {
        Ok(Self { site: client.site(url, credentials)?, url: url.trim_end_matches('/').to_owned() })
    }

    /// The URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The number of files to read at once.
    pub fn concurrency(&self) -> usize {
        self.site.concurrency()
    }

    /// Returns a run, which must have finished.
    pub fn run(&self, id: &str) -> Result<Run, Error> {
        let subject = format!("runs:/{id}");
        let RunAnswer { run } = self.get("mlflow/runs/get", &[("run_id", id)], &subject)?;
        expect(&subject, &run.info.status, "FINISHED", "finished runs")?;
        Ok(run)
    }

    /// Returns the version of a registered model that `subject` names; `None` if it does not name one.
    pub fn version(&self, subject: &Subject) -> Result<Option<ModelVersion>, Error> {
        let name = subject.to_string();
        let VersionAnswer { model_version } = match subject {
            Subject::Version { name: model, version } => {
                self.get("mlflow/model-versions/get", &[("name", model), ("version", version)], &name)?
            }
            Subject::Alias { name: model, alias } => {
                self.get("mlflow/registered-models/alias", &[("name", model), ("alias", alias)], &name)?
            }
            Subject::Run { .. } | Subject::Logged { .. } => return Ok(None),
        };
        expect(&name, &model_version.status, "READY", "complete versions")?;
        Ok(Some(model_version))
    }

    /// Returns the files of a version of a registered model.
    pub fn files_of_version(&self, version: &ModelVersion) -> Result<Artifacts, Error> {
        let ModelVersion { name, version, run_id, .. } = version;
        let subject = format!("models:/{name}/{version}");
        let query = [("name", name.as_str()), ("version", version)];
        let PlaceAnswer { artifact_uri } = self.get("mlflow/model-versions/get-download-uri", &query, &subject)?;
        self.place(&artifact_uri, run_id)
    }

    /// Returns the name, the run and the files of a logged model.
    pub fn logged(&self, id: &str) -> Result<(String, String, Artifacts), Error> {
        let LoggedAnswer { model } = self.get(&format!("mlflow/logged-models/{id}"), &[], &format!("models:/{id}"))?;
        expect(&format!("models:/{id}"), &model.info.status, "LOGGED_MODEL_READY", "complete models")?;
        let files = self.place(&model.info.artifact_uri, &model.info.source_run_id)?;
        Ok((model.info.name, model.info.source_run_id, files))
    }

    /// The files of a run.
    pub fn files_of_run(run: &Run) -> Artifacts {
        match proxied(&run.info.artifact_uri) {
            Some(path) => Artifacts::Proxied(path),
            None => Artifacts::OfRun { run: run.info.run_id.clone(), path: RelativePath::root() },
        }
    }

    /// Finds the files at `uri`. Files in a place that only the server reaches are read as files of the run.
    fn place(&self, uri: &str, run: &str) -> Result<Artifacts, Error> {
        let elsewhere = || Error::Elsewhere(crate::provenance::without_secrets(uri));
        if let Some(path) = proxied(uri) {
            return Ok(Artifacts::Proxied(path));
        }
        if let Some((run, path)) = uri.strip_prefix("runs:/").and_then(|rest| rest.split_once('/')) {
            return Ok(Artifacts::OfRun { run: run.to_owned(), path: path.parse().map_err(|_| elsewhere())? });
        }
        if let Some(id) = uri.strip_prefix("models:/").filter(|id| id.starts_with("m-") && !id.contains('/')) {
            let LoggedAnswer { model } = self.get(&format!("mlflow/logged-models/{id}"), &[], uri)?;
            return proxied(&model.info.artifact_uri).map(Artifacts::Proxied).ok_or_else(elsewhere);
        }
        if run.is_empty() {
            return Err(elsewhere());
        }
        let found = self.run(run)?;
        let below = uri.strip_prefix(&found.info.artifact_uri).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let path = below.and_then(|rest| rest.trim_start_matches('/').parse().ok()).ok_or_else(elsewhere)?;
        Ok(Artifacts::OfRun { run: run.to_owned(), path })
    }

    /// Lists all files of a folder, sorted by path.
    pub fn list(&self, artifacts: &Artifacts) -> Result<Vec<ArtifactFile>, Error> {
        let (mut files, mut folders, mut count) = (Vec::new(), vec![RelativePath::root()], 0);
        while let Some(folder) = folders.pop() {
            for entry in self.list_folder(artifacts, &folder)? {
                let path: RelativePath = entry.path.parse().map_err(|error| self.wrong(&format!("{error}")))?;
                let is_below = path.starts_with(&folder) && path != folder;
                // MLflow leaves out the size of an empty file.
                let size = u64::try_from(entry.file_size.unwrap_or_default()).unwrap_or_default();
                match (is_below, entry.is_dir) {
                    (true, true) => folders.push(path),
                    (true, false) => files.push(ArtifactFile { path, size }),
                    (false, _) => return Err(self.wrong(&format!("`{path}` is not in its folder"))),
                }
                count += 1;
                if count > MOST_FILES {
                    return Err(self.wrong(&format!("there are more than {MOST_FILES} files")));
                }
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// Lists one folder. The paths of the entries are below `artifacts`.
    fn list_folder(&self, artifacts: &Artifacts, folder: &RelativePath) -> Result<Vec<FileAnswer>, Error> {
        let mut entries = Vec::new();
        let mut token = String::new();
        loop {
            let page: FilesAnswer = match artifacts {
                Artifacts::OfRun { run, path } => {
                    let whole = joined(path, folder.as_str());
                    let query = [("run_id", run.as_str()), ("path", &whole), ("page_token", &token)];
                    let query: Vec<_> = query.into_iter().filter(|(_, value)| !value.is_empty()).collect();
                    let mut page: FilesAnswer = self.get("mlflow/artifacts/list", &query, &format!("runs:/{run}"))?;
                    page.files.iter_mut().for_each(|entry| entry.path = without_prefix(&entry.path, path.as_str()));
                    page
                }
                Artifacts::Proxied(path) => {
                    let whole = joined(path, folder.as_str());
                    let subject = format!("mlflow-artifacts:/{whole}");
                    let mut page: FilesAnswer =
                        self.get("mlflow-artifacts/artifacts", &[("path", &whole)], &subject)?;
                    page.files.iter_mut().for_each(|entry| entry.path = joined(folder, &entry.path));
                    page
                }
            };
            entries.extend(page.files);
            // An endless list ends with the limit of files.
            if page.next_page_token.is_empty() || page.next_page_token == token || entries.len() > MOST_FILES {
                return Ok(entries);
            }
            token = page.next_page_token;
        }
    }

    /// The content of a file. The server does not know its digest.
    pub fn content(&self, artifacts: &Artifacts, file: &ArtifactFile) -> impl Content + use<> {
        // Only messages use the digest. The digest of its name identifies the file.
        let digest = Digest::of(file.path.as_str().as_bytes());
        let descriptor = Descriptor::new(MediaType::of("application/octet-stream"), digest, file.size);
        self.site.content(&of_file(artifacts, file), &descriptor)
    }

    /// Checks that a file is empty, of which no size is known or the size is 0.
    pub fn expect_empty(&self, artifacts: &Artifacts, file: &ArtifactFile) -> Result<(), Error> {
        self.site.read(&of_file(artifacts, file), 0).map(drop).map_err(|source| self.failed(source))
    }

    /// The error of a file whose content could not be read.
    pub fn unread(&self, file: &ArtifactFile, source: ContentError) -> Error {
        Error::File { path: file.path.clone(), host: self.site.host(), source: Box::new(source) }
    }

    fn get<T: DeserializeOwned>(&self, path: &str, pairs: &[(&str, &str)], subject: &str) -> Result<T, Error> {
        let words = format!("{API}/{path}").split('/').map(str::to_owned).collect();
        let question = question(words, Some(query(pairs)), subject);
        let answer = self.site.read(&question, ANSWER_LIMIT).map_err(|source| self.failed(source))?;
        serde_json::from_slice(&answer).map_err(|error| self.wrong(&error.to_string()))
    }

    fn failed(&self, source: registry::Error) -> Error {
        let host = self.site.host();
        match source {
            registry::Error::NoCredentials { .. }
            | registry::Error::NoChallenge { .. }
            | registry::Error::Unauthorized { .. }
            | registry::Error::Denied { .. } => Error::Refused { host, source: Box::new(source) },
            source => Error::Request { host, source: Box::new(source) },
        }
    }

    fn wrong(&self, problem: &str) -> Error {
        Error::Answer { host: self.site.host(), problem: problem.to_owned() }
    }
}

fn expect(subject: &str, status: &str, expected: &str, kind: &'static str) -> Result<(), Error> {
    if status == expected {
        return Ok(());
    }
    Err(Error::Unfinished { subject: subject.to_owned(), status: status.to_owned(), expected: kind })
}

/// The path in `mlflow-artifacts:/PATH`. With a host, the files are behind another server.
fn proxied(uri: &str) -> Option<RelativePath> {
    let path = uri.strip_prefix("mlflow-artifacts:/").filter(|path| !path.starts_with('/'))?;
    path.parse().ok()
}

/// The request for a file.
fn of_file(artifacts: &Artifacts, file: &ArtifactFile) -> HttpRequest {
    match artifacts {
        Artifacts::OfRun { run, path } => {
            let path = joined(path, file.path.as_str());
            let query = query(&[("run_id", run), ("path", &path)]);
            question(vec!["get-artifact".to_owned()], Some(query), &path)
        }
        Artifacts::Proxied(path) => {
            let path = joined(path, file.path.as_str());
            let words = [API, "mlflow-artifacts/artifacts", &path].join("/");
            question(words.split('/').map(str::to_owned).collect(), None, &path)
        }
    }
}

fn question(path: Vec<String>, query: Option<String>, subject: &str) -> HttpRequest {
    HttpRequest { path, query, attempt: format!("read `{subject}`"), subject: subject.to_owned() }
}

fn query(pairs: &[(&str, &str)]) -> String {
    let pairs = pairs.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Joins two paths, either of which may be the root.
fn joined(folder: &RelativePath, path: &str) -> String {
    match (folder.is_root(), path) {
        (true, "." | "") => String::new(),
        (true, path) => path.to_owned(),
        (false, "." | "") => folder.as_str().to_owned(),
        (false, path) => format!("{folder}/{path}"),
    }
}

/// Removes the folder `prefix` from the beginning of `path`. A path elsewhere stays as it is, and is refused later.
fn without_prefix(path: &str, prefix: &str) -> String {
    path.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/')).unwrap_or(path).to_owned()
}
