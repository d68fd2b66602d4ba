//! The JSON of the predicate, and the names and digests in it.

use serde::Deserialize;
use serde_json::Number;

use super::error::ModelStatementError;
use super::hash::HashType;
use crate::digest::read_hex;
use crate::relative_path::RelativePath;

#[derive(Deserialize)]
pub(super) struct Predicate {
    pub(super) serialization: Serialization,
    pub(super) resources: Vec<Resource>,
}

/// The description of how the files were listed.
#[derive(Deserialize)]
pub(super) struct Serialization {
    pub(super) method: String,
    pub(super) hash_type: String,
    pub(super) allow_symlinks: bool,
    #[serde(default)]
    pub(super) ignore_paths: Vec<String>,
    /// Other tools write this as a float: `100.0`.
    pub(super) shard_size: Option<Number>,
}

/// A file, or a part of one.
#[derive(Deserialize)]
pub(super) struct Resource {
    pub(super) name: String,
    pub(super) algorithm: String,
    pub(super) digest: String,
}

/// The way in which files are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// Each file has a digest.
    Files,
    /// Each part of this size has a digest.
    Shards(u64),
}

impl Serialization {
    pub(super) fn hash(&self) -> Result<HashType, ModelStatementError> {
        HashType::named(&self.hash_type).ok_or_else(|| ModelStatementError::Hash(self.hash_type.clone()))
    }

    pub(super) fn method(&self) -> Result<Method, ModelStatementError> {
        match (self.method.as_str(), &self.shard_size) {
            ("files", _) => Ok(Method::Files),
            ("shards", size) => {
                let text = size.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
                let size = text.strip_suffix(".0").unwrap_or(&text).parse().ok().filter(|size| *size > 0);
                size.map(Method::Shards).ok_or(ModelStatementError::ShardSize(text))
            }
            _ => Err(ModelStatementError::Method(self.method.clone())),
        }
    }

    pub(super) fn ignored(&self) -> Result<Vec<RelativePath>, ModelStatementError> {
        let parse = |text: &String| {
            let path = text.parse::<RelativePath>().ok().filter(|path| !path.is_root());
            path.ok_or_else(|| ModelStatementError::Ignored(text.clone()))
        };
        self.ignore_paths.iter().map(parse).collect()
    }
}

impl Resource {
    /// Checks that the algorithm is that of the statement, and returns the digest.
    pub(super) fn digest(&self, hash: HashType, method: Method) -> Result<Vec<u8>, ModelStatementError> {
        let expected = match method {
            Method::Files => hash.name().to_owned(),
            Method::Shards(size) => format!("{hash}-sharded-{size}"),
        };
        if self.algorithm == expected {
            return digest(&self.name, &self.digest, hash);
        }
        let (name, algorithm) = (self.name.clone(), self.algorithm.clone());
        Err(ModelStatementError::Algorithm { name, algorithm, expected })
    }

    /// Returns the path and the bounds of the part that this is.
    pub(super) fn shard(&self, size: u64) -> Result<(RelativePath, u64, u64), ModelStatementError> {
        let invalid = || ModelStatementError::Shard(self.name.clone());
        let mut words = self.name.rsplitn(3, ':');
        let (end, start, path) = (words.next(), words.next(), words.next());
        let number = |text: Option<&str>| {
            let text = text.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            text.and_then(|text| text.parse::<u64>().ok()).ok_or_else(invalid)
        };
        let (start, end) = (number(start)?, number(end)?);
        if start >= end || end - start > size {
            return Err(invalid());
        }
        Ok((path_of(path.ok_or_else(invalid)?)?, start, end))
    }
}

/// Reads the digest of the file `name`.
pub(super) fn digest(name: &str, hex: &str, hash: HashType) -> Result<Vec<u8>, ModelStatementError> {
    let mut digest = vec![0; hash.digest_bytes()];
    read_hex(hex, &mut digest).ok_or_else(|| ModelStatementError::Digest(name.to_owned(), 2 * hash.digest_bytes()))?;
    Ok(digest)
}

/// Reads the name of a file. It must be the plain form of a path, so that each file has only one name.
pub(super) fn path_of(name: &str) -> Result<RelativePath, ModelStatementError> {
    let path = name.parse::<RelativePath>().ok().filter(|path| !path.is_root() && path.as_str() == name);
    path.ok_or_else(|| ModelStatementError::Name(name.to_owned()))
}
