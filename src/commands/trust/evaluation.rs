//! The flags of `kit attach` for the results of an evaluation.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;

use super::certificates::CertificateArgs;
use super::keys::private_key;
use super::sign::{report, say_where};
use crate::context::{Context, parse};
use crate::output::{counted, one_line, usage};
use kit_core::digest::Digest;
use kit_core::ops::{self, AttestOptions, DataSource, EvaluateOptions, Filter, Location, Lookup, Session};
use kit_core::provenance::{EVALUATION_PREDICATE_TYPE, Evaluation};
use kit_core::verdict::Minimum;

/// The results of an evaluation.
#[derive(Debug, Args)]
pub(super) struct EvaluationArgs {
    /// File with the results of an evaluation: the output of lm-eval, a run of MLflow, or any JSON with numbers
    #[arg(long, value_name = "FILE", requires_all = ["data", "signing_key"])]
    result: Option<PathBuf>,
    /// Data that the model was evaluated on: a file or folder, a dataset of the ModelKit (datasets:NAME), or a digest
    #[arg(long, value_name = "DATA", requires = "result")]
    data: Option<String>,
    /// Lowest accepted value of a metric in the results, such as accuracy=0.9; the result is FAILED if one is lower
    /// (repeatable)
    #[arg(long = "minimum", value_name = "METRIC=NUMBER", requires = "result")]
    minimums: Vec<Minimum>,
    /// Private key that signs the result: a file, or `env://NAME` for a variable that contains it; COSIGN_PASSWORD is
    /// the password
    #[arg(id = "signing_key", long = "key", value_name = "FILE", requires = "result")]
    key: Option<String>,
}

impl EvaluationArgs {
    /// Returns true if the results of an evaluation are attached.
    pub(super) fn is_given(&self) -> bool {
        self.result.is_some()
    }

    /// Signs the results, and attaches them to the ModelKit.
    pub(super) fn attach(
        &self,
        context: &Context,
        session: &Session<'_>,
        (location, place): (&Location, Lookup),
        certificates: &CertificateArgs,
    ) -> Result<()> {
        let (Some(file), Some(data), Some(key)) = (&self.result, &self.data, &self.key) else {
            return Err(usage("--result needs --data DATA and --key FILE"));
        };
        let failed = || format!("cannot attach an evaluation to `{location}`");
        let options = EvaluateOptions {
            results: (context.environment.absolute(file), name(file)),
            data: source(context, data)?,
            minimums: self.minimums.iter().map(|Minimum { metric, lowest }| (metric.clone(), *lowest)).collect(),
            jobs: session.jobs_to_read(location).small,
        };
        let key = private_key(context, key)?;
        let certificates = certificates.chain(context, key.public_key())?;
        let signable = ops::open_signable(session, location, place).with_context(failed)?;
        let evaluation = ops::evaluate(&signable, &options).with_context(failed)?;
        let options = AttestOptions {
            key: &key,
            certificates: certificates.as_ref(),
            predicate_type: EVALUATION_PREDICATE_TYPE.to_owned(),
            predicate: evaluation.to_predicate(),
            time: context.environment.time,
        };
        let signed = ops::attest(&signable, options).with_context(failed)?;
        report(context, location, &signed, "attested")?;
        context.output.say(&in_words(&evaluation));
        say_where(context, location, &signable, std::slice::from_ref(&signed));
        Ok(())
    }
}

/// A line about the result.
fn in_words(evaluation: &Evaluation) -> String {
    let result = if evaluation.has_passed() { "PASSED" } else { "FAILED" };
    let (count, data) = (counted(evaluation.metrics.len(), "metric"), &evaluation.data);
    one_line(&format!("{result}: {count} on {} ({})", data.name, data.digest))
}

/// The data that `text` names. A file that exists is a file, whatever its name looks like.
fn source(context: &Context, text: &str) -> Result<DataSource> {
    if let Ok(digest) = text.parse::<Digest>() {
        return Ok(DataSource::Digest(digest));
    }
    let path = context.environment.absolute(Path::new(text));
    if text.starts_with("datasets:") && !path.exists() {
        return Ok(DataSource::Dataset(parse::<Filter>(text)?, text.to_owned()));
    }
    let name = name(&path);
    Ok(DataSource::Path(path, name))
}

/// The last name of a path.
fn name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}
