//! A bar that is divided into shares, with a legend.

use super::html::{Html, element};

/// A share of a bar.
pub(crate) struct Share {
    /// The name in the legend.
    pub(crate) name: String,
    /// The size in words.
    pub(crate) words: String,
    /// The size.
    pub(crate) size: u64,
    /// The number of its colour.
    pub(crate) colour: usize,
}

/// The number of colours in the style sheet.
const COLOURS: usize = 7;

/// Draws a bar of `shares`; `title` describes it.
pub(crate) fn share_bar(title: &str, shares: &[Share]) -> Html {
    let total: u64 = shares.iter().map(|share| share.size).fold(0, u64::saturating_add);
    if total == 0 {
        return Html::default();
    }
    let words: Vec<_> = shares.iter().map(|share| format!("{} {}", share.name, share.words)).collect();
    let mut picture = element("svg").class("bar").with("role", "img").with("width", "100%").with("height", 14);
    picture = picture.add(element("title").text(&format!("{title}: {}", words.join(", "))));
    let mut at = 0.0;
    for share in shares {
        let width = percent(share.size, total);
        let rect = element("rect").with("x", format_args!("{at:.3}%")).with("width", format_args!("{width:.3}%"));
        let rect = rect.with("height", "100%").with("class", format_args!("fill c{}", share.colour % COLOURS));
        picture = picture.add(rect.add(element("title").text(&format!("{}: {}", share.name, share.words))));
        at += width;
    }
    let item = |share: &Share| {
        let swatch = element("i").with("class", format_args!("swatch c{}", share.colour % COLOURS));
        let name = element("span").text(&share.name);
        element("li").add(swatch).add(name).add(element("b").text(&share.words))
    };
    let legend = element("ul").class("legend").all(shares.iter().map(item));
    element("figure").class("shares").add(picture).add(legend).into()
}

#[allow(clippy::cast_precision_loss, reason = "a picture needs three digits")]
fn percent(part: u64, whole: u64) -> f64 {
    part as f64 * 100.0 / whole as f64
}
