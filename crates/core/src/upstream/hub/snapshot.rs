//! A repository at one commit: its files and their bytes.

use std::io::Read;

use super::address::Address;
use super::answers::{Info, Item};
use super::error::{Error, explain};
use crate::digest::Digest;
use crate::limits;
use crate::oci::{Content, ContentError, Descriptor};
use crate::registry::{self, Client, Credentials, HttpRequest, HttpService};
use crate::relative_path::RelativePath;

/// One hub.
#[derive(Clone)]
pub struct Hub {
    site: HttpService,
    url: String,
}

/// A repository of a hub at one commit.
pub struct Snapshot {
    /// The commit, in hexadecimal digits.
    pub commit: String,
    /// The repository.
    pub address: Address,
    /// The branch, tag or commit that was asked for. It resolved to the commit when the snapshot was taken.
    pub revision: String,
    /// The licence that its card names.
    pub license: Option<String>,
    /// Its files, sorted by path, without git's own files.
    pub files: Vec<RemoteFile>,
    hub: Hub,
}

/// A file in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    /// The path in the repository.
    pub path: RelativePath,
    /// The size in bytes.
    pub size: u64,
    /// The digest, if the file is stored in LFS, whose ids are digests. git identifies small files by an id of its
    /// own, which is not checked.
    pub digest: Option<Digest>,
}

/// Files that configure git.
const GITS_OWN: [&str; 2] = [".gitattributes", ".gitignore"];

impl Hub {
    /// The hub at `url`. The token is sent to that host only. Nothing is sent yet.
    pub fn new(client: &Client, url: &str, token: Option<&Credentials>) -> Result<Self, Error> {
        Ok(Self { site: client.site(url, token)?, url: url.trim_end_matches('/').to_owned() })
    }

    /// Resolves `revision` to a commit, and lists the files of the repository at it.
    pub fn snapshot(&self, address: &Address, revision: &str) -> Result<Snapshot, Error> {
        let explained = |refusal| explain(&self.site.host(), address, revision, refusal);
        let answer =
            self.site.read(&api(address, "revision", revision, None), limits::HUB_ANSWER_BYTES).map_err(explained)?;
        let info: Info = serde_json::from_slice(&answer).map_err(|error| self.wrong(address, &error))?;
        if !info.has_commit() {
            return Err(self.wrong(address, &format!("`{}` is not a commit", info.sha)));
        }
        let mut files = Vec::new();
        // An expanded page holds fifty files and the last commit of each; a page that is not expanded holds a
        // thousand files.
        let question = api(address, "tree", &info.sha, Some("recursive=true&expand=false"));
        self.site.read_pages(&question, |page| read_page(page, &mut files)).map_err(explained)?;
        files.sort_by(|left, right| left.path.cmp(&right.path));
        let license = info.license();
        let (address, revision) = (address.clone(), revision.to_owned());
        Ok(Snapshot { commit: info.sha, address, revision, license, files, hub: self.clone() })
    }

    fn wrong(&self, address: &Address, problem: &dyn std::fmt::Display) -> Error {
        Error::WrongAnswer { hub: self.site.host(), name: address.name.clone(), problem: problem.to_string() }
    }
}

impl Snapshot {
    /// The number of connections to the hub that are used at once.
    pub fn concurrency(&self) -> usize {
        self.hub.site.concurrency()
    }

    /// The page of the repository.
    pub fn url(&self) -> String {
        format!("{}/{}", self.hub.url, self.address.segments().join("/"))
    }

    /// Reads a whole file outside of LFS. Only its size is checked: its content is trusted as far as the connection
    /// to the hub is.
    pub fn read(&self, file: &RemoteFile) -> Result<Vec<u8>, Error> {
        let bytes = self
            .hub
            .site
            .read(&self.question(file), limits::HUB_SMALL_FILE_BYTES)
            .map_err(|refusal| self.explain(refusal))?;
        if bytes.len() as u64 != file.size {
            let problem = format!("`{}` has {} bytes instead of {}", file.path, bytes.len(), file.size);
            return Err(self.hub.wrong(&self.address, &problem));
        }
        Ok(bytes)
    }

    /// The content of the file at `path`, which `descriptor` describes. A slow download uses several connections.
    pub fn content<'a>(&'a self, path: &RelativePath, descriptor: &Descriptor) -> impl Content + use<'a> {
        let file = RemoteFile { path: path.clone(), size: descriptor.size, digest: Some(descriptor.digest) };
        Explained { content: self.hub.site.content(&self.question(&file), descriptor), snapshot: self }
    }

    fn question(&self, file: &RemoteFile) -> HttpRequest {
        let mut path = self.address.segments();
        path.extend(["resolve".to_owned(), self.commit.clone()]);
        path.extend(file.path.components().map(str::to_owned));
        let subject = format!("{}/{}", self.address.name, file.path);
        HttpRequest { path, query: None, attempt: format!("read `{subject}`"), subject }
    }

    fn explain(&self, refusal: registry::Error) -> Error {
        explain(&self.hub.site.host(), &self.address, &self.revision, refusal)
    }

    fn explain_content(&self, error: ContentError) -> ContentError {
        match error {
            ContentError::Unauthorized(inner) | ContentError::Denied(inner) => {
                match inner.downcast::<registry::Error>() {
                    Ok(refusal) => self.explain(*refusal).into(),
                    Err(inner) => ContentError::Denied(inner),
                }
            }
            error => error,
        }
    }
}

fn api(address: &Address, what: &str, revision: &str, query: Option<&'static str>) -> HttpRequest {
    let mut path = vec!["api".to_owned(), address.kind.plural().to_owned()];
    path.extend(address.name.split('/').map(str::to_owned));
    path.extend([what.to_owned(), revision.to_owned()]);
    let subject = address.name.clone();
    HttpRequest {
        path,
        query: query.map(str::to_owned),
        attempt: format!("look at the {} `{subject}`", address.kind),
        subject,
    }
}

/// Adds the files of a page. A path that leaves its folder fails the whole page.
fn read_page(page: &[u8], files: &mut Vec<RemoteFile>) -> Result<(), String> {
    let items: Vec<Item> = serde_json::from_slice(page).map_err(|error| format!("the list is not valid: {error}"))?;
    for item in items.into_iter().filter(|item| item.kind == "file") {
        let path: RelativePath = item.path.parse().map_err(|error| format!("{error}"))?;
        if path.is_root() {
            return Err("a file has no name".to_owned());
        }
        let (size, digest) = match &item.lfs {
            Some(lfs) => {
                let digest = lfs.digest().ok_or_else(|| format!("the LFS id of `{path}` is not a sha256 digest"))?;
                (lfs.size, Some(digest))
            }
            None => (item.size, None),
        };
        if !path.file_name().is_some_and(|name| GITS_OWN.contains(&name)) {
            if files.len() == limits::REPOSITORY_FILES {
                return Err(format!("there are more than {} files", limits::REPOSITORY_FILES));
            }
            files.push(RemoteFile { path, size, digest });
        }
    }
    Ok(())
}

/// Content whose refusals are explained by the error codes of the hub.
struct Explained<'a, C> {
    content: C,
    snapshot: &'a Snapshot,
}

impl<C: Content> Content for Explained<'_, C> {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        self.content.open_at(offset).map_err(|error| self.snapshot.explain_content(error))
    }

    fn open_range(&self, offset: u64, length: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        self.content.open_range(offset, length).map_err(|error| self.snapshot.explain_content(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(page: &str) -> Result<Vec<RemoteFile>, String> {
        let mut files = Vec::new();
        read_page(page.as_bytes(), &mut files).map(|()| files)
    }

    #[test]
    fn a_page_lists_files_with_their_lfs_objects() {
        let digest = Digest::of(b"weights");
        let page = format!(
            r#"[{{"type":"directory","oid":"1","size":0,"path":"a"}},{{"type":"file","oid":"2","size":3,"path":"a/b"}},
            {{"type":"file","oid":"3","size":130,"path":"w","lfs":{{"oid":"{}","size":7,"pointerSize":130}},"xetHash":"x"}},
            {{"type":"file","oid":"4","size":9,"path":".gitattributes"}}]"#,
            digest.hex()
        );
        let file = |path: &str, size, digest| RemoteFile { path: path.parse().unwrap(), size, digest };
        assert_eq!(read(&page), Ok(vec![file("a/b", 3, None), file("w", 7, Some(digest))]));
    }

    #[test]
    fn a_page_with_a_path_that_leaves_or_an_invalid_id_is_refused() {
        for page in [
            r#"[{"type":"file","size":1,"path":"../x"}]"#,
            r#"[{"type":"file","size":1,"path":"/etc/passwd"}]"#,
            r#"[{"type":"file","size":1,"path":"."}]"#,
            r#"[{"type":"file","size":1,"path":"x","lfs":{"oid":"abc","size":1}}]"#,
            r#"[{"type":"file"}]"#,
            "{}",
        ] {
            assert!(read(page).is_err(), "{page}");
        }
    }
}
