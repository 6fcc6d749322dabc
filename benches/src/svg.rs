//! Charts as SVG, readable in light and dark mode: the colors follow `prefers-color-scheme` inside the file.

use std::fmt::Write as _;

const WIDTH: f64 = 800.0;
/// Upper estimate of the width of a character in labels.
const CHARACTER: f64 = 7.2;

const STYLE: &str = "\
text{font:12.5px system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif;fill:#24292f}\
.title{font-size:15px;font-weight:600}.quiet{fill:#57606a}.page{fill:#ffffff}\
.grid{stroke:#d0d7de;stroke-width:1}.whisker{stroke:#24292f;stroke-width:1.2}\
.ours{fill:#1a7f5a}.peer{fill:#8c96a3}.base{fill:#5a8bd6}\
.line{fill:none;stroke-width:2.2}.s0{stroke:#1a7f5a}.s1{stroke:#c2571a}.s2{stroke:#5a6fd6}\
.d0{fill:#1a7f5a}.d1{fill:#c2571a}.d2{fill:#5a6fd6}\
@media (prefers-color-scheme:dark){\
text{fill:#e6edf3}.quiet{fill:#9aa4b0}.page{fill:#0d1117}\
.grid{stroke:#30363d}.whisker{stroke:#e6edf3}\
.ours{fill:#3fb98a}.peer{fill:#6e7885}.base{fill:#5a8bd6}\
.s0{stroke:#3fb98a}.s1{stroke:#f0883e}.s2{stroke:#8fa2ff}\
.d0{fill:#3fb98a}.d1{fill:#f0883e}.d2{fill:#8fa2ff}}";

/// The group of a bar, which selects its color.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Ours,
    Peer,
    /// The baseline of the other two.
    Base,
}

/// One bar, with its spread as a whisker.
pub struct Bar {
    pub label: String,
    pub side: Side,
    pub value: f64,
    pub spread: [f64; 2],
    /// The text beside the bar.
    pub text: String,
}

/// Draws horizontal bars from zero.
#[must_use]
pub fn bars(title: &str, unit: &str, bars: &[Bar]) -> String {
    const ROW: f64 = 26.0;
    const TOP: f64 = 62.0;
    let widest = |text: fn(&Bar) -> &str| {
        bars.iter().map(|bar| text(bar).chars().count()).max().unwrap_or(0) as f64 * CHARACTER
    };
    let (left, right) = (widest(|bar| &bar.label) + 24.0, widest(|bar| &bar.text) + 20.0);
    let most = bars.iter().map(|bar| bar.value.max(bar.spread[1])).fold(0.0, f64::max);
    let ticks = ticks(most);
    let end = ticks.last().copied().unwrap_or(1.0);
    let x = |value: f64| left + (WIDTH - left - right) * value / end;
    let bottom = TOP + ROW * bars.len() as f64;
    let mut svg = page(title, bottom + 40.0);
    text(&mut svg, 16.0, 46.0, "quiet", "start", unit);
    for tick in ticks {
        let at = x(tick);
        let _ = write!(svg, r#"<path class="grid" d="M{at:.1} {TOP:.1}V{bottom:.1}"/>"#);
        text(&mut svg, at, bottom + 18.0, "quiet", "middle", &short(tick));
    }
    for (row, bar) in bars.iter().enumerate() {
        let y = TOP + ROW * row as f64;
        let middle = y + ROW / 2.0;
        let class = match bar.side {
            Side::Ours => "ours",
            Side::Peer => "peer",
            Side::Base => "base",
        };
        let (top, height, width) = (y + 4.0, ROW - 8.0, (x(bar.value) - left).max(1.0));
        let _ = write!(
            svg,
            r#"<rect class="{class}" x="{left:.1}" y="{top:.1}" width="{width:.1}" height="{height:.1}" rx="2"/>"#
        );
        let (low, high) = (x(bar.spread[0].max(0.0)), x(bar.spread[1].max(0.0)));
        if high - low >= 3.0 {
            let _ = write!(svg, r#"<path class="whisker" d="M{low:.1} {middle:.1}H{high:.1}"/>"#);
        }
        text(&mut svg, left - 10.0, middle + 4.0, "", "end", &bar.label);
        text(&mut svg, x(bar.value).max(high) + 8.0, middle + 4.0, "", "start", &bar.text);
    }
    svg + "</svg>\n"
}

/// A named line through points of x and y.
pub struct Series {
    pub name: String,
    pub points: Vec<[f64; 2]>,
}

/// Draws up to three lines over a logarithmic x axis.
#[must_use]
pub fn lines(title: &str, x_label: &str, y_label: &str, series: &[Series]) -> String {
    const LEFT: f64 = 70.0;
    const RIGHT: f64 = 30.0;
    const TOP: f64 = 84.0;
    const BOTTOM: f64 = 330.0;
    let points = || series.iter().flat_map(|series| &series.points);
    let (least, most) =
        points().fold((f64::MAX, f64::MIN), |(least, most), [x, _]| (least.min(*x), most.max(*x)));
    let ticks = ticks(points().map(|[_, y]| *y).fold(0.0, f64::max));
    let end = ticks.last().copied().unwrap_or(1.0);
    let x = |value: f64| {
        let part = (value.log10() - least.log10()) / (most.log10() - least.log10()).max(f64::MIN_POSITIVE);
        LEFT + (WIDTH - LEFT - RIGHT) * part
    };
    let y = |value: f64| BOTTOM - (BOTTOM - TOP) * value / end;
    let mut svg = page(title, BOTTOM + 58.0);
    text(&mut svg, 16.0, 46.0, "quiet", "start", y_label);
    for tick in ticks {
        let at = y(tick);
        let _ = write!(svg, r#"<path class="grid" d="M{LEFT:.1} {at:.1}H{:.1}"/>"#, WIDTH - RIGHT);
        text(&mut svg, LEFT - 8.0, at + 4.0, "quiet", "end", &short(tick));
    }
    let mut tick = 10_f64.powf(least.log10().ceil());
    while tick <= most * 1.001 {
        text(&mut svg, x(tick), BOTTOM + 20.0, "quiet", "middle", &short(tick));
        tick *= 10.0;
    }
    text(&mut svg, (LEFT + WIDTH - RIGHT) / 2.0, BOTTOM + 44.0, "quiet", "middle", x_label);
    let mut legend = 16.0;
    for (nth, Series { name, points }) in series.iter().enumerate() {
        let mut path = String::new();
        for (at, [px, py]) in points.iter().enumerate() {
            let (command, px, py) = (if at == 0 { 'M' } else { 'L' }, x(*px), y(*py));
            let _ = write!(path, "{command}{px:.1} {py:.1}");
            let _ = write!(svg, r#"<circle class="d{nth}" cx="{px:.1}" cy="{py:.1}" r="3.4"/>"#);
        }
        let _ = write!(svg, r#"<path class="line s{nth}" d="{path}"/>"#);
        let _ = write!(svg, r#"<rect class="d{nth}" x="{legend:.1}" y="60" width="12" height="12" rx="2"/>"#);
        text(&mut svg, legend + 18.0, 70.5, "", "start", name);
        legend += 18.0 + CHARACTER * name.chars().count() as f64 + 22.0;
    }
    svg + "</svg>\n"
}

fn page(title: &str, height: f64) -> String {
    let title = escaped(title);
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0}" width="{WIDTH}" height="{height:.0}" role="img" aria-label="{title}"><style>{STYLE}</style><rect class="page" width="100%" height="100%" rx="6"/><text class="title" x="16" y="26">{title}</text>"#
    )
}

fn text(svg: &mut String, x: f64, y: f64, class: &str, anchor: &str, text: &str) {
    let class = if class.is_empty() { String::new() } else { format!(r#" class="{class}""#) };
    let text = escaped(text);
    let _ = write!(svg, r#"<text{class} x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#);
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Returns four to eight round numbers from zero to at least `most`.
fn ticks(most: f64) -> Vec<f64> {
    let most = if most > 0.0 { most } else { 1.0 };
    let magnitude = 10_f64.powf((most / 4.0).log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|step| step * magnitude);
    let step = steps.into_iter().find(|step| most / step <= 6.0).unwrap_or(magnitude * 10.0);
    (0..=(most / step).ceil() as u32).map(|nth| f64::from(nth) * step).collect()
}

/// Formats a tick in few characters: `250`, `20k`, `1M`, `0.25`.
fn short(value: f64) -> String {
    match value {
        value if value >= 1_000_000.0 => format!("{}M", value / 1_000_000.0),
        value if value >= 10_000.0 => format!("{}k", value / 1000.0),
        value => format!("{}", (value * 1000.0).round() / 1000.0),
    }
}
