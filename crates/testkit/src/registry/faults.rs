//! Faults of single requests.

use std::ops::Range;

/// A fault of a request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The answer has this status, an error document and these headers.
    Status(u16, Vec<(&'static str, String)>),
    /// The answer has this status and a body of so many letters.
    LongAnswer(u16, usize),
    /// The connection ends after so many bytes of the answer's body.
    DropAnswerAfter(usize),
    /// The answer's body ends after so many bytes as if it were complete.
    TruncateAnswerAfter(usize),
    /// The answer's body stops after so many bytes, and the connection stays open.
    StallAnswerAfter(usize),
    /// The answer's body has a throughput of so many bytes per second.
    SlowAnswer(usize),
    /// The answer's body has its first byte changed.
    WrongBytes,
    /// The answer gets this header, or this value in place of its own.
    Header(&'static str, String),
    /// The connection ends after so many bytes of the request's body are read; the registry may keep them.
    DropRequestAfter(usize),
    /// The registry stops reading after so many bytes of the request's body, and the connection stays open.
    StallRequestAfter(usize),
    /// The request takes effect, but the connection ends instead of an answer.
    DropInsteadOfAnswer,
    /// The registry never answers.
    NoAnswer,
    /// The answer is right, and after it the tag of the repository names this digest.
    MoveTag { repository: String, tag: String, digest: String },
}

/// A fault, and the requests that it applies to.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub method: &'static str,
    /// A substring of path and query.
    pub part: String,
    /// The numbers of the matching requests that fail, counted from now on.
    pub turns: Range<usize>,
    /// The number of matching requests so far.
    pub seen: usize,
    pub fault: Fault,
}

/// Returns the fault of the request, if there is one. Counts the request in all matching rules.
pub(super) fn fault_for(rules: &mut [Rule], method: &str, target: &str) -> Option<Fault> {
    let mut found = None;
    for rule in rules.iter_mut().filter(|rule| rule.method == method && target.contains(&rule.part)) {
        if rule.turns.contains(&rule.seen) && found.is_none() {
            found = Some(rule.fault.clone());
        }
        rule.seen += 1;
    }
    found
}
