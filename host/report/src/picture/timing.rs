//! A timing diagram: what the ports of a circuit carried in chosen cycles of a recording.
//!
//! Cycles begin with a rising edge; what a port shows in a cycle is taken at the edge that ends it.

use serde::Serialize;
use svg::Document;
use svg::node::element::path::Data;
use svg::node::element::{Group, Path};

use super::MARGIN;
use super::style::{self, Text, rectangle};
use crate::render::FONT_FAMILY;

/// Width of a cycle, height of a signal with the space around it, height of its trace.
const CYCLE: f64 = 38.0;
const ROW: f64 = 34.0;
const TRACE: f64 = 20.0;
/// Where the traces begin, to the right of their names and below the headline and the names of windows.
const LEFT: f64 = 190.0;
const TOP: f64 = 150.0;
/// What a transfer lies on, and a byte.
const TAKEN: &str = "#d8ecdf";
const BYTE: &str = "#ffffff";
const UNKNOWN: &str = "#e3e7ed";
const LINE: f64 = 1.6;

/// What a signal carries, cycle by cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trace {
    /// The clock.
    Clock,
    /// A bit.
    Bits(Vec<bool>),
    /// A byte, or nothing that anyone would read.
    Bytes(Vec<Option<u8>>),
}

/// A signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// Its name.
    pub name: String,
    /// What it carries.
    pub trace: Trace,
    /// Of each cycle, whether a byte of the stream that it belongs to is taken at its end; empty for other signals.
    pub taken: Vec<bool>,
}

/// Cycles that follow one another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// What is to be seen there.
    pub name: String,
    /// The number of the first of them in the recording.
    pub first: u64,
    /// How many.
    pub cycles: usize,
}

/// A cycle that is shown.
#[derive(Clone, Copy)]
struct Shown {
    /// Which of those that are shown.
    at: usize,
    /// Its number in the recording.
    number: u64,
}

/// What is shown, column by column: a cycle, or the gap between two windows.
type Columns = [Option<Shown>];

/// A diagram of the cycles of a recording that lie in its windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// The headline.
    pub title: String,
    /// One line below it.
    pub subtitle: String,
    /// What is shown of the recording, in the order of time and without overlap.
    pub windows: Vec<Window>,
    /// The signals from top to bottom, over the cycles of all windows.
    pub signals: Vec<Signal>,
}

/// A lane of WaveJSON, the language of WaveDrom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WaveLane {
    /// The name of the signal.
    pub name: String,
    /// A character a cycle: `.` goes on, `|` is a gap.
    pub wave: String,
    /// What stands in the boxes of the lane.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<String>,
}

impl Timing {
    fn columns(&self) -> Vec<Option<Shown>> {
        let (mut columns, mut at) = (Vec::new(), 0);
        for window in &self.windows {
            if !columns.is_empty() {
                columns.push(None);
            }
            for number in (window.first..).take(window.cycles) {
                columns.push(Some(Shown { at, number }));
                at += 1;
            }
        }
        columns
    }

    /// The lanes of WaveJSON: the numbers of the cycles, then the signals.
    pub fn wave_lanes(&self) -> Vec<WaveLane> {
        let columns = self.columns();
        let numbers = columns.iter().flatten().map(|shown| shown.number.to_string()).collect();
        let wave = columns.iter().map(|column| if column.is_some() { '=' } else { '|' }).collect();
        let mut lanes = vec![WaveLane { name: "cycle".into(), wave, data: numbers }];
        lanes.extend(self.signals.iter().map(|signal| signal.lane(&columns)));
        lanes
    }

    /// The picture as SVG.
    pub fn svg(&self) -> String {
        let columns = self.columns();
        let width = (LEFT + CYCLE * columns.len() as f64 + MARGIN).max(760.0);
        let bottom = TOP + ROW * self.signals.len() as f64;
        let height = bottom + 78.0;
        let mut body = Group::new();
        for (row, signal) in self.signals.iter().enumerate() {
            body = body.add(signal.draw(&columns, TOP + ROW * row as f64));
        }
        Document::new()
            .set("viewBox", (0, 0, width, height))
            .set("width", width)
            .set("height", height)
            .set("font-family", format!("'{FONT_FAMILY}', Verdana, sans-serif"))
            .add(rectangle(0.0, 0.0, width, height, style::PAPER))
            .add(Text::new(MARGIN, 48.0, 24.0).bold().draw(&self.title))
            .add(Text::new(MARGIN, 74.0, 14.0).muted().draw(&self.subtitle))
            .add(grid(&columns, bottom))
            .add(body)
            .add(gaps(&columns, bottom))
            .add(self.captions())
            .add(legend(bottom + 60.0))
            .to_string()
    }

    /// The names of the windows, each above a line as long as it.
    fn captions(&self) -> Group {
        let (mut group, mut x) = (Group::new(), LEFT);
        for window in &self.windows {
            let width = CYCLE * window.cycles as f64;
            group = group
                .add(rectangle(x + 2.0, TOP - 22.0, width - 4.0, 2.0, style::MUTED))
                .add(Text::new(x + 2.0, TOP - 30.0, 12.0).bold().draw(&window.name));
            x += width + CYCLE;
        }
        group
    }
}

impl Signal {
    fn bit(&self, at: usize) -> bool {
        matches!(&self.trace, Trace::Bits(bits) if bits.get(at) == Some(&true))
    }

    fn byte(&self, at: usize) -> Option<u8> {
        if let Trace::Bytes(bytes) = &self.trace { bytes.get(at).copied().flatten() } else { None }
    }

    fn is_taken(&self, at: usize) -> bool {
        self.taken.get(at) == Some(&true)
    }

    /// Whether a cycle of a window shows the same byte as the one before it, still not taken, or as little.
    fn goes_on(&self, at: usize) -> bool {
        let before = at.wrapping_sub(1);
        self.byte(before) == self.byte(at) && (self.byte(at).is_none() || !self.is_taken(before))
    }

    fn lane(&self, columns: &Columns) -> WaveLane {
        let (mut wave, mut data, mut before) = (String::new(), Vec::new(), None);
        let mut is_first = true;
        for column in columns {
            let Some(Shown { at, .. }) = *column else {
                wave.push('|');
                is_first = true; // behind a gap a byte is another one
                continue;
            };
            let sign = self.sign(at);
            let is_box = matches!(sign, '=' | 'x');
            let goes_on = before == Some(sign) && if is_box { !is_first && self.goes_on(at) } else { true };
            wave.push(if goes_on { '.' } else { sign });
            data.extend(self.byte(at).filter(|_| !goes_on).map(|byte| format!("{byte:02x}")));
            (before, is_first) = (Some(sign), false);
        }
        WaveLane { name: self.name.clone(), wave, data }
    }

    /// What WaveDrom writes for a cycle.
    fn sign(&self, at: usize) -> char {
        match &self.trace {
            Trace::Clock => 'p',
            Trace::Bits(_) => ['0', '1'][usize::from(self.bit(at))],
            Trace::Bytes(_) => ['x', '='][usize::from(self.byte(at).is_some())],
        }
    }

    fn draw(&self, columns: &Columns, top: f64) -> Group {
        let mut group = Group::new();
        for (column, shown) in columns.iter().enumerate() {
            if shown.is_some_and(|shown| self.is_taken(shown.at)) {
                let x = LEFT + CYCLE * column as f64;
                group = group.add(rectangle(x, top - (ROW - TRACE) / 2.0, CYCLE, ROW, TAKEN));
            }
        }
        group = group.add(Text::new(LEFT - 14.0, top + TRACE - 5.0, 13.0).right().draw(&self.name));
        match &self.trace {
            Trace::Clock => group.add(clock(columns, top)),
            Trace::Bits(_) => group.add(self.line(columns, top)),
            Trace::Bytes(_) => self.boxes(columns, top).into_iter().fold(group, Group::add),
        }
    }

    /// The line of a bit; a gap goes on as the cycle before it.
    fn line(&self, columns: &Columns, top: f64) -> Path {
        let (mut data, mut before) = (Data::new(), None);
        for (column, shown) in columns.iter().enumerate() {
            let x = LEFT + CYCLE * column as f64;
            let level = shown.map(|shown| if self.bit(shown.at) { top } else { top + TRACE });
            let y = level.or(before).unwrap_or(top + TRACE);
            data = if before.is_none() { data.move_to((x, y)) } else { data.line_to((x, y)) };
            data = data.line_to((x + CYCLE, y));
            before = Some(y);
        }
        stroke(data)
    }

    /// A box for each byte, as long as it is held.
    fn boxes(&self, columns: &Columns, top: f64) -> Vec<Group> {
        let mut boxes: Vec<(usize, usize, Option<u8>)> = Vec::new();
        for (column, shown) in columns.iter().enumerate() {
            let Some(Shown { at, .. }) = *shown else { continue };
            match boxes.last_mut() {
                Some((first, length, _)) if *first + *length == column && self.goes_on(at) => *length += 1,
                _ => boxes.push((column, 1, self.byte(at))),
            }
        }
        boxes.into_iter().map(|(first, length, byte)| byte_box(first, length, byte, top)).collect()
    }
}

/// A box with a byte, or a grey one.
fn byte_box(first: usize, length: usize, byte: Option<u8>, top: f64) -> Group {
    let (x, width) = (LEFT + CYCLE * first as f64, CYCLE * length as f64);
    let (left, right, middle, bottom) = (x, x + width, top + TRACE / 2.0, top + TRACE);
    let bevel = 4.0;
    let outline = Data::new()
        .move_to((left, middle))
        .line_to((left + bevel, top))
        .line_to((right - bevel, top))
        .line_to((right, middle))
        .line_to((right - bevel, bottom))
        .line_to((left + bevel, bottom))
        .close();
    let color = if byte.is_some() { BYTE } else { UNKNOWN };
    let path = Path::new().set("d", outline).set("fill", color).set("stroke", style::INK).set("stroke-width", LINE);
    let group = Group::new().add(path);
    match byte {
        Some(byte) => {
            group.add(Text::new(x + width / 2.0, top + TRACE - 5.5, 12.0).centred().draw(&format!("{byte:02x}")))
        }
        None => group,
    }
}

/// A line through all columns.
fn stroke(data: Data) -> Path {
    Path::new().set("d", data).set("fill", "none").set("stroke", style::INK).set("stroke-width", LINE)
}

fn clock(columns: &Columns, top: f64) -> Path {
    let mut data = Data::new().move_to((LEFT, top + TRACE));
    for (column, shown) in columns.iter().enumerate() {
        let x = LEFT + CYCLE * column as f64;
        if shown.is_some() {
            let middle = x + CYCLE / 2.0;
            data = data.line_to((x, top)).line_to((middle, top)).line_to((middle, top + TRACE));
        }
        data = data.line_to((x + CYCLE, top + TRACE));
    }
    stroke(data)
}

/// Edges of the clock through all signals, and the numbers of the cycles below: as many as there is room for.
fn grid(columns: &Columns, bottom: f64) -> Group {
    let mut group = Group::new();
    let mut free = LEFT;
    for (column, shown) in columns.iter().enumerate() {
        let Some(Shown { number, .. }) = shown else { continue };
        let x = LEFT + CYCLE * column as f64;
        group = group.add(rectangle(x - 0.4, TOP - 10.0, 0.8, bottom - TOP + 10.0, style::PARTS[2]));
        let (text, middle) = (number.to_string(), x + CYCLE / 2.0);
        let half = style::width(&text, 11.0) / 2.0;
        if middle - half >= free || column == 0 {
            group = group.add(Text::new(middle, bottom + 14.0, 11.0).centred().muted().draw(&text));
            free = middle + half + 2.0;
        }
    }
    group.add(Text::new(LEFT - 14.0, bottom + 14.0, 11.0).right().muted().draw("cycle"))
}

/// Strips of paper over the gaps, with how many cycles are left out.
fn gaps(columns: &Columns, bottom: f64) -> Group {
    let mut group = Group::new();
    for (at, three) in columns.windows(3).enumerate() {
        let [Some(before), None, Some(behind)] = three else { continue };
        let middle = LEFT + CYCLE * (at as f64 + 1.5);
        let strip = rectangle(middle - 7.0, TOP - 10.0, 14.0, bottom - TOP + 26.0, style::PAPER);
        let text = Text::new(middle, bottom + 30.0, 11.0).centred().muted();
        let left_out = format!("+{}", behind.number.saturating_sub(before.number + 1));
        group = group.add(strip).add(border(middle - 7.0, bottom)).add(border(middle + 7.0, bottom));
        group = group.add(text.draw(&left_out));
    }
    group
}

/// The border of a strip.
fn border(x: f64, bottom: f64) -> Path {
    let data = Data::new().move_to((x, TOP - 10.0)).line_to((x, bottom + 16.0));
    Path::new().set("d", data).set("stroke", style::MUTED).set("stroke-width", 1.0).set("stroke-dasharray", "3 3")
}

/// What the colours mean.
fn legend(y: f64) -> Group {
    Group::new()
        .add(rectangle(LEFT, y - 11.0, 16.0, 14.0, TAKEN))
        .add(Text::new(LEFT + 24.0, y, 12.0).muted().draw("valid and ready: taken at the edge that ends the cycle"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three bytes of which the second waits for a cycle, then a gap, then the last.
    fn timing() -> Timing {
        let bytes = vec![None, Some(0x0a), Some(0x0b), Some(0x0b), Some(0x0b), None];
        let valid: Vec<bool> = bytes.iter().map(Option::is_some).collect();
        let taken = vec![false, true, false, true, true, false];
        let signal = |name: &str, trace| Signal { name: name.into(), trace, taken: taken.clone() };
        Timing {
            title: "Title & more".into(),
            subtitle: "sub".into(),
            windows: vec![
                Window { name: "first <bytes>".into(), first: 7, cycles: 4 },
                Window { name: "end".into(), first: 1_234_567, cycles: 2 },
            ],
            signals: vec![
                signal("clock", Trace::Clock),
                signal("valid", Trace::Bits(valid)),
                signal("data", Trace::Bytes(bytes)),
            ],
        }
    }

    #[test]
    fn lanes_hold_what_waits_and_begin_anew_behind_a_gap() {
        let lanes = timing().wave_lanes();
        let found: Vec<_> = lanes.iter().map(|lane| (lane.name.as_str(), lane.wave.as_str())).collect();
        let expected = [("cycle", "====|=="), ("clock", "p...|.."), ("valid", "01..|.0"), ("data", "x==.|=x")];
        assert_eq!(found, expected);
        assert_eq!(lanes[0].data.join(" "), "7 8 9 10 1234567 1234568");
        assert_eq!(lanes[3].data, ["0a", "0b", "0b"]);
    }

    #[test]
    fn the_picture_shows_names_bytes_and_what_is_left_out() {
        let svg = timing().svg();
        let bytes = |svg: &str, byte: &str| svg.lines().filter(|line| line.trim() == byte).count();
        assert_eq!((bytes(&svg, "0a"), bytes(&svg, "0b")), (1, 2), "{svg}");
        for text in ["Title &amp; more", "first &lt;bytes&gt;", "+1234556", "1234567", "clock"] {
            assert!(svg.contains(text), "{text} is missing");
        }
        // Two cycles with a transfer and one, in each of the three rows that are marked.
        assert_eq!(svg.matches(TAKEN).count(), 3 * 3 + 1);
        crate::png(&svg, 1.0).unwrap();
        // There is no room for the second number of seven digits.
        assert!(!svg.contains("1234568"), "{svg}");
    }

    #[test]
    fn signals_that_end_early_and_nothing_at_all_are_drawn() {
        let short = Signal { name: "short".into(), trace: Trace::Bits(vec![true]), taken: Vec::new() };
        let bytes = Signal { name: "bytes".into(), trace: Trace::Bytes(Vec::new()), taken: Vec::new() };
        let early = Timing { signals: vec![short, bytes], ..timing() };
        assert_eq!(early.wave_lanes()[1].wave, "10..|..");
        assert_eq!(early.wave_lanes()[2].wave, "x...|x.");
        crate::png(&early.svg(), 1.0).unwrap();
        let nothing = Timing { signals: Vec::new(), windows: Vec::new(), ..timing() };
        assert_eq!(nothing.wave_lanes().len(), 1);
        crate::png(&nothing.svg(), 1.0).unwrap();
    }
}
