//! The note that signatures do not apply to another form or part of a ModelKit: they are of its digest.

use crate::context::Context;

/// Says that the signatures of the ModelKit `name` do not apply to `targets`, if there are any.
pub(crate) fn note_unsigned(context: &Context, name: &str, targets: &[String]) {
    let (whose, sign) = match targets {
        [] => return,
        [_] => ("digest is", "sign it"),
        _ => ("digests are", "sign them"),
    };
    let targets = targets.join(", ");
    let note = format!("The signatures of {name} do not apply to {targets}, whose {whose} different; {sign}, too");
    context.output.say(&note);
}
