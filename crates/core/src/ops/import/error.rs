//! The errors of imports.

use std::io;
use std::path::PathBuf;

use super::publisher::PublisherError;
use crate::archive;
use crate::git;
use crate::oci::Descriptor;
use crate::ops::error::Error;
use crate::problem::{self, printable};
use crate::relative_path::RelativePath;
use crate::store;
use crate::upstream::{self, lfs, mlflow};

/// The reason why a repository or a run could not be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A git command failed.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// A request to a Git LFS server failed.
    #[error(transparent)]
    Lfs(#[from] lfs::Error),
    /// A local repository has not fetched a Git LFS file.
    #[error("the repository has only the Git LFS pointer of `{0}`")]
    OnlyPointer(RelativePath),
    /// A path in the Kitfile that does not exist in the repository.
    #[error("the repository has no file or folder `{0}`")]
    NotInRepository(RelativePath),
    /// A model that is a folder cannot be stored as a raw layer.
    #[error("the model `{0}` is a folder; a raw layer must be a single file")]
    FolderAsFile(RelativePath),
    /// An artifact that does not have to be imported.
    #[error("`{0}` is a ModelKit or a ModelPack already")]
    IsModelKit(String),
    /// A layer of an artifact is not a file.
    #[error("the layer `{}` of type `{}` has no usable file name", .0.digest, printable(.0.media_type.as_str()))]
    UnnamedLayer(Box<Descriptor>),
    /// Two layers of an artifact have the same path, or one is a file and another a file in a folder with its path.
    #[error("the artifact has two layers with the path `{0}`")]
    SamePath(RelativePath),
    /// A folder without anything that can be imported.
    #[error("it is a folder, but neither a git repository nor an MLflow run or model, and it contains no model")]
    NoModel,
    /// A repository in the cache of the Hugging Face hub, without a snapshot of `main`.
    #[error("the cache has several snapshots of the repository: {}", names(.0))]
    SeveralSnapshots(Vec<PathBuf>),
    /// A folder that is neither an MLflow model nor an MLflow run.
    #[error("`{}` has neither an `MLmodel` nor a `meta.yaml` with a `run_id`", .0.display())]
    NotMlflow(PathBuf),
    /// An MLflow run that logged no files, or logged them outside its folder.
    #[error("the run has no files in `{}`", .0.display())]
    NoArtifacts(PathBuf),
    /// A file of an MLflow run that does not have MLflow's format.
    #[error("`{path}` {problem}")]
    MlflowFile {
        /// The path in the folder of the run.
        path: String,
        /// A predicate that completes the sentence, such as `is not valid`.
        problem: String,
    },
    /// A tracking server of MLflow did not deliver a run or a model.
    #[error(transparent)]
    Mlflow(#[from] mlflow::Error),
    /// The signature of the publisher is missing, or does not cover the files.
    #[error(transparent)]
    Publisher(#[from] PublisherError),
    /// The Kitfile has problems; the error lists all of them.
    #[error(transparent)]
    Kitfile(#[from] problem::Invalid),
    /// Files could not be packed.
    #[error(transparent)]
    Archive(#[from] archive::Error),
    /// A file of the repository could not be read.
    #[error(transparent)]
    Upstream(#[from] upstream::Error),
    /// A step that other operations have as well failed.
    #[error(transparent)]
    Operation(#[from] Error),
    /// The local store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A file could not be read or written; the source names the file.
    #[error(transparent)]
    Io(#[from] io::Error),
}

fn names(folders: &[PathBuf]) -> String {
    let names = folders.iter().filter_map(|folder| folder.file_name());
    names.map(|name| format!("`{}`", name.to_string_lossy())).collect::<Vec<_>>().join(", ")
}
