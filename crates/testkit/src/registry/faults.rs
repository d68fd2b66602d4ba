//! Faults of single requests.

use std::ops::Range;

/// What goes wrong.
#[derive(Clone, Debug)]
pub enum Fault {
    /// This status with an error document, and these headers.
    Status(u16, Vec<(&'static str, String)>),
    /// This status with a body of so many letters.
    LongAnswer(u16, usize),
    /// The answer's body ends with the connection after so many bytes.
    DropAnswerAfter(usize),
    /// The answer's body ends after so many bytes as if that were all.
    TruncateAnswerAfter(usize),
    /// The answer's body stops after so many bytes and the connection stays.
    StallAnswerAfter(usize),
    /// The answer's body comes with so many bytes per second.
    SlowAnswer(usize),
    /// The answer's body has its first byte changed.
    WrongBytes,
    /// The answer gets this header, or this value of it.
    Header(&'static str, String),
    /// The connection ends after so many bytes of the request's body are read; what was read may count.
    DropRequestAfter(usize),
    /// After so many bytes of the request's body nothing more is read, and the connection stays.
    StallRequestAfter(usize),
    /// The request takes effect, and the connection ends instead of the answer.
    DropInsteadOfAnswer,
    /// There is never an answer.
    NoAnswer,
    /// The answer is right, and after it the tag of the repository names this digest.
    MoveTag { repository: String, tag: String, digest: String },
}

/// A fault, and the requests that it happens to.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub method: &'static str,
    /// A part of path and query.
    pub part: String,
    /// Which of the matching requests from now on go wrong.
    pub turns: Range<usize>,
    /// How many matching requests there were.
    pub seen: usize,
    pub fault: Fault,
}

/// The fault of the request, if any. Counts it in all rules.
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
