//! The server that stores the files (git-lfs, docs/api/batch.md).

use std::collections::BTreeMap;
use std::io::Read;

use serde::Deserialize;
use serde_json::json;

use super::error::Error;
use crate::limits;
use crate::oci::{Content, ContentError, Descriptor};
use crate::registry::{self, Client, Credentials, HttpLocation, HttpRequest, HttpService};
use crate::relative_path::RelativePath;

/// An LFS server.
pub struct Server {
    client: Client,
    site: HttpService,
}

const MEDIA_TYPE: &str = "application/vnd.git-lfs+json";
#[derive(Deserialize)]
struct Answer {
    objects: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    actions: Option<Actions>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Actions {
    download: Option<Download>,
}

#[derive(Deserialize)]
struct Download {
    href: String,
    #[serde(default)]
    header: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    message: String,
}

impl Server {
    /// The server at `url`, such as `https://host/owner/name.git/info/lfs`. Nothing is sent yet.
    pub fn new(client: &Client, url: &str, credentials: Option<&Credentials>) -> Result<Self, Error> {
        Ok(Self { client: client.clone(), site: client.site(url, credentials)? })
    }

    /// The number of connections to the server that are used at once.
    pub fn concurrency(&self) -> usize {
        self.site.concurrency()
    }

    /// Checks that the server has `file`. Messages call it `path`.
    pub fn check(&self, path: &RelativePath, file: &Descriptor) -> Result<(), Error> {
        self.locate(path, file).map(drop)
    }

    /// The content of `file`. Each opening asks for its address again, since an address is valid for some minutes
    /// only.
    pub fn content<'a>(&'a self, path: &RelativePath, file: &Descriptor) -> impl Content + use<'a> {
        RemoteFile { server: self, path: path.clone(), file: file.clone() }
    }

    fn locate(&self, path: &RelativePath, file: &Descriptor) -> Result<Download, Error> {
        let (host, text) = (self.site.host(), path.to_string());
        let wrong = |problem: String| Error::WrongAnswer { host: host.clone(), path: text.clone(), problem };
        let wanted = json!({
            "operation": "download", "transfers": ["basic"], "hash_algo": "sha256",
            "objects": [{ "oid": file.digest.hex(), "size": file.size }],
        });
        let path = vec!["objects".to_owned(), "batch".to_owned()];
        let question = HttpRequest { path, ..question(&text) };
        let asked = self.site.ask(&question, MEDIA_TYPE, wanted.to_string().into_bytes(), limits::LFS_ANSWER_BYTES);
        let answer = asked.map_err(|refusal| match refusal {
            registry::Error::NoCredentials { source, .. } | registry::Error::Unauthorized { source, .. } => {
                Error::Locked { host: host.clone(), source }
            }
            other => Error::HttpService(other),
        })?;
        let answer: Answer = serde_json::from_slice(&answer).map_err(|error| wrong(error.to_string()))?;
        let object = answer.objects.into_iter().next().ok_or_else(|| wrong("it is empty".to_owned()))?;
        if let Some(Refusal { message }) = object.error {
            return Err(Error::Missing { host: host.clone(), path: text.clone(), words: message });
        }
        let download = object.actions.and_then(|actions| actions.download);
        download.ok_or_else(|| wrong("it has no address to download from".to_owned()))
    }
}

fn question(path: &str) -> HttpRequest {
    let attempt = format!("read `{path}` from LFS");
    HttpRequest { path: Vec::new(), query: None, attempt, subject: path.to_owned() }
}

struct RemoteFile<'a> {
    server: &'a Server,
    path: RelativePath,
    file: Descriptor,
}

impl Content for RemoteFile<'_> {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        let Self { server, path, file } = self;
        let Download { href, header } = server.locate(path, file)?;
        let place = HttpLocation { url: href, headers: header };
        Ok(server.client.open(&place, &question(path.as_str()), file, offset)?)
    }
}
