//! Line charts: one value for each version.

use super::html::{Element, Html, element};

/// The values of one chart.
pub(crate) struct Series {
    /// The name of the value.
    pub(crate) title: String,
    /// The unit, if there is one.
    pub(crate) unit: Option<&'static str>,
    /// The values with the name of each, from the oldest; `None` where there is no value.
    pub(crate) points: Vec<(String, Option<f64>)>,
}

const WIDTH: f64 = 340.0;
const HEIGHT: f64 = 176.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 20.0;
const BOTTOM: f64 = 40.0;

/// The largest number of names below the axis that do not overlap.
const NAMES: usize = 4;
/// The number of letters of a name below the axis.
const NAME_LETTERS: usize = 9;

/// Draws the values as a line, with axes.
pub(crate) fn line_chart(series: &Series) -> Html {
    let values: Vec<f64> = series.points.iter().filter_map(|(_, value)| *value).collect();
    let Some(scale) = Scale::of(&values) else { return Html::default() };
    let unit = series.unit.map(|unit| format!(" in {unit}")).unwrap_or_default();
    let described = series.points.iter().filter_map(|(name, value)| Some(format!("{name}: {}", number((*value)?))));
    let picture = element("svg")
        .class("chart")
        .with("role", "img")
        .with("viewBox", format_args!("0 0 {WIDTH} {HEIGHT}"))
        .add(element("title").text(&format!("{}{unit} by version", series.title)))
        .add(element("desc").text(&described.collect::<Vec<_>>().join("; ")))
        .all(scale.ticks.iter().map(|tick| grid_line(&scale, *tick)))
        .all(names(series))
        .add(label(WIDTH - RIGHT, HEIGHT - 4.0, "axis", "end", "version, oldest first"))
        .add(label(4.0, 11.0, "axis", "start", series.unit.unwrap_or("value")))
        .add(line(series, &scale))
        .all(dots(series, &scale));
    let last = series.points.iter().rev().find_map(|(_, value)| *value).map(number).unwrap_or_default();
    let last = element("b").text(&last).text(&series.unit.map(|unit| format!(" {unit}")).unwrap_or_default());
    let caption = element("figcaption").add(element("span").text(&series.title)).add(last);
    element("figure").class("plot").add(caption).add(picture).into()
}

/// The scale of the vertical axis.
struct Scale {
    low: f64,
    high: f64,
    ticks: Vec<f64>,
}

impl Scale {
    /// A scale with round numbers that contains all `values`; `None` without values.
    fn of(values: &[f64]) -> Option<Self> {
        let low = values.iter().copied().filter(|value| value.is_finite()).reduce(f64::min)?;
        let high = values.iter().copied().filter(|value| value.is_finite()).reduce(f64::max)?;
        let spread = (high - low).max(high.abs().max(low.abs()) * 0.02).max(1e-9);
        let step = round_step(spread / 3.0);
        let (first, last) = (((low - spread * 0.08) / step).floor(), ((high + spread * 0.08) / step).ceil());
        // A value that is never negative has no negative axis.
        let first = if low >= 0.0 { first.max(0.0) } else { first };
        let mut ticks = Vec::new();
        let mut tick = first;
        while tick <= last && ticks.len() < 12 {
            ticks.push(tick * step);
            tick += 1.0;
        }
        Some(Self { low: first * step, high: last * step, ticks })
    }

    fn y(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low).max(f64::MIN_POSITIVE);
        HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)
    }
}

/// The next larger of 1, 2, 2.5, 5 and 10 times a power of ten.
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let digits = [1.0, 2.0, 2.5, 5.0].into_iter().find(|digits| digits * power >= step * 0.999);
    digits.unwrap_or(10.0) * power
}

#[allow(clippy::cast_precision_loss, reason = "there are at most a thousand versions")]
fn x(index: usize, count: usize) -> f64 {
    let room = WIDTH - LEFT - RIGHT;
    if count < 2 { LEFT + room / 2.0 } else { LEFT + room * index as f64 / (count - 1) as f64 }
}

fn label(x: f64, y: f64, class: &'static str, anchor: &'static str, text: &str) -> Element {
    let place = element("text").with("x", format_args!("{x:.1}")).with("y", format_args!("{y:.1}"));
    place.class(class).with("text-anchor", anchor).text(text)
}

fn grid_line(scale: &Scale, tick: f64) -> Html {
    let y = scale.y(tick);
    let line = element("line").class("grid").with("x1", LEFT).with("x2", WIDTH - RIGHT);
    let line = line.with("y1", format_args!("{y:.1}")).with("y2", format_args!("{y:.1}"));
    [line.into(), label(LEFT - 8.0, y + 4.0, "tick", "end", &number(tick)).into()].into_iter().collect()
}

/// The names below the axis: all of a few, otherwise those at regular distances and the last one.
fn names(series: &Series) -> impl Iterator<Item = Html> {
    let last = series.points.len().saturating_sub(1);
    let distance = series.points.len().div_ceil(NAMES).max(1);
    let is_shown = move |index: usize| (last - index).is_multiple_of(distance);
    series.points.iter().enumerate().filter(move |(index, _)| is_shown(*index)).map(move |(index, (name, _))| {
        let text: String = name.chars().take(NAME_LETTERS).collect();
        let text = if text.len() < name.len() { format!("{text}…") } else { text };
        let anchor = if index == last && last > 0 { "end" } else { "middle" };
        let shift = if index == last && last > 0 { 8.0 } else { 0.0 };
        let label = label(x(index, last + 1) + shift, HEIGHT - BOTTOM + 17.0, "tick", anchor, &text);
        label.add(element("title").text(name)).into()
    })
}

fn places<'s>(series: &'s Series, scale: &'s Scale) -> impl Iterator<Item = (f64, f64, &'s str, f64)> {
    let count = series.points.len();
    let place = move |(index, (name, value)): (usize, &'s (String, Option<f64>))| {
        let value = value.filter(|value| value.is_finite())?;
        Some((x(index, count), scale.y(value), name.as_str(), value))
    };
    series.points.iter().enumerate().filter_map(place)
}

fn line(series: &Series, scale: &Scale) -> Element {
    let points: Vec<_> = places(series, scale).map(|(x, y, ..)| format!("{x:.1},{y:.1}")).collect();
    element("polyline").class("line").with("points", points.join(" "))
}

/// The points.
fn dots(series: &Series, scale: &Scale) -> Vec<Html> {
    let dot = |(x, y, name, value): (f64, f64, &str, f64)| {
        let dot = element("circle").class("dot").with("cx", format_args!("{x:.1}")).with("cy", format_args!("{y:.1}"));
        dot.with("r", 3.5).add(element("title").text(&format!("{name}: {}", number(value)))).into()
    };
    places(series, scale).map(dot).collect()
}

/// Formats a value with at most five significant digits.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e7).contains(&size) {
        return format!("{value:.3e}");
    }
    let decimals = if size >= 1000.0 {
        0
    } else if size >= 10.0 {
        2
    } else {
        5
    };
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_has_round_numbers_around_the_values() {
        for (values, expected) in [
            (&[0.81, 0.84, 0.87][..], &[0.8, 0.82, 0.84, 0.86, 0.88][..]),
            (&[5.0], &[4.95, 5.0, 5.05]),
            (&[0.0, 100.0], &[0.0, 50.0, 100.0, 150.0]),
            (&[-1.0, 1.0], &[-2.0, -1.0, 0.0, 1.0, 2.0]),
        ] {
            let scale = Scale::of(values).unwrap();
            let ticks: Vec<_> = scale.ticks.iter().map(|tick| (tick * 1e6).round() / 1e6).collect();
            assert_eq!(ticks, expected, "{values:?}");
        }
        assert!(Scale::of(&[]).is_none());
        assert!(Scale::of(&[f64::NAN]).is_none());
    }

    #[test]
    fn numbers_are_short() {
        for (value, expected) in [
            (0.0, "0"),
            (0.91, "0.91"),
            (1234.5, "1234"),
            (12.345, "12.35"),
            (1e-9, "1.000e-9"),
            (-0.0, "0"),
            (3.0, "3"),
        ] {
            assert_eq!(number(value), expected);
        }
    }

    #[test]
    fn a_chart_is_described_and_escaped() {
        let points = vec![("<v1>".to_owned(), Some(1.0)), ("v2".to_owned(), None), ("v3".to_owned(), Some(2.0))];
        let chart = line_chart(&Series { title: "<i>".to_owned(), unit: None, points }).into_string();
        assert!(chart.contains("<desc>&lt;v1&gt;: 1; v3: 2</desc>") && !chart.contains("<i>"), "{chart}");
        assert_eq!(chart.matches("<circle").count(), 2);
    }
}
