//! The news as blocks of a message for Slack (docs.slack.dev, "Block Kit").

use anyhow::Result;
use serde_json::{Value, json};

use super::parts::{News, Part, place};
use crate::output::{one_line, to_json};
use kit_core::verdict::{Level, Reason};

/// The largest number of blocks in a message, and of characters in a section and in a header.
const BLOCKS: usize = 50;
const SECTION: usize = 3000;
const HEADER: usize = 150;

pub(super) fn render(news: &News<'_>) -> Result<String> {
    let title = format!("{} since {}", one_line(news.names.1), one_line(news.names.0));
    let header =
        json!({ "type": "header", "text": { "type": "plain_text", "text": cut(&title, HEADER), "emoji": false } });
    let mut blocks = vec![header];
    if news.assessed.difference.is_none() {
        blocks.push(section(&["Nothing changed.".to_owned()]));
    } else {
        let verdicts = news.verdicts.iter().map(|verdict| format!("{}: {}", verdict.role, level(verdict.level)));
        blocks.push(section(&verdicts.collect::<Vec<_>>()));
        blocks.extend(news.parts.iter().map(|part| section(&lines(part, news))));
    }
    if !news.assessed.unknown.is_empty() {
        let unknown = news.assessed.unknown.iter().map(|unknown| format!("• {}", code(unknown)));
        blocks.push(section(&std::iter::once("*Not known*".to_owned()).chain(unknown).collect::<Vec<_>>()));
    }
    if blocks.len() > BLOCKS {
        let more = blocks.len() - (BLOCKS - 1);
        blocks.truncate(BLOCKS - 1);
        blocks.push(section(&[format!("and {more} more parts")]));
    }
    let text = cut(&escape(&title), SECTION);
    Ok(to_json(&json!({ "text": text, "blocks": blocks }))? + "\n")
}

fn lines(part: &Part<'_>, news: &News<'_>) -> Vec<String> {
    let mut lines = vec![format!("*{}: {}*", escape(&part.title(news)), part.level.word())];
    lines.extend(part.reasons.iter().map(|(level, reason)| render_reason(*level, reason)));
    let (changes, more) = part.changes();
    lines.extend(changes.iter().map(|(word, name)| format!("• {word}: {}", code(name))));
    lines.extend((more > 0).then(|| format!("• and {more} more")));
    lines
}

fn render_reason(of: Level, reason: &Reason) -> String {
    format!("• {} {} in {}: {}", level(of), reason.fact.word(), code(place(reason)), code(&reason.text))
}

fn level(level: Level) -> String {
    if level == Level::Breaking { format!("*{}*", level.word()) } else { level.word().to_owned() }
}

/// A block with as many of the lines as fit.
fn section(lines: &[String]) -> Value {
    const ROOM: usize = 40;
    let (mut text, mut length) = (String::new(), 0);
    for (at, line) in lines.iter().enumerate() {
        length += line.chars().count() + 1;
        if length > SECTION - ROOM {
            text.extend([format!("• and {} more", lines.len() - at)]);
            break;
        }
        text = text + line + "\n";
    }
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text.trim_end() } })
}

/// Formats untrusted text as code, in which only the backtick ends the span. A long text is cut.
fn code(text: &str) -> String {
    const LONGEST: usize = 300;
    format!("`{}`", escape(&cut(&one_line(text), LONGEST)).replace('`', "'"))
}

/// Escapes the characters that begin links and mentions (docs.slack.dev, "Formatting message text").
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn cut(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    text.chars().take(longest - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_stay_within_the_limits_of_slack() {
        let lines: Vec<_> =
            (0..500).map(|number| format!("• {}", code(&format!("file {number} <!channel>")))).collect();
        let block = section(&lines);
        let text = block["text"]["text"].as_str().unwrap();
        assert!(text.chars().count() <= SECTION && text.ends_with(" more"), "{text}");
        assert!(!text.contains("<!channel>") && text.contains("&lt;!channel&gt;"));
        assert!(section(&[code(&"&".repeat(9000))])["text"]["text"].as_str().unwrap().chars().count() <= SECTION);
        assert_eq!(code("a`b"), "`a'b`");
        assert_eq!(cut("äöü", 2), "ä…");
    }
}
