//! Imports a folder of MLflow: a run, with parameters, metrics, tags and artifacts, or a model. A local folder is
//! packed in place.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fs_err as fs;
use serde_json::{Map, Value};

use super::files::{is_file, read, read_all};
use super::tracked::Tracked;
use crate::draft::{self, Found, FoundKind, Hints, MlflowModel, MlflowRun, last_metric, mlflow_value};
use crate::kitfile::{self, Kitfile, Model, ModelPart};
use crate::layer_format::Format;
use crate::limits;
use crate::ops::guard::is_secret_setting;
use crate::ops::import::error::ImportError;
use crate::ops::import::into_store::ImportOptions;
use crate::ops::init::{Files, Project, ProjectFolder, find_license};
use crate::ops::pack::{Git, PackOptions, Recording};
use crate::progress::{Progress, Warning};
use crate::provenance::{Commit, Material, Role, SourceUrl};
use crate::sys::real_path;

/// A run or a model of MLflow in a local folder. Nothing is written there.
#[derive(Debug, Clone)]
pub struct MlflowFolder {
    folder: PathBuf,
    /// The run. If it has no name, the name of the folder is used.
    run: MlflowRun,
    /// The tags of the run. Those that MLflow sets itself begin with `mlflow.` (`mlflow/utils/mlflow_tags.py`).
    tags: BTreeMap<String, String>,
    /// The folder whose files are packed.
    context: PathBuf,
    /// The server that the files come from, if they were downloaded.
    tracked: Option<Tracked>,
}

/// The file that makes a folder a model.
const MODEL: &str = "MLmodel";
/// The file that makes a folder a run, if it has a `run_id`.
const META: &str = "meta.yaml";
/// The prefix of the tags that MLflow sets itself.
const OWN: &str = "mlflow.";

/// Returns true if a folder is a run or a model. A git checkout does not count, even if it contains a model.
pub fn is_mlflow(folder: &Path) -> bool {
    let is_id = |line: &str| line.starts_with("run_id:") || line.starts_with("run_uuid:");
    let is_run = || read(folder, META, limits::KITFILE_BYTES).is_ok_and(|text| text.lines().any(is_id));
    let is_made = is_file(&folder.join(MODEL)) || is_file(&folder.join(META)) && is_run();
    is_made && !folder.join(".git").exists()
}

impl MlflowFolder {
    /// Reads the identity and the tags of the run, or of the model. Parameters and metrics are read when they are
    /// needed.
    pub fn read(folder: &Path) -> Result<Self, ImportError> {
        let folder = real_path(folder)?;
        if is_file(&folder.join(MODEL)) {
            let run = MlflowRun { id: read_model(&folder)?.run_id, ..MlflowRun::default() };
            return Ok(Self { run, tags: BTreeMap::new(), context: folder.clone(), folder, tracked: None });
        }
        let run = if is_file(&folder.join(META)) {
            MlflowRun::parse(&read(&folder, META, limits::KITFILE_BYTES)?)?
        } else {
            MlflowRun::default()
        };
        if run.id.is_empty() {
            return Err(ImportError::NotMlflow(folder));
        }
        let context = folder.join("artifacts");
        if !fs::symlink_metadata(&context).is_ok_and(|artifacts| artifacts.is_dir())
            || fs::read_dir(&context)?.next().is_none()
        {
            return Err(ImportError::NoArtifacts(context));
        }
        let tags = read_all(&folder, "tags", limits::KITFILE_BYTES, |_, text| Ok(text))?;
        Ok(Self { run, tags, context, folder, tracked: None })
    }

    /// A run or a model whose files were downloaded.
    pub(super) fn of_server(run: MlflowRun, tags: BTreeMap<String, String>, tracked: Tracked) -> Self {
        let folder = tracked.folder().to_owned();
        Self { run, tags, context: folder.clone(), folder, tracked: Some(tracked) }
    }

    /// The identifier of the experiment, if the run comes from a server.
    pub fn experiment(&self) -> Option<&str> {
        self.tracked.as_ref().map(Tracked::experiment).filter(|id| !id.is_empty())
    }

    /// The identifier of the run, or `None` for a model that no run has logged.
    pub fn run_id(&self) -> Option<&str> {
        Some(&*self.run.id).filter(|id| !id.is_empty())
    }

    /// The name of the run, or else of the folder.
    pub fn name(&self) -> String {
        let folder = || Some(self.folder.file_name()?.to_string_lossy().into_owned());
        let given = [Some(self.run.name.clone()), self.tag("runName").cloned()];
        given.into_iter().flatten().find(|name| !name.is_empty()).or_else(folder).unwrap_or_default()
    }

    /// Returns a tag that MLflow sets itself.
    fn tag(&self, name: &str) -> Option<&String> {
        self.tags.get(&format!("{OWN}{name}"))
    }

    /// Returns the settings for packing the files that the Kitfile names; without one, a draft is made with the
    /// metadata of MLflow.
    pub fn pack_options(
        &self,
        options: &ImportOptions,
        format: Format,
        progress: &dyn Progress,
    ) -> Result<PackOptions, ImportError> {
        let kitfile = match &options.kitfile {
            Some(kitfile) => kitfile.clone(),
            None => self.draft(progress)?,
        };
        let pack = options.pack_options(self.git(), kitfile, self.context.clone());
        let recording = pack.recording.map(|recording| Recording { sources: self.sources(), ..recording });
        Ok(PackOptions { format, recording, ..pack })
    }

    /// Returns the commit of the code that ran.
    fn git(&self) -> Git {
        let is_id = |id: &&String| id.len() >= 7 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        self.tag("source.git.commit").filter(is_id).map_or(Git::Ignored, |id| {
            let remote = self.tag("source.git.repoURL").and_then(|url| SourceUrl::parse(url));
            // MLflow does not record whether the checkout had uncommitted changes.
            Git::Known(Commit {
                id: id.clone(),
                branch: self.tag("source.git.branch").cloned(),
                remote,
                is_dirty: None,
            })
        })
    }

    /// Returns the run as a source, by the address that MLflow gives it.
    fn sources(&self) -> Vec<Material> {
        let uri = match &self.tracked {
            Some(tracked) => Some(tracked.uri()),
            None => self.run_id().map(|id| format!("runs:/{id}")),
        };
        let run = |uri| Material { role: Role::Run, name: self.name(), uri: Some(uri), digest: None };
        uri.map(run).into_iter().collect()
    }

    /// Drafts a Kitfile. Model folders stay complete, as MLflow loads them; the other files are identified by their
    /// names.
    fn draft(&self, progress: &dyn Progress) -> Result<Kitfile, ImportError> {
        let (models, others) = split(ProjectFolder(self.context.clone()).listing(1)?);
        let mut draft = draft::detect(&others, Hints::default()).kitfile;
        if let Some((first, more)) = models.split_first() {
            draft.model = Some(self.model(first, more, draft.model.take())?);
        }
        let model = draft.model.get_or_insert_default();
        if model.license.is_empty() {
            model.license = license(&self.context)?;
        }
        model.parameters = self.parameters(progress)?;
        draft.model = draft.model.filter(|model| *model != Model::default());
        self.describe(&mut draft);
        // A run may contain more than a Kitfile allows, so the draft is validated.
        Ok(kitfile::parse(&kitfile::to_yaml(&draft)).map_err(|invalid| invalid.in_file("the drafted Kitfile"))?)
    }

    /// Returns the model in the folder `path`. Further models, and weights outside of model folders, become its parts.
    fn model(&self, path: &str, more: &[String], weights: Option<Model>) -> Result<Model, ImportError> {
        let folder = self.context.join(path);
        let part = |path: &String| ModelPart { path: path.clone(), ..ModelPart::default() };
        let mut parts: Vec<_> = more.iter().map(part).collect();
        if let Some(weights) = weights {
            parts.push(part(&weights.path));
            parts.extend(weights.parts);
        }
        Ok(Model {
            name: if path == WHOLE { self.name() } else { path.to_owned() },
            path: path.to_owned(),
            license: license(&folder)?,
            framework: read_model(&folder)?.framework,
            parts,
            ..Model::default()
        })
    }

    fn describe(&self, draft: &mut Kitfile) {
        let tag = |name| self.tag(name).filter(|text| !is_secret_setting(name, text));
        let package = &mut draft.package;
        package.name = self.name();
        let user = tag("user").unwrap_or(&self.run.user);
        package.authors.extend(Some(user.clone()).filter(|user| !user.is_empty()));
        let origin = || self.run_id().map(|id| format!("Imported from the MLflow run {id}"));
        package.description = tag("note.content").cloned().or_else(origin).unwrap_or_default();
        if let Some(tracked) = &self.tracked {
            package.name = package.name.replace(|c: char| !c.is_ascii_alphanumeric() && !"._-".contains(c), "-");
            package.description = tracked.description();
            package.version = tracked.package_version().unwrap_or_default();
        }
    }

    /// Returns the parameters, the last value of each metric, and the tags that the user set. A model folder has none
    /// of these.
    fn parameters(&self, progress: &dyn Progress) -> Result<Option<Value>, ImportError> {
        if let Some(tracked) = &self.tracked {
            let params = without_secrets("params", tracked.params(), progress);
            return Ok(Some(tracked.parameters(params)));
        }
        if self.context == self.folder {
            return Ok(None);
        }
        let params = read_all(&self.folder, "params", limits::KITFILE_BYTES, |_, text| Ok(text))?;
        let metrics = read_all(&self.folder, "metrics", limits::METRIC_BYTES, |path, text| {
            let (last, invalid) = last_metric(&text);
            if last.is_none() || invalid.is_some() {
                progress.warn(&Warning::MetricIncomplete { path, line: invalid });
            }
            Ok(last)
        })?;
        let metrics = metrics.into_iter().filter_map(|(name, last)| Some((name, last?)));
        let tags = self.tags.clone().into_iter().filter(|(name, _)| !name.starts_with(OWN));
        let sections = [
            (
                "params",
                without_secrets("params", params, progress).map(|(name, text)| (name, mlflow_value(&text))).collect(),
            ),
            ("metrics", metrics.collect::<Map<_, _>>()),
            ("tags", without_secrets("tags", tags, progress).map(|(name, text)| (name, text.into())).collect()),
        ];
        let sections = sections.into_iter().filter(|(_, section)| !section.is_empty());
        let sections: Map<_, _> = sections.map(|(name, section)| (name.to_owned(), Value::Object(section))).collect();
        Ok(Some(Value::Object(sections)).filter(|sections| sections != &Value::Object(Map::new())))
    }
}

/// The path of a model that is the whole folder.
const WHOLE: &str = ".";

/// Splits a listing into the paths of the model folders, sorted by name, and everything else.
fn split(listing: Vec<Found>) -> (Vec<String>, Vec<Found>) {
    let has_model = |listing: &[Found]| {
        listing.iter().any(|found| found.name == MODEL && matches!(found.kind, FoundKind::File { .. }))
    };
    if has_model(&listing) {
        return (vec![WHOLE.to_owned()], Vec::new());
    }
    let is_model = |found: &Found| matches!(&found.kind, FoundKind::Folder(inside) if has_model(inside));
    let (models, others): (Vec<_>, Vec<_>) = listing.into_iter().partition(is_model);
    let mut models: Vec<_> = models.into_iter().map(|found| found.name).collect();
    models.sort();
    (models, others)
}

fn read_model(folder: &Path) -> Result<MlflowModel, ImportError> {
    Ok(MlflowModel::parse(&read(folder, MODEL, limits::KITFILE_BYTES)?)?)
}

fn license(folder: &Path) -> Result<String, ImportError> {
    let folder = ProjectFolder(folder.to_owned());
    Ok(find_license(&Files::of(&folder, &folder.listing(1)?))?.unwrap_or_default().to_owned())
}

fn without_secrets<'a>(
    kind: &'a str,
    texts: impl IntoIterator<Item = (String, String)> + 'a,
    progress: &'a dyn Progress,
) -> impl Iterator<Item = (String, String)> + 'a {
    texts.into_iter().filter(move |(name, text)| {
        let is_secret = is_secret_setting(name, text);
        if is_secret {
            progress.warn(&Warning::SecretNotImported { name: &format!("{kind}/{name}") });
        }
        !is_secret
    })
}
