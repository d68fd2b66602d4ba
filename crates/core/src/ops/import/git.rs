//! A git repository to import from. Small files come with the commit, large ones from LFS.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::error::ImportError;
use super::work::STORE;
use crate::digest::{Digest, DigestWriter};
use crate::draft;
use crate::file_kind;
use crate::git::{self, Tree, TreeFile};
use crate::kitfile::{self, FILE_NAMES, Kitfile};
use crate::limits;
use crate::oci::{Content, Descriptor};
use crate::ops::files::LocalFile;
use crate::ops::workers;
use crate::progress::{Progress, Warning};
use crate::provenance::{SourceUrl, without_secrets};
use crate::registry::{Client, Credentials};
use crate::relative_path::RelativePath;
use crate::store::{Names, Store, Writer};
use crate::sys::TemporaryFolder;
use crate::upstream::lfs::{self, Address, Pointer, Server};
use crate::upstream::{self, About, GitRemote, Upstream, UpstreamFile};

/// A git repository at one commit, checked out into a folder that is removed when this value is dropped.
pub struct GitUpstream {
    about: About,
    files: Vec<UpstreamFile>,
    /// The files for which git stores only an LFS pointer.
    large: HashSet<RelativePath>,
    objects: Objects,
    tree: PathBuf,
    /// While the writer exists, `kit cache clear` does not remove the folder.
    _writer: Writer,
    _folder: TemporaryFolder,
}

/// The location of LFS files.
enum Objects {
    /// The repository has no LFS files, or no location is known.
    Nowhere,
    Folder(PathBuf),
    Server(Box<Server>),
}

/// The largest file stored in git itself that is read into memory.
const SMALL_FILE_BYTES: u64 = 1024 * 1024;

/// Fetches the commit that `revision`, or else HEAD, refers to at `remote` into a folder below `imports`, without its
/// LFS files. The repository may keep those on its own host and on `lfs_hosts`, which include the port.
pub fn fetch_git(
    client: &Client,
    imports: &Path,
    remote: &GitRemote,
    revision: Option<&str>,
    lfs_hosts: &[String],
    progress: &dyn Progress,
) -> Result<GitUpstream, ImportError> {
    fs::create_dir_all(imports)?;
    let folder = TemporaryFolder::create(imports, "git-", 0o777)?;
    let writer = Store::open(folder.path().join(STORE))?.writer(Names::Tags)?;
    let tree = folder.path().join("tree");
    fs::create_dir(&tree)?;
    let fetched = git::fetch((&remote.given(), &remote.to_string()), revision, &tree)?;
    for path in &fetched.others {
        progress.warn(&Warning::LinkNotImported { path });
    }
    let (files, large) = list(&tree, &fetched)?;
    let objects = objects(client, &tree, remote, lfs_hosts, files.iter().filter(|file| large.contains(&file.path)))?;
    let (owner, name) = remote.names();
    let license = license(&tree, &files)?;
    let kitfile = own_kitfile(&tree, &files)?;
    let about = About { url: url(remote), commit: fetched.commit, artifact: None, name, owner, license, kitfile };
    Ok(GitUpstream { about, files, large, objects, tree, _writer: writer, _folder: folder })
}

/// Returns the address of the repository. For a local folder that is its own remote, so that no local path is recorded.
fn url(remote: &GitRemote) -> String {
    let Some(folder) = remote.folder() else { return remote.to_string() };
    let origin = git::look(folder).and_then(|checkout| SourceUrl::parse(&checkout.remote?));
    origin.map_or_else(|| remote.names().1, |origin| origin.to_string())
}

fn list(tree: &Path, fetched: &Tree) -> Result<(Vec<UpstreamFile>, HashSet<RelativePath>), ImportError> {
    let (mut files, mut large) = (Vec::new(), HashSet::new());
    for TreeFile { path, size, is_executable } in &fetched.files {
        let path: RelativePath = path.parse().map_err(|_| git::Error::Unreadable(path.clone()))?;
        if path.components().any(|name| name.starts_with(".git")) || path.as_str() == LFS_SETTINGS {
            continue;
        }
        let place = path.join_to(tree);
        let (mut size, mut digest) = (*size, None);
        if size > SMALL_FILE_BYTES {
            digest = Some(hash(&place)?);
        } else if size <= limits::LFS_POINTER_BYTES
            && let Some(pointer) = std::str::from_utf8(&fs::read(place)?).ok().and_then(Pointer::parse)
        {
            (size, digest) = (pointer.size, Some(pointer.digest));
            large.insert(path.clone());
        }
        files.push(UpstreamFile { path, size, digest, is_executable: *is_executable });
    }
    files.sort_by(|left, right| left.path.cmp(&right.path));
    Ok((files, large))
}

/// The file in which a repository names its own LFS server (git-lfs-config, "LIST OF OPTIONS").
const LFS_SETTINGS: &str = ".lfsconfig";

fn objects<'a>(
    client: &Client,
    tree: &Path,
    remote: &GitRemote,
    lfs_hosts: &[String],
    mut large: impl Iterator<Item = &'a UpstreamFile>,
) -> Result<Objects, ImportError> {
    let Some(first) = large.next() else { return Ok(Objects::Nowhere) };
    if let Some(folder) = remote.folder() {
        let folder = git::lfs_folder(folder).unwrap_or_default();
        let is_missing =
            |file: &&UpstreamFile| file.digest.is_some_and(|digest| !object(&folder, &digest.hex()).exists());
        return match [first].into_iter().chain(large).find(is_missing) {
            Some(file) => Err(ImportError::OnlyPointer(file.path.clone())),
            None => Ok(Objects::Folder(folder)),
        };
    }
    let Some(address) = server_address(tree, remote, lfs_hosts)? else { return Ok(Objects::Nowhere) };
    let Some(blob) = first.descriptor() else { return Ok(Objects::Nowhere) };
    let url = address.to_string();
    // Without credentials first: asking git for them may prompt the user.
    let server = Server::new(client, &url, None)?;
    match server.check(&first.path, &blob) {
        Ok(()) => Ok(Objects::Server(Box::new(server))),
        Err(error @ lfs::Error::Locked { .. }) => {
            let found = credentials(tree, remote, &address);
            let (username, password) = found.ok_or(error)?;
            let server = Server::new(client, &url, Some(&Credentials::Password { username, password }))?;
            server.check(&first.path, &blob)?;
            Ok(Objects::Server(Box::new(server)))
        }
        Err(error) => Err(error.into()),
    }
}

/// The address of the LFS server: the default one of the repository, or the one in its settings. Another host than that
/// of the repository must be in `lfs_hosts`, since requests to it can carry the credentials that git has for it.
fn server_address(tree: &Path, remote: &GitRemote, lfs_hosts: &[String]) -> Result<Option<Address>, lfs::Error> {
    let parse = |text: &str| {
        let bad = || lfs::Error::BadAddress { address: without_secrets(text) };
        Address::parse(text).ok_or_else(bad)
    };
    let default = remote.lfs_url().as_deref().map(parse).transpose()?;
    let is_http = |text: &String| text.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http"));
    let Some(own) = git::setting_in(tree, LFS_SETTINGS, "lfs.url").filter(is_http) else { return Ok(default) };
    let own = parse(&own)?;
    let is_accepted = lfs_hosts.iter().any(|host| host.eq_ignore_ascii_case(own.host()));
    if !is_accepted && !default.is_some_and(|default| own.has_origin_of(&default)) {
        return Err(lfs::Error::OtherHost { host: own.host().to_owned() });
    }
    Ok(Some(own))
}

/// The credentials that git has for the server. Those in the address of the repository are for its own server only.
fn credentials(tree: &Path, remote: &GitRemote, address: &Address) -> Option<(String, String)> {
    let is_own = remote.lfs_url().as_deref().and_then(Address::parse).is_some_and(|own| own.has_origin_of(address));
    let given = if is_own { git::credentials_of_url(tree, &remote.given()) } else { None };
    given.or_else(|| git::credentials(tree, (address.scheme(), address.host(), address.path())))
}

/// Returns the path of an LFS file in a local repository (git-lfs, docs/spec.md, "Git LFS: Local Storage").
fn object(folder: &Path, hex: &str) -> PathBuf {
    folder.join(&hex[..2]).join(&hex[2..4]).join(hex)
}

fn hash(path: &Path) -> Result<Digest, ImportError> {
    let mut digesting = DigestWriter::new(io::sink());
    io::copy(&mut fs::File::open(path)?, &mut digesting)?;
    Ok(digesting.finish().1)
}

fn license(tree: &Path, files: &[UpstreamFile]) -> Result<Option<String>, ImportError> {
    let is_license = |file: &&UpstreamFile| {
        let path = file.path.as_str();
        !path.contains('/') && file_kind::is_license_file(path) && file.digest.is_none()
    };
    for file in files.iter().filter(is_license) {
        let text = fs::read(file.path.join_to(tree))?;
        if let Some(license) = draft::detect_license(&String::from_utf8_lossy(&text)) {
            return Ok(Some(license.to_owned()));
        }
    }
    Ok(None)
}

fn own_kitfile(tree: &Path, files: &[UpstreamFile]) -> Result<Option<Kitfile>, ImportError> {
    let Some(name) = FILE_NAMES.iter().find(|name| files.iter().any(|file| file.path.as_str() == **name)) else {
        return Ok(None);
    };
    let text = fs::read_to_string(tree.join(name))?;
    Ok(Some(kitfile::parse(&text).map_err(|invalid| invalid.in_file(name))?))
}

impl Upstream for GitUpstream {
    fn about(&self) -> &About {
        &self.about
    }

    fn files(&self) -> &[UpstreamFile] {
        &self.files
    }

    fn concurrency(&self) -> usize {
        match &self.objects {
            Objects::Server(server) => server.concurrency(),
            Objects::Folder(_) | Objects::Nowhere => workers::jobs(),
        }
    }

    fn read(&self, file: &UpstreamFile) -> Result<Vec<u8>, upstream::Error> {
        Ok(fs::read(file.path.join_to(&self.tree))?)
    }

    fn content<'a>(&'a self, path: &RelativePath, descriptor: &Descriptor) -> Box<dyn Content + 'a> {
        match &self.objects {
            Objects::Server(server) if self.large.contains(path) => Box::new(server.content(path, descriptor)),
            Objects::Folder(folder) if self.large.contains(path) => {
                Box::new(LocalFile(object(folder, &descriptor.digest.hex())))
            }
            _ => Box::new(LocalFile(path.join_to(&self.tree))),
        }
    }
}
