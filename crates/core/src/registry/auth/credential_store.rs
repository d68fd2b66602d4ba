//! The store of credentials: files in docker's configuration format, and the helpers that they name.

use std::path::{Path, PathBuf};

use fs_err as fs;

use super::credential_file::CredentialFile;
use super::credentials::Credentials;
use super::helper::Helper;
use crate::registry::error::{Cause, Error};
use crate::sys;

/// The sources of credentials, in order: `given`, `own`, then `others`.
///
/// The default has no source: every request is anonymous.
#[derive(Debug, Clone, Default)]
pub struct CredentialStore {
    /// Credentials from the command line, which are used for every registry.
    pub given: Option<Credentials>,
    /// The file of `kit`, the only one that is ever written.
    pub own: Option<PathBuf>,
    /// Files of other programs, which are only read: an explicit auth file, the `auth.json` of containers, docker's
    /// `config.json`.
    pub others: Vec<PathBuf>,
    /// Folders in which `docker-credential-…` is searched before `PATH`.
    pub helper_folders: Vec<PathBuf>,
}

/// The result of [`CredentialStore::erase`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erased {
    /// Credentials were found and erased.
    Something,
    /// No credentials were found.
    Nothing,
}

/// The content of a credential file, without the secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialSummary {
    /// The file.
    pub path: PathBuf,
    /// The registries, or parts of them, that the file has an entry for.
    pub registries: Vec<String>,
    /// The programs that the file names as credential helpers, with the prefix `docker-credential-`.
    pub helpers: Vec<String>,
}

impl CredentialStore {
    /// The content of the files that exist and have entries. No helper is started.
    pub fn summaries(&self) -> Result<Vec<CredentialSummary>, Error> {
        let files = self.own.iter().chain(&self.others).map(|path| CredentialFile::read(path));
        let summaries = files.map(|file| Ok(file?.summary())).collect::<Result<Vec<_>, Error>>()?;
        Ok(summaries.into_iter().filter(|found| !found.registries.is_empty() || !found.helpers.is_empty()).collect())
    }

    /// The credentials for `repository` at `registry`, or for the registry as a whole.
    pub fn find(&self, registry: &str, repository: Option<&str>) -> Result<Option<Credentials>, Error> {
        Ok(self.locate(registry, repository)?.map(|(credentials, _)| credentials))
    }

    /// Like [`find`](Self::find), with a description of the source.
    pub(crate) fn locate(
        &self,
        registry: &str,
        repository: Option<&str>,
    ) -> Result<Option<(Credentials, String)>, Error> {
        if let Some(given) = &self.given {
            return Ok(Some((given.clone(), "the command line".to_owned())));
        }
        for path in self.own.iter().chain(&self.others) {
            let file = CredentialFile::read(path)?;
            if let Some(found) = self.find_in(&file, registry, repository)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Stores `credentials` for `registry` in the file of `kit`, or in the helper that it names.
    pub fn store(&self, registry: &str, credentials: &Credentials) -> Result<(), Error> {
        let _lock = self.lock()?;
        let mut file = self.own_file()?;
        match self.helper(&file, registry)? {
            Some((helper, server)) => {
                helper.store(&server, credentials)?;
                file.set(registry, None);
            }
            None => file.set(registry, Some(credentials)),
        }
        file.write()
    }

    /// Erases the credentials for `registry` from the file of `kit` and from the helper that it names.
    pub fn erase(&self, registry: &str) -> Result<Erased, Error> {
        let _lock = self.own.as_ref().filter(|path| path.exists()).map(|_| self.lock()).transpose()?;
        let mut file = self.own_file()?;
        let mut had_some = false;
        if let Some((helper, server)) = self.helper(&file, registry)? {
            had_some = helper.get(&server)?.is_some();
            if had_some {
                helper.erase(&server)?;
            }
        }
        if file.remove(registry) {
            had_some = true;
            file.write()?;
        }
        Ok(if had_some { Erased::Something } else { Erased::Nothing })
    }

    /// Finds credentials in a file. A helper that it names takes precedence, as in docker; entries of the file itself
    /// may be older.
    fn find_in(
        &self,
        file: &CredentialFile,
        registry: &str,
        repository: Option<&str>,
    ) -> Result<Option<(Credentials, String)>, Error> {
        let path = file.path().display();
        if let Some((helper, server)) = self.helper(file, registry)?
            && let Some(found) = helper.get(&server)?
        {
            return Ok(Some((found, format!("the credential helper named in `{path}`"))));
        }
        Ok(file.find(registry, repository)?.map(|found| (found, format!("`{path}`"))))
    }

    fn helper<'a>(&'a self, file: &'a CredentialFile, registry: &str) -> Result<Option<(Helper<'a>, String)>, Error> {
        let Some((name, server)) = file.helper_for(registry) else { return Ok(None) };
        Ok(Some((Helper::new(name, &self.helper_folders, file.path())?, server)))
    }

    fn own_file(&self) -> Result<CredentialFile, Error> {
        CredentialFile::read(self.own_path()?)
    }

    fn own_path(&self) -> Result<&Path, Error> {
        self.own.as_deref().ok_or_else(|| Error::Setting("there is no file to store credentials in".to_owned()))
    }

    /// Orders the changes of several processes, so that none of them is lost.
    fn lock(&self) -> Result<fs::File, Error> {
        let path = self.own_path()?;
        let failed = |error| Error::CredentialFile { path: path.to_owned(), source: Cause::of(&error) };
        sys::lock_for_change(path).map_err(failed)
    }
}
