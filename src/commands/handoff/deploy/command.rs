//! `kit deploy`: the arguments, and the choice of the form.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;

use super::settings::Settings;
use super::{check, kubernetes, script};
use crate::config::NetworkArgs;
use crate::context::Context;
use crate::output::{Format, usage};
use kit_core::ops::{self, Location, Lookup};
use kit_core::trust::PublicKey;

/// Print a manifest that deploys a ModelKit, or compare one with it
///
/// The manifest names the ModelKit, or its image form, by digest, and requests the memory that the headers of the
/// weights ask for. Only the headers are read, unless a layer is compressed, and of a name with a registry always from
/// the registry. The path of the model in the container is in the variable `MODEL_PATH`.
///
/// With --check, FILE is compared with the ModelKit instead: every reference to its repository must have its digest or
/// that of its image form, and the largest memory request must be enough for the model. FILE is YAML or JSON, as in git
/// or as `kubectl get -o yaml` prints it. The command exits with 3 if anything differs.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit deploy registry.example/team/sentiment:v2 --as image-volume --image registry.example/team/server:1.0
  kit deploy registry.example/team/sentiment:v2 --as kserve | kubectl apply -f -
  kit deploy registry.example/team/chat:v1 --as vllm > serve.sh
  kit deploy registry.example/team/chat:v1 --as ollama > Modelfile
  kubectl get pod sentiment -o yaml | kit deploy registry.example/team/sentiment:v2 --check -")]
pub(crate) struct DeployArgs {
    /// ModelKit to deploy, by its tag, so that its image form is found
    #[arg(value_name = "NAME:TAG")]
    reference: String,
    /// Form of the manifest: image-volume, init-container, kserve, compose, vllm or ollama
    #[arg(long = "as", value_name = "FORM")]
    form: Option<DeployForm>,
    /// Compare this manifest with the ModelKit; `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with = "form")]
    check: Option<PathBuf>,
    /// Image of the server, for image-volume, init-container and compose
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// Image that contains kit, for init-container
    #[arg(long, value_name = "IMAGE")]
    kit_image: Option<String>,
    /// Name of the objects [default: the name of the package]
    #[arg(long, value_name = "NAME")]
    object_name: Option<String>,
    /// Name of the secret with the credentials for the registry [default: its host, with hyphens]
    #[arg(long, value_name = "NAME")]
    pull_secret: Option<String>,
    /// Public key that the ModelKit must be signed with, for init-container
    #[arg(long, value_name = "FILE")]
    signed_by: Option<PathBuf>,
    /// Format of the model by which KServe chooses a runtime [default: from the weights or the Kitfile]
    #[arg(long, value_name = "NAME")]
    model_format: Option<String>,
    /// Output format of --check: table, json, yaml, or a Go template
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
    #[command(flatten)]
    network: NetworkArgs,
}

/// The value of --as.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum DeployForm {
    /// A Pod that mounts the image form as a volume
    ImageVolume,
    /// A Pod whose init containers unpack and verify the model
    InitContainer,
    /// An `InferenceService` of KServe
    Kserve,
    /// A Compose file
    Compose,
    /// A shell script that runs `vllm serve`
    Vllm,
    /// A Modelfile of Ollama
    Ollama,
}

/// A name with a registry is read from there, because a cluster does so too, and the image form is beside it.
fn place(location: &Location) -> Lookup {
    match location {
        Location::Artifact(reference) if !reference.is_local() => Lookup::Remote,
        Location::Artifact(_) | Location::Layout { .. } => Lookup::Local,
    }
}

impl DeployArgs {
    /// Reads the public key.
    fn key(&self, context: &Context) -> Result<Option<String>> {
        let Some(file) = &self.signed_by else { return Ok(None) };
        let text = fs_err::read(context.environment.absolute(file))
            .with_context(|| format!("cannot read the key `{}`", file.display()))?;
        // Only the parsed key gets into a manifest: the file may contain a private key as well.
        let key = PublicKey::from_pem(&text).map_err(|error| usage(format!("`{}`: {error}", file.display())))?;
        Ok(Some(key.to_pem()))
    }

    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        self.format.expect_fields(&["equal", "digest", "imageDigest", "differences"])?;
        let location = context.location(&self.reference)?;
        let session = context.session(&self.network)?;
        let deployment = session
            .find(&location, place(&location))
            .and_then(|found| {
                ops::admit_to_read(&session, &found)?;
                let inspected = ops::inspect(&found)?;
                ops::deployment(&session, (&location, &found, &inspected), session.jobs_to_read(&location).small)
            })
            .with_context(|| format!("cannot read `{location}`"))?;
        if let Some(file) = &self.check {
            return check::check(context, (file, &location.to_string()), &deployment, &self.format);
        }
        let settings = Settings {
            deployment: &deployment,
            title: location.to_string(),
            name: self.object_name.as_deref(),
            image: self.image.as_deref(),
            kit_image: self.kit_image.as_deref(),
            pull_secret: self.pull_secret.as_deref(),
            model_format: self.model_format.as_deref(),
            key: self.key(context)?,
        };
        let text = match self.form {
            Some(DeployForm::ImageVolume) => kubernetes::image_volume(&settings)?,
            Some(DeployForm::InitContainer) => kubernetes::init_container(&settings)?,
            Some(DeployForm::Kserve) => kubernetes::kserve(&settings)?,
            Some(DeployForm::Compose) => kubernetes::compose(&settings)?,
            Some(DeployForm::Vllm) => script::vllm(&settings)?,
            Some(DeployForm::Ollama) => script::ollama(&settings)?,
            None => return Err(usage("choose the form of the manifest with --as, or compare one with --check FILE")),
        };
        Ok(context.output.result(text)?)
    }
}
