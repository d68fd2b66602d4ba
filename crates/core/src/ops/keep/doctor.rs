//! Examining a registry: its capabilities, and the behaviour of `kit` with it.

use std::str::FromStr;

use crate::oci::{InvalidReference, Reference};
use crate::registry::{Client, Error, Finding};

/// The registry or repository to examine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DoctorTarget {
    /// A registry, as host and port.
    Registry(String),
    /// One repository; tag and digest are ignored.
    Repository(Reference),
}

/// The extent of the examination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeMode {
    /// Only requests that change nothing.
    Reading,
    /// Small blobs and manifests are written, and deleted afterwards if the registry allows it.
    Writing,
}

/// The findings, and the error that ended the examination early, if any.
#[derive(Debug)]
pub struct Diagnosis {
    /// The findings, in the order of the requests.
    pub findings: Vec<Finding>,
    /// The reason why the registry or the repository cannot be used.
    pub problem: Option<Error>,
}

impl FromStr for DoctorTarget {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        if text.contains('/') { Ok(Self::Repository(text.parse()?)) } else { Ok(Self::Registry(text.to_owned())) }
    }
}

impl DoctorTarget {
    fn registry(&self) -> &str {
        match self {
            Self::Registry(registry) => registry,
            Self::Repository(reference) => &reference.registry,
        }
    }
}

/// Examines `patient`. For capabilities that are not probed, reports the results that were remembered in the last days.
pub fn diagnose(client: &Client, depth: ProbeMode, patient: &DoctorTarget) -> Diagnosis {
    let mut findings = Vec::new();
    let problem = ask(client, depth, patient, &mut findings).err();
    Diagnosis { findings, problem }
}

fn ask(client: &Client, depth: ProbeMode, patient: &DoctorTarget, findings: &mut Vec<Finding>) -> Result<(), Error> {
    match patient {
        DoctorTarget::Registry(registry) => client.probe(registry, None, findings)?,
        DoctorTarget::Repository(reference) => {
            client.probe(&reference.registry, Some(&reference.repository), findings)?;
            let repository = client.repository(reference);
            repository.probe_reading(findings)?;
            if depth == ProbeMode::Writing {
                repository.probe_writing(findings)?;
            }
        }
    }
    client.recollect(patient.registry(), findings)
}
