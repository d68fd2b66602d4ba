//! The requirements of a rule in words.

use super::document::{
    AtLeast, Ceiling, LicenceRule, PickleRule, RecallMode, RequiredApproval, RequiredAttestation, Rule, ScanRule,
    Signers,
};
use super::verdict::Requirement;
use crate::scan::Level;

impl Rule {
    /// The requirements, each with its words, in the order in which they are evaluated.
    pub fn describe(&self) -> Vec<(Requirement, String)> {
        let mut rows = Vec::new();
        if let Some(signers) = &self.signed_by {
            let old = if self.legacy { "" } else { "; not with a signature of the old kind" };
            rows.push((Requirement::SignedBy, format!("{}{old}", signed(signers))));
        }
        rows.extend(self.attestations.iter().map(|required| (Requirement::Attestation, attested(required))));
        let approved = |required: &RequiredApproval| format!("{}, {}", required.role, signed(&required.signed_by));
        rows.extend(self.approvals.iter().map(|required| (Requirement::Approval, approved(required))));
        rows.extend(recalled(self).map(|words| (Requirement::Recalled, words)));
        if self.files_signed {
            rows.push((Requirement::FilesSigned, "a signed statement about all files".to_owned()));
        }
        if let Some(formats) = &self.formats {
            let words: Vec<_> = formats.iter().map(|format| format.as_str()).collect();
            rows.push((Requirement::Formats, format!("weights only as {}", words.join(", "))));
        }
        rows.extend(self.licences.iter().map(|licences| (Requirement::Licences, licensed(licences))));
        match self.pickle {
            PickleRule::Allow => {}
            PickleRule::Listed => rows.push((Requirement::Pickle, "pickles only with known names".to_owned())),
            PickleRule::Forbid => rows.push((Requirement::Pickle, "no pickle".to_owned())),
        }
        if self.forbids_remote_code {
            rows.push((Requirement::RemoteCode, "no file that makes a loader run code".to_owned()));
        }
        if self.forbids_secrets {
            rows.push((Requirement::Secrets, "no credential".to_owned()));
        }
        rows.extend(self.scan.iter().map(|scan| (Requirement::Scan, scanned(scan))));
        rows
    }
}

fn signed(signers: &Signers) -> String {
    let names: Vec<_> = signers.names.iter().map(|name| format!("`{name}`")).collect();
    match (signers.at_least, &names[..]) {
        (_, [one]) => format!("signed by {one}"),
        (AtLeast::Any, names) => format!("signed by one of {}", names.join(", ")),
        (AtLeast::All, names) => format!("signed by all of {}", names.join(", ")),
    }
}

fn attested(required: &RequiredAttestation) -> String {
    let RequiredAttestation { word, signed_by, builders, results, at_most, .. } = required;
    let among = |what: &str, values: &Option<Vec<String>>| {
        values.as_ref().map(|values| format!("{what} {}", values.join(" or ")))
    };
    let conditions = [among("builder", builders), among("result", results), at_most.map(at_most_in_words)];
    let conditions: Vec<_> = conditions.into_iter().flatten().map(|condition| format!(", {condition}")).collect();
    format!("{word}, {}{}", signed(signed_by), conditions.concat())
}

fn recalled(rule: &Rule) -> Option<String> {
    let consequence = match rule.recalled.mode {
        RecallMode::Refuse => "refused",
        RecallMode::Warn => "a warning",
        RecallMode::Allow => return None,
    };
    let keys: Vec<_> = rule.recall_keys().iter().map(|name| format!("`{name}`")).collect();
    (!keys.is_empty()).then(|| format!("{consequence} if recalled by {}", keys.join(" or ")))
}

fn licensed(rule: &LicenceRule) -> String {
    let exceptions = if rule.allows_exceptions { ", with any exception" } else { "" };
    let unknown = if rule.allows_unknown { "; unknown ones are allowed" } else { "" };
    format!("{}{exceptions}{unknown}", rule.allow.join(", "))
}

fn scanned(rule: &ScanRule) -> String {
    let by = rule.by.as_ref().map(|by| format!(", or a scan {}", signed(by)));
    format!("findings {}{}", at_most_in_words(rule.at_most), by.unwrap_or_default())
}

fn at_most_in_words(at_most: Ceiling) -> String {
    format!("at most {}", at_most.map_or("clean", Level::as_str))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::trust::policy::Policy;

    #[test]
    fn every_requirement_has_words() {
        let text = "version = 1\nkeys.a.pem = 'a'\nkeys.b.pem = 'b'\n[[rule]]\nmatch = ['r.example/']\n\
                    signed-by = { all = ['a', 'b'] }\nlegacy = false\nfiles-signed = true\npickle = 'listed'\n\
                    remote-code = 'forbid'\nsecrets = 'forbid'\nformats = ['gguf', 'onnx']\n\
                    scan = { at-most = 'clean', by = ['a'] }\nlicenses = { allow = ['MIT'], unknown = 'allow' }\n\
                    attestations = [{ type = 'test-result', signed-by = { any = ['a', 'b'] }, result = ['PASSED'] }]\n\
                    approvals = [{ role = 'sre', signed-by = { any = ['a'] } }]\nrecalled = 'warn'";
        let policy = Policy::parse(text, Path::new("policy.toml")).unwrap();
        let words: Vec<_> = policy.rules[0].describe().iter().map(|(it, words)| format!("{it}: {words}")).collect();
        let expected = [
            "signed-by: signed by all of `a`, `b`; not with a signature of the old kind",
            "attestation: test-result, signed by one of `a`, `b`, result PASSED",
            "approval: sre, signed by `a`",
            "recalled: a warning if recalled by `a` or `b`",
            "files-signed: a signed statement about all files",
            "format: weights only as gguf, onnx",
            "licence: MIT; unknown ones are allowed",
            "pickle: pickles only with known names",
            "remote-code: no file that makes a loader run code",
            "secret: no credential",
            "scan: findings at most clean, or a scan signed by `a`",
        ];
        assert_eq!(words, expected);
    }
}
