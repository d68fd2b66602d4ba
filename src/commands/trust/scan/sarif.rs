//! The findings as a log in SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format").

use serde_json::{Value, json};

use super::lines::in_words;
use kit_core::VERSION;
use kit_core::ops::{FileFinding, Scanned};
use kit_core::scan::{Level, Place, RULES, RULES_VERSION, Rule};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Returns the log of a scan.
pub(super) fn log(scanned: &Scanned) -> Value {
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": {
                    "name": "kit",
                    "version": VERSION,
                    "rules": RULES.iter().map(descriptor).collect::<Value>(),
                    "properties": { "rulesVersion": RULES_VERSION },
                },
            },
            "invocations": [{ "executionSuccessful": true }],
            "results": scanned.findings.iter().map(result).collect::<Value>(),
            "properties": { "name": scanned.name, "digest": scanned.digest, "files": scanned.files },
        }],
    })
}

fn descriptor(rule: &Rule) -> Value {
    json!({
        "id": rule.name,
        "shortDescription": { "text": rule.summary },
        "fullDescription": { "text": format!("{}. {}", rule.summary, rule.help) },
        "help": { "text": rule.help },
    })
}

fn result(found: &FileFinding) -> Value {
    let finding = &found.finding;
    let rule = RULES.iter().position(|rule| rule.name == finding.rule);
    let summary = rule.map_or(finding.rule, |at| RULES[at].summary);
    let place = finding.place.as_ref().map_or_else(String::new, |place| format!(" ({})", in_words(place)));
    let mut result = json!({
        "ruleId": finding.rule,
        "level": level(finding.level),
        "message": { "text": format!("{summary}: {}{place}", finding.detail) },
        "locations": [location(found)],
    });
    if let Some(rule) = rule {
        result["ruleIndex"] = rule.into();
    }
    result
}

fn location(found: &FileFinding) -> Value {
    let mut physical = json!({ "artifactLocation": { "uri": uri(&found.file) } });
    // The place is one in the innermost member, which is not a file of its own.
    if found.finding.members.is_empty() {
        match found.finding.place {
            Some(Place::Line(line)) => physical["region"] = json!({ "startLine": line }),
            Some(Place::Offset(offset)) => physical["region"] = json!({ "byteOffset": offset, "byteLength": 0 }),
            Some(Place::Cell { .. }) | None => {}
        }
    }
    let mut location = json!({ "physicalLocation": physical });
    if !found.finding.members.is_empty() {
        location["logicalLocations"] = json!([{ "fullyQualifiedName": found.path() }]);
    }
    location
}

fn level(level: Level) -> &'static str {
    match level {
        Level::High => "error",
        Level::Medium => "warning",
        Level::Low => "note",
    }
}

/// The path as a relative URI (RFC 3986, section 3.3).
fn uri(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte);
    let encoded = |byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    path.bytes().map(encoded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit_core::scan::Finding;

    #[test]
    fn results_refer_to_their_rules_and_places() {
        let finding = |rule, members: &[&str], place| FileFinding {
            file: "a b/ü.pt".to_owned(),
            finding: Finding {
                level: Level::High,
                rule,
                members: members.iter().map(|&member| member.to_owned()).collect(),
                detail: "os.system".to_owned(),
                place,
            },
        };
        let mut scanned = Scanned::default();
        scanned.findings.extend([
            finding("pickle-global", &["x/data.pkl"], Some(Place::Offset(26))),
            finding("secret", &[], Some(Place::Line(3))),
        ]);
        let log = log(&scanned);
        let run = &log["runs"][0];
        let results = run["results"].as_array().unwrap();
        for result in results {
            let rule = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(run["tool"]["driver"]["rules"][rule]["id"], result["ruleId"]);
        }
        let [first, second] = [0, 1].map(|at: usize| &results[at]["locations"][0]);
        assert_eq!(first["physicalLocation"], json!({ "artifactLocation": { "uri": "a%20b/%C3%BC.pt" } }));
        assert_eq!(first["logicalLocations"][0]["fullyQualifiedName"], "a b/ü.pt!x/data.pkl");
        assert_eq!(second["physicalLocation"]["region"], json!({ "startLine": 3 }));
        assert_eq!(results[0]["message"]["text"], "A pickle imports an object: os.system (offset 26)");
    }
}
