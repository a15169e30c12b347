//! The timeline as a picture: a lane for each timer, time from left to right.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use super::{Timeline, TimelineEntry, TimerEvent, owner};

/// Where lanes begin and how far they go, in pixels.
const LEFT: u64 = 220;
const WIDTH: u64 = 900;
const TOP: u64 = 50;
const LANE: u64 = 34;
const TICKS: u64 = 10;

/// What is drawn of each event: its class, and the legend's word.
const MARKS: [(&str, &str, &str); 5] = [
    ("armed", "#4477aa", "armed or moved"),
    ("fired", "#228833", "fired"),
    ("cancelled", "#cc3311", "cancelled"),
    ("freed", "#aa3377", "freed"),
    ("ready", "#999999", "made ready, or lapsed"),
];

impl Timeline {
    /// A picture, as SVG: a lane for each timer, with what happened to it; a bar from the time it was armed to its end. Pointing
    /// at a mark shows the time, the CPU and the Rust line.
    #[must_use]
    pub fn svg(&self) -> String {
        let mut svg = String::new();
        // Writing to a string does not fail.
        let _ = draw(&mut svg, self);
        svg
    }
}

fn draw(svg: &mut String, timeline: &Timeline) -> fmt::Result {
    let lanes = lanes(timeline);
    let axis = Axis::of(timeline);
    let (width, height) = (LEFT + WIDTH + 40, TOP + LANE * lanes.len() as u64 + 60);
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="sans-serif" font-size="12">"#
    )?;
    writeln!(svg, r##"<rect width="{width}" height="{height}" fill="#ffffff"/>"##)?;
    legend(svg)?;
    axis.draw(svg, TOP + LANE * lanes.len() as u64)?;
    for (nth, entries) in (0..).zip(lanes.values()) {
        lane(svg, &axis, TOP + LANE * nth + LANE / 2, entries)?;
    }
    if timeline.dropped() > 0 {
        let (y, dropped) = (height - 8, timeline.dropped());
        writeln!(
            svg,
            r##"<text x="{LEFT}" y="{y}" fill="#666666">{dropped} earlier entries were not kept</text>"##
        )?;
    }
    writeln!(svg, "</svg>")
}

/// What happened to each timer, in order.
fn lanes(timeline: &Timeline) -> BTreeMap<usize, Vec<&TimelineEntry>> {
    let mut lanes: BTreeMap<usize, Vec<&TimelineEntry>> = BTreeMap::new();
    for entry in timeline {
        lanes.entry(entry.timer).or_default().push(entry);
    }
    lanes
}

fn legend(svg: &mut String) -> fmt::Result {
    for (nth, (_, colour, meaning)) in (0..).zip(MARKS) {
        let x = LEFT + nth * 150;
        writeln!(
            svg,
            r#"<circle cx="{x}" cy="18" r="5" fill="{colour}"/><text x="{}" y="22">{meaning}</text>"#,
            x + 10
        )?;
    }
    Ok(())
}

fn lane(svg: &mut String, axis: &Axis, y: u64, entries: &[&TimelineEntry]) -> fmt::Result {
    let Some(first) = entries.first() else { return Ok(()) };
    let (name, end) = (escape(&owner(&first.map, &first.key)), LEFT + WIDTH);
    writeln!(svg, r#"<text x="{}" y="{}" text-anchor="end">{name}</text>"#, LEFT - 12, y + 4)?;
    writeln!(svg, r##"<line x1="{LEFT}" y1="{y}" x2="{end}" y2="{y}" stroke="#dddddd"/>"##)?;
    spans(svg, axis, y, entries)?;
    entries.iter().try_for_each(|entry| mark(svg, axis, y, entry))
}

/// Bars: blue while armed, green while its function runs.
fn spans(svg: &mut String, axis: &Axis, y: u64, entries: &[&TimelineEntry]) -> fmt::Result {
    let (mut armed, mut running) = (None, None);
    for entry in entries {
        let here = axis.x(entry.time);
        match entry.event {
            TimerEvent::Armed(_) => armed = Some(here),
            TimerEvent::Moved(_) => armed = armed.or(Some(here)),
            TimerEvent::Fired | TimerEvent::Lapsed | TimerEvent::Freed | TimerEvent::Cancelled(_) => {
                if let Some(from) = armed.take() {
                    bar(svg, (from, here), y, 4, MARKS[0].1)?;
                }
                if entry.event == TimerEvent::Fired {
                    running = Some(here);
                }
            }
            TimerEvent::Returned => {
                if let Some(from) = running.take() {
                    bar(svg, (from, here), y, 8, MARKS[1].1)?;
                }
            }
            _ => {}
        }
    }
    match armed {
        Some(from) => bar(svg, (from, LEFT + WIDTH), y, 4, MARKS[0].1),
        None => Ok(()),
    }
}

fn bar(svg: &mut String, (from, to): (u64, u64), y: u64, thick: u64, colour: &str) -> fmt::Result {
    let (y, width) = (y - thick / 2, to - from);
    writeln!(
        svg,
        r#"<rect x="{from}" y="{y}" width="{width}" height="{thick}" fill="{colour}" fill-opacity="0.4"/>"#
    )
}

fn mark(svg: &mut String, axis: &Axis, y: u64, entry: &TimelineEntry) -> fmt::Result {
    let (class, colour, _) = match entry.event {
        TimerEvent::Armed(_) | TimerEvent::Moved(_) => MARKS[0],
        TimerEvent::Fired => MARKS[1],
        TimerEvent::Cancelled(_) => MARKS[2],
        TimerEvent::Freed => MARKS[3],
        TimerEvent::Returned => return Ok(()),
        _ => MARKS[4],
    };
    let (x, title) = (axis.x(entry.time), escape(&entry.to_string()));
    writeln!(
        svg,
        r#"<circle class="{class}" cx="{x}" cy="{y}" r="5" fill="{colour}"><title>{title}</title></circle>"#
    )
}

/// From the first entry to the last.
struct Axis {
    start: u64,
    step: u64,
}

impl Axis {
    /// Steps are 1, 2 or 5 times a power of ten.
    fn of(timeline: &Timeline) -> Self {
        let start = timeline.first().map_or(0, |entry| entry.time);
        let span = timeline.last().map_or(0, |entry| entry.time) - start;
        let fits = |step: &u64| u128::from(*step) * u128::from(TICKS) >= u128::from(span);
        let steps = (0..19).flat_map(|power| [1, 2, 5].map(|digit: u64| digit * 10_u64.pow(power)));
        let step = steps.into_iter().find(fits).unwrap_or(u64::MAX / TICKS);
        Self { start, step }
    }

    fn x(&self, time: u64) -> u64 {
        let from_start = u128::from(time.saturating_sub(self.start)) * u128::from(WIDTH);
        let x = from_start / (u128::from(self.step) * u128::from(TICKS));
        LEFT + u64::try_from(x).unwrap_or(WIDTH).min(WIDTH)
    }

    fn draw(&self, svg: &mut String, y: u64) -> fmt::Result {
        for tick in 0..=TICKS {
            let (x, time) = (LEFT + tick * WIDTH / TICKS, self.label(tick));
            let top = TOP - 10;
            writeln!(svg, r##"<line x1="{x}" y1="{top}" x2="{x}" y2="{y}" stroke="#eeeeee"/>"##)?;
            writeln!(svg, r#"<text x="{x}" y="{}" text-anchor="middle">{time}</text>"#, y + 16)?;
        }
        let start =
            format!("from {}.{:09} s after boot", self.start / 1_000_000_000, self.start % 1_000_000_000);
        writeln!(svg, r##"<text x="{LEFT}" y="{}" fill="#666666">{start}</text>"##, y + 34)
    }

    /// All in the largest unit that a step is a whole number of.
    fn label(&self, tick: u64) -> String {
        let units = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs"), (1, "ns")];
        let unit = units.into_iter().find(|(size, _)| self.step.is_multiple_of(*size));
        let (size, unit) = unit.unwrap_or((1, "ns"));
        format!("{} {unit}", tick.saturating_mul(self.step / size))
    }
}

/// What XML takes for itself is written otherwise; what it has no way to write is left out.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => escaped.push(c),
        }
    }
    escaped
}
