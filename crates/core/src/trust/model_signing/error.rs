//! The reasons why a statement of a model is refused.

use super::hash::HashType;
use crate::relative_path::RelativePath;
use crate::trust::envelope::IN_TOTO;
use crate::trust::json::JsonError;
use crate::trust::statement::StatementError;

/// The reason why a document is not a statement of a model that `kit` accepts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelStatementError {
    /// A payload of another type.
    #[error("its payload has the type `{0}`, not `{IN_TOTO}`")]
    PayloadType(String),
    /// Not a statement.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// A statement about something else.
    #[error("its statement is not a signature of the files of a model, but `{0}`")]
    OtherPredicate(String),
    /// A predicate of another form.
    #[error("its list of files is not valid")]
    Predicate(#[source] JsonError),
    /// Another number of subjects than one.
    #[error("its statement has {0} subjects instead of one")]
    Subjects(usize),
    /// A subject without the digest of the list.
    #[error("its statement has no SHA-256 digest of the list of files")]
    NoRoot,
    /// The digest of the list is wrong.
    #[error("its statement is inconsistent: the digest of the list of files differs from the listed digests")]
    Root,
    /// An unknown way to list files.
    #[error("its files are listed by the method `{0}`, which this version of kit does not support")]
    Method(String),
    /// An unknown hash.
    #[error("its files are hashed with `{0}`, which this version of kit does not support")]
    Hash(String),
    /// A file with another hash than that of the statement.
    #[error("it lists `{name}` with the algorithm `{algorithm}`, not `{expected}`")]
    Algorithm {
        /// The name of the file or part.
        name: String,
        /// The algorithm of its digest.
        algorithm: String,
        /// The algorithm that follows from the statement.
        expected: String,
    },
    /// A digest of another form.
    #[error("it lists `{0}` with a digest that does not consist of {1} lower-case hexadecimal digits")]
    Digest(String, usize),
    /// A file without a digest that is used.
    #[error("it lists `{0}` without a {1} digest")]
    NoDigest(String, HashType),
    /// A name that is not a plain relative path.
    #[error("it lists the file `{0}`, which is not a path inside the folder")]
    Name(String),
    /// A name that occurs twice.
    #[error("it lists `{0}` twice")]
    Twice(RelativePath),
    /// A list without files.
    #[error("it does not cover any file")]
    NoFiles,
    /// A list with too many files.
    #[error("it lists more than {0} files")]
    TooMany(usize),
    /// An ignored path that contains everything, or is not inside the folder.
    #[error("it ignores `{0}`, which is not a path below the folder")]
    Ignored(String),
    /// A size of parts that is not a positive integer.
    #[error("its parts have the size {0}, which is not a positive integer")]
    ShardSize(String),
    /// The name of a part that is not `PATH:START:END`.
    #[error("it lists `{0}`, which is not a part of a file of the form PATH:START:END")]
    Shard(String),
    /// Parts that overlap or leave something out.
    #[error("the listed parts of `{0}` do not follow each other")]
    Shards(RelativePath),
}
