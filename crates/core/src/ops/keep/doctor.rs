//! Finding out what a registry does, and what `kit` will do with it.

use std::str::FromStr;

use crate::oci::{InvalidReference, Reference};
use crate::registry::{Client, Error, Finding};

/// Who is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DoctorTarget {
    /// The registry as a whole: host and port.
    Registry(String),
    /// One repository; tag and digest do not count.
    Repository(Reference),
}

/// How far the questions go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeMode {
    /// Nothing is changed.
    Reading,
    /// Small things are written, and deleted again where the registry allows it.
    Writing,
}

/// What was found, and what ended the search, if something did.
#[derive(Debug)]
pub struct Diagnosis {
    /// In the order of asking.
    pub findings: Vec<Finding>,
    /// Why the registry, or the repository, cannot be used.
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

/// Asks `patient`, and tells of what it was not asked what was learned in the last days.
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
