//! Every limit on what other people decide: the size, the number and the depth of what a registry, a file or a project
//! contains.
//!
//! A limit keeps the memory and the time of a command within bounds, whatever it reads. It is checked before anything
//! is written, and never prevents a removal. Sizes of buffers and numbers of threads are not limits; they are next to
//! the code that uses them.
//!
//! `docs/reference/limits.md` is generated from this file; a test compares both.

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// Defines the constants, and the table for the documentation.
macro_rules! limits {
    ($($section:literal { $($(#[doc = $doc:literal])+ $kind:ident $name:ident = $value:expr;)+ })+) => {
        $($($(#[doc = $doc])+ pub const $name: $kind = $value;)+)+

        /// The sections of the documentation, each with its limits.
        #[cfg(test)]
        const SECTIONS: &[(&str, &[Limit])] = &[$(($section, &[$(Limit {
            name: stringify!($name),
            value: Value::$kind($name),
            text: concat!($($doc),+),
        }),+])),+];
    };
}

// The kinds of limits.
type Bytes = u64;
type Count = usize;
type Log = u32;

limits! {
    "Documents" {
        /// A manifest, an index of ModelKits or a config; these are read into memory. Registries accept at least 4 MiB
        /// (OCI distribution 1.1, "Pushing Manifests"), and often no more. A manifest of this size has about 4,000
        /// layers with tables of contents in the manifest, and 10,000 without.
        Bytes MANIFEST_BYTES = 4 * MIB;
        /// A Kitfile, which is read into memory; about 20,000 entries.
        Bytes KITFILE_BYTES = MIB;
        /// The depth of a YAML document: far more than any Kitfile needs, and less than the 128 levels that are read
        /// back from the JSON of a config.
        Count YAML_DEPTH = 100;
        /// The text bytes and nodes of a YAML document after its aliases are expanded. A document without aliases
        /// cannot reach it.
        Count YAML_WEIGHT = 4 * 1024 * 1024;
        /// A `.kitignore`, which is read into memory.
        Bytes IGNORE_FILE_BYTES = 4 * MIB;
        /// The steps of one pattern in a `.kitignore`. Linux allows paths of 4 KiB, and matching a path costs at most
        /// its length times this number.
        Count IGNORE_PATTERN_STEPS = 4096;
        /// A `KITOWNERS`, which is read into memory.
        Bytes OWNERS_BYTES = 256 * KIB;
        /// The patterns of a `KITOWNERS`. Each file is compared with each of them.
        Count OWNER_RULES = 2000;
        /// A `Kitfile.lock`, which is read into memory; about 110 bytes for a file, so about 600,000 files.
        Bytes LOCK_BYTES = 64 * MIB;
        /// The entries of the ZIP archive of an MCP server that are searched for its manifest.
        Count MCP_BUNDLE_ENTRIES = 100_000;
        /// A text file of a project or of a repository that `kit init` and `kit import` read, such as a model card.
        Bytes PROJECT_TEXT_BYTES = 16 * MIB;
        /// A text of a project or of a layer that is searched for secrets, in parts of 1 MiB. Notebooks with pictures
        /// have some tens of megabytes. A larger text is reported.
        Bytes SEARCHED_TEXT_BYTES = 256 * MIB;
        /// A notebook that is packed without its outputs, which is read into memory. Notebooks with pictures have some
        /// tens of megabytes. A larger one is packed as it is, with a warning.
        Bytes STRIPPED_NOTEBOOK_BYTES = 128 * MIB;
        /// The `config.json` of a model. Real ones have a few KiB; a larger file of that name is something else.
        Bytes MODEL_CONFIG_BYTES = MIB;
        /// The parameters, metrics or tags of an MLflow run. More of them are data.
        Count MLFLOW_FILES = 10_000;
        /// The file of an MLflow metric, with about 60 bytes for a step.
        Bytes METRIC_BYTES = 32 * MIB;
        /// The header of a file of weights. A GGUF file with a vocabulary of 256,000 words needs about 10 MB, and a
        /// safetensors file about 100 bytes for each tensor. The reader of safetensors accepts 100 MB.
        Bytes TENSOR_HEADER_BYTES = 32 * MIB;
        /// The tensors of one file of weights. Files of large models have some thousand; the largest mixtures of
        /// experts have about 140,000, in many files.
        Count TENSORS = 100_000;
        /// The tensors of all files of a ModelKit that are listed.
        Count LISTED_TENSORS = 300_000;
        /// The metadata of all files of weights in a ModelKit that are listed. Chat templates have some kilobytes.
        Bytes LISTED_METADATA_BYTES = 16 * MIB;
        /// The files of weights in a ModelKit that are listed. Large models have some hundred.
        Count LISTED_WEIGHT_FILES = 10_000;
        /// The entries of the metadata in the header of a file of weights, which usually has less than 100.
        Count TENSOR_METADATA = 100_000;
        /// The numbers in short arrays of the metadata that are kept, 8 bytes each.
        Count TENSOR_METADATA_NUMBERS = 256 * 1024;
        /// The dimensions of a tensor. The GGUF specification says: "Currently at most 4, but this may change in the
        /// future."
        Count TENSOR_DIMENSIONS = 8;
        /// The depth of nested arrays in a GGUF file, which are allowed but not used in practice.
        Count GGUF_DEPTH = 4;
        /// The depth of messages inside one another in an ONNX model whose external data is looked for. A graph in a
        /// node of a graph takes three levels.
        Count ONNX_DEPTH = 64;
        /// One entry of an ONNX model that describes external data, such as the path of the file.
        Bytes ONNX_ENTRY_BYTES = 8 * KIB;
        /// The files of external data of an ONNX model. Exporters that write a file for each tensor write some
        /// thousands.
        Count ONNX_EXTERNAL_FILES = 20_000;
    }
    "Local store and archives" {
        /// The `index.json` of a store that is written: about 60,000 ModelKits, whose index is read by every command.
        Bytes INDEX_BYTES = 64 * MIB;
        /// The `index.json` of a store that is read: more than what is written, so that a store of another program, or
        /// of an earlier version of `kit`, can be opened to remove ModelKits.
        Bytes INDEX_READ_BYTES = 256 * MIB;
        /// A manifest, config or attestation of a registry that is kept, so that a repository can be listed again with
        /// fewer requests. They usually have some kilobytes.
        Bytes FETCHED_DOCUMENT_BYTES = 256 * KIB;
        /// All documents of registries that are kept: those of some thousand ModelKits.
        Bytes FETCHED_BYTES = 32 * MIB;
        /// The file `oci-layout`, which has one line.
        Bytes LAYOUT_FILE_BYTES = 64 * KIB;
        /// The entries of the record of what was unpacked into a folder. After a run with more files there is none.
        Count UNPACK_RECORD_ENTRIES = 1_000_000;
        /// One entry of this record. The largest lists the layers of a ModelKit.
        Bytes UNPACK_RECORD_ENTRY_BYTES = 16 * MIB;
        /// The members of an archive of `kit save`.
        Count ARCHIVE_MEMBERS = 100_000;
        /// The bytes of a path in the recipe of a linked layer. Linux allows 4 KiB.
        Bytes RECIPE_PATH_BYTES = 64 * KIB;
    }
    "Watching" {
        /// The state of a watch. A tag takes about 100 bytes, and a document that is attached to a version as well.
        Bytes WATCH_STATE_BYTES = 256 * MIB;
        /// The events that wait to be delivered. While there are more, the registries are not asked: what happens in
        /// the meantime is noticed later.
        Count WATCH_QUEUE = 10_000;
    }
    "Signatures" {
        /// The file of a key. Keys have some hundred bytes.
        Bytes KEY_FILE_BYTES = 64 * KIB;
        /// A file with certificates, or a trusted root with its logs.
        Bytes CERTIFICATES_BYTES = MIB;
        /// A bundle: a signature together with the statement that is signed, or an attestation.
        Bytes BUNDLE_BYTES = 8 * MIB;
        /// The log entries and timestamps of a bundle, together. A signature has one or two.
        Count BUNDLE_EVIDENCE = 32;
        /// The predicate of an attestation that is read from a file. The bundle with it has its own limit.
        Bytes PREDICATE_BYTES = 16 * MIB;
        /// A file with the results of an evaluation. That of lm-eval has some kilobytes for each task.
        Bytes EVALUATION_BYTES = 16 * MIB;
        /// The metrics in it.
        Count EVALUATION_METRICS = 10_000;
        /// A `policy.toml`, or a file with a key that it names.
        Bytes POLICY_BYTES = MIB;
        /// The payload of a signature of cosign 1 or 2, which names a repository and a digest.
        Bytes SIMPLE_SIGNING_BYTES = MIB;
        /// The signatures and attestations of one ModelKit that are read.
        Count SIGNATURES = 1000;
        /// The files that the signature of a folder lists.
        Count SIGNED_FILES = 1_000_000;
        /// The signatures and attestations of one ModelKit that are read, together.
        Bytes SIGNATURES_BYTES = 64 * MIB;
    }
    "Tables of contents" {
        /// The compressed table of a layer. A layer with a larger table is packed without one.
        Bytes TABLE_BYTES = 16 * MIB;
        /// The same table when it is decompressed; 85 KB can become a gigabyte.
        Bytes TABLE_TEXT_BYTES = 48 * MIB;
        /// One line of a table: the entry of a file. A file of 100 GB has about 25,000 chunks, which take less than
        /// 3 MiB; a file with 70,000 tensors takes about 12 MiB.
        Bytes TABLE_LINE_BYTES = 16 * MIB;
        /// The dimensions of a tensor in a table.
        Count TABLE_DIMENSIONS = 64;
        /// A table that is stored in the manifest. A blob of its own costs two requests on push and one on pull; the
        /// limit is enough for about five files, and lets a manifest of 4 MiB describe 4,000 layers.
        Count INLINE_TABLE_BYTES = 512;
        /// The files and folders in a table, about as many as fit into it.
        Count TABLE_ENTRIES = 250_000;
        /// A file without chunks that is verified in memory before it is returned. Tables of `kit` list the chunks of
        /// all files of 1 MiB or more. A larger file is verified while it is returned.
        Bytes WHOLE_FILE_BYTES = 4 * MIB;
        /// The base 2 logarithm of the window of content that is compressed with zstd, which has to be held in memory:
        /// 32 MiB. The levels up to 20 need no more; `kit` writes windows of 2 MiB.
        Log ZSTD_WINDOW_LOG = 25;
        /// The frames of a layer that is compressed with zstd, 2 MiB each.
        Count SEEK_TABLE_FRAMES = 1024 * 1024;
    }
    "Lists of files" {
        /// The files of a ModelKit that are listed.
        Count LISTED_FILES = 500_000;
        /// The paths of these files together.
        Bytes LISTED_PATHS_BYTES = 32 * MIB;
    }
    "Output" {
        /// The files or tensors in the data of a single document that is written as YAML or passed to a template, each
        /// of which takes two kilobytes of memory. JSON and tables are written row by row.
        Count TREE_ROWS = 30_000;
    }
    "Answers of registries and other servers" {
        /// The pages of a list. A server with more of them is likely to repeat them in a cycle.
        Count LIST_PAGES = 4000;
        /// All pages of a list together, of which each is at most as long as a manifest.
        Bytes LIST_BYTES = 64 * MIB;
        /// The repositories that are checked as the origin of a blob: each check costs a request, and one origin is
        /// enough.
        Count ORIGINS = 4;
        /// The tags of a repository.
        Count TAGS = 200_000;
        /// The referrers of one manifest, such as its attestations. The others are left out, with a warning.
        Count REFERRERS = 1000;
        /// The blobs of one referrer together. A larger one is not copied.
        Bytes REFERRER_BYTES = 256 * MIB;
        /// The manifests of an index of ModelKits together, which `kit` holds while it copies the index.
        Bytes INDEX_MEMBERS_BYTES = 64 * MIB;
        /// The answer to a request that failed.
        Bytes ERROR_ANSWER_BYTES = 64 * KIB;
        /// The redirects of one request, as in other clients.
        Count REDIRECTS = 10;
        /// An answer with a token.
        Bytes TOKEN_ANSWER_BYTES = MIB;
        /// The output of a credential helper.
        Bytes CREDENTIAL_HELPER_BYTES = MIB;
        /// The output of git about a working tree; more is not used.
        Bytes GIT_OUTPUT_BYTES = 256 * KIB;
        /// The answer of the Hugging Face hub about a repository, usually some kilobytes; model cards with long tables
        /// of results have more.
        Bytes HUB_ANSWER_BYTES = 16 * MIB;
        /// The files of a repository of the hub or of a git repository.
        Count REPOSITORY_FILES = 200_000;
        /// A file outside of LFS that is read into memory. The hub accepts none above 10 MiB.
        Bytes HUB_SMALL_FILE_BYTES = 16 * MIB;
        /// The answer of an LFS server about one object.
        Bytes LFS_ANSWER_BYTES = MIB;
        /// A pointer of Git LFS (Git LFS specification, "The Pointer").
        Bytes LFS_POINTER_BYTES = KIB;
    }
    "Graphs of ModelKits" {
        /// The ModelKits in a chain of references from model to model (KitOps has the same limit).
        Count PARENTS = 10;
        /// The ModelKits whose remote datasets are looked for.
        Count REMOTE_DATA_KITS = 1000;
        /// The attestations of one ModelKit that are read.
        Count RECORDS = 16;
        /// The text on standard input that names deployed ModelKits, such as the pods of a cluster.
        Bytes MENTIONS_BYTES = 256 * MIB;
        /// The signed approvals, recalls and promotions of one ModelKit that are read where no policy is asked, the
        /// newest first.
        Count SIGNED_RECORDS = 64;
        /// The records of promotions of one ModelKit that are read, the newest first.
        Count PROMOTIONS = 32;
        /// The versions that `kit log` reads. The others are left out, with a warning.
        Count LOG_VERSIONS = 1000;
        /// The layers of all versions that `kit log` compares. Versions beyond it are left out, with a warning.
        Count LOG_LAYERS = 200_000;
        /// The Kitfiles that `kit log` keeps to name the owners of their fields. Beyond it, fields are not considered.
        Bytes LOG_KITFILES_BYTES = 64 * MIB;
        /// The metrics of one version that are kept. A Kitfile may have any number of parameters.
        Count LOG_METRICS = 64;
        /// The ModelKits in a lineage; those beyond it are marked as left out.
        Count LINEAGE_NODES = 1000;
    }
    "Scans" {
        /// Members in one another: an archive in an archive, or a pickle in a string of a pickle.
        Count SCAN_DEPTH = 4;
        /// The members of a file, with those of its members.
        Count SCAN_MEMBERS = 100_000;
        /// The bytes that are read from the members of one file. A larger file may have members of
        /// `SCAN_OPENED_RATIO` times its size.
        Bytes SCAN_OPENED_BYTES = 4096 * MIB;
        /// The ratio of the bytes that are read from the members of a file to its size, above `SCAN_OPENED_BYTES`.
        /// Deflate does not exceed 1,032.
        Count SCAN_OPENED_RATIO = 200;
        /// A text that is scanned. A file that is neither named nor begins like a pickle is tried as one up to this
        /// size.
        Bytes SCANNED_TEXT_BYTES = MIB;
        /// The opcodes of the pickles in a file.
        Count PICKLE_OPCODES = 100_000_000;
        /// The values on the stack of a pickle and in its memo together.
        Count PICKLE_MEMO = 10_000_000;
        /// The texts of a pickle that are kept, because they are names in the tables of rules or of imports.
        Bytes PICKLE_NAMES_BYTES = 8 * MIB;
        /// A text of a pickle that is read into memory. A longer one is not a name; bytes are examined where they are.
        Bytes PICKLE_TEXT_BYTES = MIB;
        /// The header of a NumPy array. NumPy itself reads at most 10,000 bytes.
        Bytes NUMPY_HEADER_BYTES = 64 * KIB;
        /// A notebook or a configuration of a model.
        Bytes SCANNED_JSON_BYTES = 64 * MIB;
        /// The findings of one level in one file. The first ones are kept.
        Count SCAN_FINDINGS = 10_000;
    }
    "Reports" {
        /// The headers of weights that `kit report` reads. That of a GGUF file with a large vocabulary has 8 MiB.
        Bytes REPORT_TENSORS_BYTES = 10 * MIB;
        /// The parts of layers that `kit report` reads to list files and to find licences.
        Bytes REPORT_PARTS_BYTES = 2 * MIB;
        /// The parts of layers that `kit report` reads to compare the ModelKit with the previous version.
        Bytes REPORT_CHANGES_BYTES = 4 * MIB;
        /// A licence file that is read. The longest known text has 35 KiB.
        Bytes LICENSE_BYTES = 128 * KIB;
    }
    "Comparisons and deltas" {
        /// The file in a registry that is read to compare it, unless `kit diff` has another value.
        Bytes DIFF_REMOTE_BYTES = MIB;
        /// The files of both ModelKits together that `kit diff` holds in memory. Files that are equal by the tables of
        /// contents, and those in equal layers, do not count, apart from the files of one layer.
        Count COMPARED_FILES = 280_000;
        /// The chunks of these files. Beyond it, tensors are compared without the digests of their chunks.
        Count COMPARED_PIECES = 500_000;
        /// The files in the output of `kit diff`. The others are left out, with a warning.
        Count DIFFERENT_FILES = 60_000;
        /// A text file that `kit diff --patch` compares line by line.
        Bytes DIFF_TEXT_BYTES = MIB;
        /// All text files that one `kit diff --patch` compares. They are in memory, and the patch as well.
        Bytes DIFF_TEXTS_BYTES = 16 * MIB;
        /// The lines of a text that is compared.
        Count DIFF_LINES = 100_000;
        /// A notebook whose cells are compared. Pictures in outputs make notebooks larger than other texts.
        Bytes DIFF_NOTEBOOK_BYTES = 32 * MIB;
        /// A CSV or JSON Lines file whose rows are compared. It is streamed, but every row is read.
        Bytes DIFF_TABLE_BYTES = 256 * MIB;
        /// One record of a CSV or JSON Lines file.
        Count DIFF_RECORD_BYTES = 1024 * 1024;
        /// The columns of a CSV file.
        Count DIFF_COLUMNS = 10_000;
        /// The rows that are on one side only.
        Count DIFF_ROWS = 256 * 1024;
        /// A file that `kit diff --for` and `kit news` read for their facts. The vocabularies of tokenizers have up to
        /// 30 MB.
        Bytes VERDICT_DOCUMENT_BYTES = 32 * MIB;
        /// All these files of one ModelKit together.
        Bytes VERDICT_DOCUMENTS_BYTES = 128 * MIB;
        /// The files that a delta may take content from; content of the others is fetched.
        Count DELTA_FILES = 100_000;
        /// The chunks that a delta may take content from.
        Count DELTA_PIECES = 200_000;
        /// The earlier versions that a delta takes content from.
        Count DELTA_VERSIONS = 4;
    }
}

/// One row of the documentation.
#[cfg(test)]
struct Limit {
    name: &'static str,
    value: Value,
    text: &'static str,
}

#[cfg(test)]
enum Value {
    Bytes(u64),
    Count(usize),
    Log(u32),
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    const HEAD: &str = "\
# Limits

These limits keep the memory and the time of a command within bounds, whatever a registry, a file or a project contains.
A limit is checked before anything is written; the error names it and a way to continue. None of them prevents
`kit remove` or `kit fsck`. What is left out because of a limit is reported in a warning.

The names are those in the source code, `crates/core/src/limits.rs`.
";

    fn render() -> String {
        let mut text = HEAD.to_owned();
        for (section, limits) in SECTIONS {
            write!(text, "\n## {section}\n\n| limit | value | applies to |\n|---|--:|---|\n").unwrap();
            for Limit { name, value, text: about } in *limits {
                writeln!(text, "| `{name}` | {} | {} |", shown(value), about.trim()).unwrap();
            }
        }
        text
    }

    fn shown(value: &Value) -> String {
        match *value {
            Value::Bytes(bytes) if bytes % MIB == 0 => format!("{} MiB", bytes / MIB),
            Value::Bytes(bytes) if bytes % KIB == 0 => format!("{} KiB", bytes / KIB),
            Value::Bytes(bytes) => format!("{} bytes", grouped(bytes)),
            Value::Count(count) => grouped(count as u64),
            Value::Log(log) => log.to_string(),
        }
    }

    /// The number with a comma after each group of three digits.
    fn grouped(number: u64) -> String {
        match number {
            0..1000 => number.to_string(),
            _ => format!("{},{:03}", grouped(number / 1000), number % 1000),
        }
    }

    #[test]
    fn the_documentation_lists_every_limit() {
        expect_test::expect_file!["../../../docs/reference/limits.md"].assert_eq(&render());
    }
}
