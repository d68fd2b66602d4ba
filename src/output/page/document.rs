//! The frame of a page: head, style sheet and policy.

use super::html::{Element, Html, element};
use kit_core::VERSION;

/// The style sheet.
const STYLE: &str = include_str!("style.css");

/// The beginning of every page. The policy of the page forbids scripts, images, fonts, frames, forms and requests.
const HEAD: &str = "\
<!DOCTYPE html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
form-action 'none'\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta name=\"color-scheme\" content=\"light dark\">
<meta name=\"referrer\" content=\"no-referrer\">
";

/// A whole page with this title and body.
pub(crate) fn document(title: &str, body: Element) -> String {
    let parts = [
        Html::markup(HEAD),
        Html::from(element("title").text(title)),
        Html::markup("\n<style>\n"),
        Html::markup(STYLE),
        Html::markup("</style>\n</head>\n"),
        body.with("data-generator", format!("kit {VERSION}")).into(),
        Html::markup("\n</html>\n"),
    ];
    parts.into_iter().collect::<Html>().into_string()
}
