//! The news as Markdown, for a pull request.

use super::parts::{News, Part, place};
use crate::output::one_line;
use kit_core::verdict::{Level, Reason};

pub(super) fn render(news: &News<'_>) -> String {
    let mut text = format!("## {} since {}\n\n", code(news.names.1), code(news.names.0));
    if news.assessed.difference.is_none() {
        return text + "Nothing changed.\n";
    }
    for verdict in &news.verdicts {
        text.extend([format!("- {}: {}\n", verdict.role, level(verdict.level))]);
    }
    text.extend(news.parts.iter().map(|part| render_part(part, news)));
    if !news.assessed.unknown.is_empty() {
        text += "\n### Not known\n\n";
        text.extend(news.assessed.unknown.iter().map(|unknown| format!("- {}\n", code(unknown))));
    }
    text
}

fn render_part(part: &Part<'_>, news: &News<'_>) -> String {
    let mut text = format!("\n### {}: {}\n\n", part.title(news).replace('_', "\\_"), part.level.word());
    text.extend(part.reasons.iter().map(|(level, reason)| render_reason(*level, reason)));
    let (changes, more) = part.changes();
    text.extend(changes.iter().map(|(word, name)| format!("- {word}: {}\n", code(name))));
    if more > 0 {
        text.extend([format!("- and {more} more\n")]);
    }
    text
}

fn render_reason(of: Level, reason: &Reason) -> String {
    format!("- {} {} in {}: {}\n", level(of), reason.fact.word(), code(place(reason)), code(&reason.text))
}

fn level(level: Level) -> String {
    if level == Level::Breaking { format!("**{}**", level.word()) } else { level.word().to_owned() }
}

/// Formats untrusted text as code, in which nothing but a backtick has a meaning (`CommonMark` 0.31, "Code spans").
fn code(text: &str) -> String {
    let text = one_line(text).replace('`', "'");
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}
