//! `kit init NOTEBOOK --extract`: the code of a notebook as files.

use std::path::{Path, PathBuf};

use anyhow::Result;
use fs_err as fs;
use serde_json::Value;

use crate::context::Context;
use crate::output::{Code, Failure, counted, tidy_in};
use kit_core::kitfile;
use kit_core::ops::{NotebookDraft, Requirement};
use kit_core::sys::replace_file;

/// The files that are written for a notebook.
pub(super) struct Extraction {
    /// The folder, as an absolute path.
    folder: PathBuf,
    /// The names and texts of the files.
    files: Vec<(String, String)>,
    /// The folder as the user wrote it.
    shown: PathBuf,
    /// The packages without a known version.
    without_version: Vec<String>,
}

const REQUIREMENTS: &str = "requirements.txt";

impl Extraction {
    /// Prepares the files, and adds them to the Kitfile if they are inside the project. Fails if one of them exists,
    /// unless files may be overwritten.
    pub(super) fn prepare(
        context: &Context,
        (project, shown): (&Path, &Path),
        notebook: &str,
        found: &mut NotebookDraft,
        is_forced: bool,
    ) -> Result<Self> {
        if found.modules.is_empty() {
            let none = format!("cannot extract modules of `{notebook}`: it has no Python code");
            return Err(Failure::error(Code::Refused, none));
        }
        let folder = context.environment.absolute(shown);
        let modules = found.modules.iter().map(|module| (module.name.clone(), module.text.clone()));
        let lines: String = found.requirements.iter().map(|requirement| requirement.line() + "\n").collect();
        let files: Vec<_> = modules.chain([(REQUIREMENTS.to_owned(), lines)]).collect();
        let exists = |(name, _): &&(String, String)| folder.join(name).exists();
        if let Some((name, _)) = files.iter().find(exists).filter(|_| !is_forced) {
            let name = tidy_in(shown, name);
            return Err(Failure::error(Code::Refused, format!("`{name}` already exists; use --force to overwrite it")));
        }
        add_code(&mut found.draft.kitfile.code, project, &folder, &files);
        let has_no_version = |requirement: &&Requirement| requirement.version.is_none();
        let without_version = found.requirements.iter().filter(has_no_version).map(|one| one.package.clone()).collect();
        Ok(Self { folder, files, shown: shown.to_owned(), without_version })
    }

    /// Writes the files.
    pub(super) fn save(&self, context: &Context) -> Result<()> {
        fs::create_dir_all(&self.folder)?;
        for (name, text) in &self.files {
            replace_file(&self.folder.join(name), text.as_bytes())?;
            context.receipt.append("extracted", Value::from(self.folder.join(name).display().to_string()));
        }
        let names: Vec<_> = self.files.iter().map(|(name, _)| name.as_str()).collect();
        context.output.say(&format!("Extracted {} to {}", names.join(", "), tidy_in(&self.shown, "")));
        if !self.without_version.is_empty() {
            let count = counted(self.without_version.len(), "package");
            let advice = "a lock file or an active environment has the versions";
            let listed = self.without_version.join(", ");
            context.output.say(&format!("No version is known for {count}: {listed}; {advice}"));
        }
        Ok(())
    }
}

/// Adds the folder with the files to the Kitfile, or the files themselves if it is the folder of the project.
fn add_code(code: &mut Vec<kitfile::Code>, project: &Path, folder: &Path, files: &[(String, String)]) {
    let Some(inside) = folder.strip_prefix(project).ok().and_then(Path::to_str) else { return };
    let inside = inside.replace('\\', "/");
    let paths: Vec<_> =
        if inside.is_empty() { files.iter().map(|(name, _)| name.clone()).collect() } else { vec![inside] };
    for path in paths {
        if !code.iter().any(|code| code.path == path) {
            code.push(kitfile::Code { path, ..kitfile::Code::default() });
        }
    }
}
