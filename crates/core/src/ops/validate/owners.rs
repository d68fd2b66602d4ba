//! Checks of the `KITOWNERS`: its syntax, lines that match nothing, and parts of the project without an owner.

use super::project::{Finding, Review, Severity};
use crate::archive::LayerSource;
use crate::kitfile::Kitfile;
use crate::ops::diff::compare_fields;
use crate::ops::error::Error;
use crate::ops::owners::of_folder;
use crate::owners::{self, FILE_NAME, Parts, Rule, Unowned};

/// Checks the owners of the project, whose layers are `sources`. A project without a `KITOWNERS` has no findings.
pub(super) fn check(review: &Review<'_>, sources: &[LayerSource<'_>]) -> Result<Vec<Finding>, Error> {
    let found = match of_folder(review.context()) {
        Ok(Some((_, found))) => found,
        Ok(None) => return Ok(Vec::new()),
        Err(Error::Kitfile(invalid)) => return Ok(invalid.problems().iter().map(problem).collect()),
        Err(error) => return Err(error),
    };
    let parts = Parts::of(review.kitfile);
    let fields = compare_fields(&Kitfile::default(), review.kitfile);
    let fields: Vec<_> = fields.iter().map(|field| field.path.as_str()).collect();
    let mut owners = owners::Review::new(&found, &parts, &fields);
    for source in sources {
        // A layer that cannot be listed has a finding of its own.
        source.files().unwrap_or_default().iter().for_each(|path| owners.add(path));
    }
    let (unmatched, unowned) = owners.finish();
    Ok(unmatched.into_iter().map(unmatched_rule).chain(unowned.iter().map(|part| unowned_part(review, part))).collect())
}

fn problem(problem: &crate::problem::Problem) -> Finding {
    let place = match &problem.position {
        Some(position) => format!("{FILE_NAME}:{}:{}", position.line, position.column),
        None => FILE_NAME.to_owned(),
    };
    Finding {
        severity: Severity::Error,
        rule: "owners",
        place,
        message: problem.message.clone(),
        advice: "correct it; the syntax is that of CODEOWNERS, with sections and fields of the Kitfile".to_owned(),
    }
}

fn unmatched_rule(rule: &Rule) -> Finding {
    Finding {
        severity: Severity::Warning,
        rule: "unmatched-owners",
        place: format!("{FILE_NAME}:{}:1", rule.line),
        message: format!("`{}` matches no file, entry or field", rule.text),
        advice: "correct or delete it; a path begins at the packed folder".to_owned(),
    }
}

fn unowned_part(review: &Review<'_>, part: &Unowned) -> Finding {
    let Unowned { place, files, first } = part;
    let more = if *files > 1 { format!(" and {} more", files - 1) } else { String::new() };
    let message = format!("no line of {FILE_NAME} gives `{first}`{more} an owner");
    let advice = format!("add a line for it to {FILE_NAME}, or `*` with an owner as the first line");
    review.finding(Severity::Warning, "unowned", &format!("{place}.path"), message, &advice)
}
