//! Capabilities of hosts, remembered for some days, so that the next run does not repeat a refused request.
//!
//! There is one small file per host. It is optional: a missing, damaged or outdated file costs one refused request.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use fs_err as fs;
use serde::{Deserialize, Serialize};
use tracing::debug;

use crate::sys::{self, TemporaryFile};

/// Far more than the features of a host.
const SIZE_LIMIT: u64 = 64 * 1024;
/// The lifetime of a capability. Registries are upgraded, so an unsupported feature is tried again after a week.
const LONGEST_LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A feature that registries may support or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Feature {
    /// A blob in one PUT.
    Whole,
    /// A blob in parts, by PATCH.
    Parts,
    /// An upload reports its progress.
    Resume,
    /// An upload is ended by DELETE.
    Cancel,
    /// A blob is mounted from another repository.
    Mount,
    /// Manifests with `artifactType`.
    ArtifactType,
    /// Manifests whose config has a custom media type.
    MediaTypes,
    /// The list of referrers of a manifest.
    Referrers,
    /// Manifests are deleted by digest.
    Delete,
}

/// An observation about one feature of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Capability {
    pub(crate) is_supported: bool,
    /// The largest size in bytes that was not refused, if a larger one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) at_most_bytes: Option<u64>,
    /// The time of the observation, in seconds since 1970.
    learned_at: u64,
}

pub(super) type HostCapabilities = BTreeMap<Feature, Capability>;

/// The capabilities of all hosts, as observed by this process and by earlier ones.
pub(crate) struct Capabilities {
    /// The folder of the files; without one, the capabilities end with the process.
    folder: Option<PathBuf>,
    hosts: Mutex<HashMap<String, HostCapabilities>>,
}

/// The file of one host. Hosts whose names map to the same file share it, and it is about one of them.
#[derive(Serialize, Deserialize)]
struct File {
    host: String,
    facts: HostCapabilities,
}

impl Capability {
    /// A capability that is observed now.
    pub(crate) fn new(is_supported: bool, at_most_bytes: Option<u64>) -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { is_supported, at_most_bytes, learned_at: since.as_secs() }
    }

    fn is_fresh(&self) -> bool {
        let learned_at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(self.learned_at));
        // A time in the future was written with a wrong clock.
        learned_at.and_then(|at| at.elapsed().ok()).is_some_and(|age| age <= LONGEST_LIFE)
    }
}

impl Capabilities {
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, hosts: Mutex::default() }
    }

    /// The known capabilities of `host`.
    pub(crate) fn of(&self, host: &str) -> HostCapabilities {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.entry(host.to_owned()).or_insert_with(|| self.read(host)).clone()
    }

    /// Remembers `facts` of `host`. A supported feature keeps its known limit if a new observation has none.
    pub(crate) fn note(&self, host: &str, facts: impl IntoIterator<Item = (Feature, Capability)>) {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        // Another process may have stored something meanwhile.
        let mut known = hosts.remove(host).unwrap_or_default();
        known.extend(self.read(host));
        for (feature, fact) in facts {
            let before = known.get(&feature).filter(|before| before.is_supported && fact.is_supported);
            let at_most_bytes = fact.at_most_bytes.or(before.and_then(|before| before.at_most_bytes));
            known.insert(feature, Capability { at_most_bytes, ..fact });
        }
        if let Err(error) = self.write(host, &known) {
            debug!(%error, host, "the capabilities of this host cannot be stored");
        }
        hosts.insert(host.to_owned(), known);
    }

    /// Forgets the capabilities of `host`.
    pub(crate) fn forget(&self, host: &str) -> io::Result<()> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner).remove(host);
        let Some(folder) = &self.folder else { return Ok(()) };
        match fs::remove_file(path(folder, host)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn read(&self, host: &str) -> HostCapabilities {
        let Some(folder) = &self.folder else { return HostCapabilities::new() };
        let text = sys::read_regular(&path(folder, host), SIZE_LIMIT).unwrap_or_default();
        let Ok(file) = serde_json::from_slice::<File>(&text) else { return HostCapabilities::new() };
        if file.host == host {
            file.facts.into_iter().filter(|(_, fact)| fact.is_fresh()).collect()
        } else {
            HostCapabilities::new()
        }
    }

    fn write(&self, host: &str, facts: &HostCapabilities) -> io::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        fs::create_dir_all(folder)?;
        let mut file = TemporaryFile::create(folder, "tmp-", 0o600)?;
        serde_json::to_writer(&mut file, &File { host: host.to_owned(), facts: facts.clone() })?;
        file.flush()?;
        // Not synced: an incomplete file is not valid JSON, and is ignored.
        file.persist(&path(folder, host))
    }
}

/// The path of the file of `host`. Characters other than letters, digits, dots and hyphens belong to ports and
/// addresses, and become underscores.
fn path(folder: &Path, host: &str) -> PathBuf {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    let name: String = host.chars().map(|c| if is_safe(c) { c } else { '_' }).collect();
    folder.join(format!("{name}.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "kit.example:5000";

    fn noted(folder: &Path, feature: Feature, fact: Capability) -> HostCapabilities {
        Capabilities::new(Some(folder.to_owned())).note(HOST, [(feature, fact)]);
        Capabilities::new(Some(folder.to_owned())).of(HOST)
    }

    #[test]
    fn the_next_process_reads_the_recorded_capabilities() {
        let folder = tempfile::tempdir().unwrap();
        let here = Capabilities::new(Some(folder.path().join("registries")));
        let there = Capabilities::new(Some(folder.path().join("registries")));
        assert_eq!(here.of(HOST), HostCapabilities::new());
        there.note(HOST, [(Feature::Parts, Capability::new(true, Some(4)))]);
        here.note(HOST, [(Feature::Mount, Capability::new(false, None))]);
        let expected = HostCapabilities::from([
            (Feature::Parts, Capability::new(true, Some(4))),
            (Feature::Mount, Capability::new(false, None)),
        ]);
        let kept = Capabilities::new(Some(folder.path().join("registries"))).of(HOST);
        let without_time = |facts: &HostCapabilities| -> Vec<_> {
            facts.iter().map(|(feature, fact)| (*feature, fact.is_supported, fact.at_most_bytes)).collect()
        };
        assert_eq!(without_time(&kept), without_time(&expected));
        assert_eq!(here.of(HOST), kept);
        assert_eq!(here.of("kit.example"), HostCapabilities::new());
        here.forget(HOST).unwrap();
        here.forget(HOST).unwrap();
        assert_eq!(
            (here.of(HOST), fs::read_dir(folder.path().join("registries")).unwrap().count()),
            (HostCapabilities::new(), 0)
        );
    }

    #[test]
    fn a_limit_outlives_a_success_below_it_but_no_refusal() {
        let folder = tempfile::tempdir().unwrap();
        let limit = |facts: HostCapabilities| facts[&Feature::Parts].at_most_bytes;
        assert_eq!(limit(noted(folder.path(), Feature::Parts, Capability::new(true, Some(4)))), Some(4));
        assert_eq!(limit(noted(folder.path(), Feature::Parts, Capability::new(true, None))), Some(4));
        assert_eq!(limit(noted(folder.path(), Feature::Parts, Capability::new(true, Some(2)))), Some(2));
        assert_eq!(limit(noted(folder.path(), Feature::Parts, Capability::new(false, None))), None);
    }

    #[test]
    fn old_damaged_and_foreign_findings_are_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let old = Capability {
            learned_at: Capability::new(true, None).learned_at - LONGEST_LIFE.as_secs() - 1,
            ..Capability::new(false, None)
        };
        let to_come = Capability { learned_at: u64::MAX, ..old };
        assert_eq!(noted(folder.path(), Feature::Parts, old), HostCapabilities::new());
        assert_eq!(noted(folder.path(), Feature::Parts, to_come), HostCapabilities::new());
        assert_eq!(noted(folder.path(), Feature::Parts, Capability::new(false, None)).len(), 1);
        assert_eq!(
            Capabilities::new(Some(folder.path().to_owned())).of("kit.example_5000"),
            HostCapabilities::new(),
            "the same file"
        );
        for text in ["", "{\"host\":\"kit.exa", "[]", r#"{"host":"kit.example:5000","facts":{"flies":{}}}"#] {
            fs::write(path(folder.path(), HOST), text).unwrap();
            assert_eq!(Capabilities::new(Some(folder.path().to_owned())).of(HOST), HostCapabilities::new(), "{text}");
        }
    }

    #[test]
    fn hosts_become_names_of_files() {
        for (host, expected) in
            [("a.b-c:5", "a.b-c_5.json"), ("[::1]:5", "___1__5.json"), ("../x", ".._x.json"), ("..", "...json")]
        {
            assert_eq!(path(Path::new(""), host), PathBuf::from(expected));
        }
    }

    #[test]
    fn findings_stay_in_memory_if_their_folder_cannot_be_created() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let capabilities = Capabilities::new(Some(folder.path().join("file")));
        capabilities.note(HOST, [(Feature::Parts, Capability::new(false, None))]);
        assert_eq!(capabilities.of(HOST).len(), 1);
    }
}
