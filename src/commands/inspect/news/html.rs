//! The news as HTML, for a mail: one document without styles, scripts or links.

use super::parts::{News, Part, place};
use crate::output::one_line;
use kit_core::verdict::{Level, Reason};

pub(super) fn render(news: &News<'_>) -> String {
    let title = format!("{} since {}", escape(news.names.1), escape(news.names.0));
    let mut text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{title}</title></head>\n\
         <body>\n<h1>{title}</h1>\n"
    );
    if news.assessed.difference.is_none() {
        text += "<p>Nothing changed.</p>\n";
    } else {
        text += "<ul>\n";
        for verdict in &news.verdicts {
            text.extend([format!("<li>{}: {}</li>\n", verdict.role, level(verdict.level))]);
        }
        text += "</ul>\n";
        text.extend(news.parts.iter().map(|part| render_part(part, news)));
    }
    if !news.assessed.unknown.is_empty() {
        text += "<h2>Not known</h2>\n<ul>\n";
        text.extend(news.assessed.unknown.iter().map(|unknown| format!("<li>{}</li>\n", escape(unknown))));
        text += "</ul>\n";
    }
    text + "</body>\n</html>\n"
}

fn render_part(part: &Part<'_>, news: &News<'_>) -> String {
    let mut text = format!("<h2>{}: {}</h2>\n<ul>\n", escape(&part.title(news)), part.level.word());
    text.extend(part.reasons.iter().map(|(level, reason)| render_reason(*level, reason)));
    let (changes, more) = part.changes();
    text.extend(changes.iter().map(|(word, name)| format!("<li>{word}: <code>{}</code></li>\n", escape(name))));
    if more > 0 {
        text.extend([format!("<li>and {more} more</li>\n")]);
    }
    text + "</ul>\n"
}

fn render_reason(of: Level, reason: &Reason) -> String {
    let (place, change) = (escape(place(reason)), escape(&reason.text));
    format!("<li>{} {} in <code>{place}</code>: {change}</li>\n", level(of), reason.fact.word())
}

fn level(level: Level) -> String {
    if level == Level::Breaking { format!("<strong>{}</strong>", level.word()) } else { level.word().to_owned() }
}

/// Escapes untrusted text for content and for attributes (HTML Living Standard, "Character references").
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for sign in one_line(text).chars() {
        match sign {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            sign => escaped.push(sign),
        }
    }
    escaped
}
