//! Thresholds of signs and levels, and more than four bits of levels by one multiplication a channel, or two.

use bitfab_graph::{Op, PadValue, Window};

use crate::cure::Cure;
use crate::lower::coded::{Code, Coded, Link};
use crate::lower::imported::Folded;
use crate::lower::levels::{Grid, Stretch};
use crate::lower::line::{Begin, Line};
use crate::lower::lowering::{Fault, Lowering};

/// How far a line may lie off the levels where none gives every sum its own: that is a line which was rounded in
/// another way, no other function.
const HALF: f64 = 0.5;

/// One channel: where its values begin.
struct Channel<'s> {
    stretches: &'s [Stretch],
    falls: bool,
    /// The least and the greatest sum.
    range: (i64, i64),
}

/// What gives the levels of all channels.
struct Form {
    grids: Vec<Grid>,
    /// The thresholds of the first step function.
    thresholds: Vec<i32>,
    /// What is taken off the first levels of each channel, so that they are cut at both ends; empty for nothing.
    less: Vec<usize>,
}

impl Lowering<'_> {
    /// Sums with thresholds behind them, pushed to the graph.
    pub fn stepped(&mut self, name: &str, coded: &Coded) -> Result<Coded, Fault> {
        let stretches = self.stretches(name, coded)?;
        let grids = self.grids(name, &stretches)?;
        let ranges = (0..stretches.len()).map(|channel| coded.code.range(channel));
        let channels: Vec<_> = stretches.iter().zip(ranges).map(|(one, range)| Channel::new(one, range)).collect();
        let descends: Vec<bool> = channels.iter().map(|one| one.falls).collect();
        self.check_pools(name, coded, &descends, &stretches)?;
        let count = grids.iter().map(|grid| grid.count).max().unwrap_or(1);
        let (is_sign, bits) = (grids.iter().all(Grid::is_sign), usize::BITS - (count.max(2) - 1).leading_zeros());
        let form = match bits {
            ..5 => Form::of_thresholds(&channels, grids, if is_sign { 1 } else { (1 << bits) - 1 }),
            _ => Form::of_lines(&channels, &grids, (1 << bits) - 1).ok_or_else(|| self.no_line(name, coded, bits))?,
        };
        self.say_ties(name, coded, &stretches)?;
        let op = Op::Steps { thresholds: form.thresholds, descends, bits: (!is_sign).then_some(bits) };
        let sums = self.emit(coded);
        let steps = self.push(&format!("{name}.steps"), vec![sums], op);
        let mut at = self.pools(coded, steps, is_sign);
        if !form.less.is_empty() {
            at = self.cut(name, at, bits, &form.less);
        }
        let step = |parts: f64| form.grids.iter().map(|grid| grid.step / parts).collect();
        let (code, scale, offset) = match is_sign {
            true => (Code::Signs { at }, step(2.0), vec![0.0; form.grids.len()]),
            false => (Code::Levels { at, bits }, step(1.0), form.grids.iter().map(|grid| grid.first).collect()),
        };
        Ok(Coded::plain(code, coded.layout.clone(), scale, offset))
    }

    /// Levels that are cut at the top already, less what makes them be cut at the bottom.
    fn cut(&mut self, name: &str, levels: usize, bits: u32, less: &[usize]) -> usize {
        let most = (1usize << bits) - 1;
        let from = |less: &usize| -> Vec<i32> {
            let less = *less;
            (1..=most).map(|level| if level + less > most { i32::MAX } else { (level + less) as i32 }).collect()
        };
        let thresholds = less.iter().flat_map(from).collect();
        let sums = self.push(&format!("{name}.cut"), vec![levels], Op::SumPool { window: Window::valid(1, 1) });
        let (node, what) = (self.graph.nodes[sums - 1].name.clone(), "levels cut at both ends".into());
        self.folded.push(Folded { node, what, from: vec![], how: "a level less a constant".into() });
        let op = Op::Steps { thresholds, descends: vec![false; less.len()], bits: Some(bits) };
        self.push(&format!("{name}.cut.steps"), vec![sums], op)
    }

    /// The pools of a chain, now over signs or levels: a maximum and a rising function may change places.
    fn pools(&mut self, coded: &Coded, mut at: usize, is_sign: bool) -> usize {
        for link in &coded.chain {
            if let Link::Pool { name, window, .. } = link {
                let mut window = *window;
                window.pad_value = if is_sign { PadValue::MinusOne } else { PadValue::Zero };
                at = self.push(name, vec![at], Op::MaxPool { window });
            }
        }
        at
    }

    /// A bend, a curve or uneven steps before many levels.
    fn no_line(&self, name: &str, coded: &Coded, bits: u32) -> Fault {
        let chain = self.chain(coded).map(|(node, _)| format!("`{}`", node.name));
        let problem = format!(
            "its {bits} bits of levels are no straight line of the sums between two limits, which is all that one \
             multiplication can say; between the sums and its levels stand {}: quantise to 4 bits, whose thresholds \
             may lie anywhere, or leave out what bends",
            chain.collect::<Vec<_>>().join(", ")
        );
        let cure = Cure::Quantise { tensors: vec![name.into()], bits: 4 };
        Fault::Curable { error: self.trouble(name, problem).into(), cure: cure.into() }
    }
}

impl Form {
    /// Thresholds that may lie anywhere.
    fn of_thresholds(channels: &[Channel<'_>], grids: Vec<Grid>, most: usize) -> Self {
        let thresholds = thresholds(channels, &grids, most);
        Self { grids, thresholds, less: Vec::new() }
    }

    /// Levels up to `most` as one line a channel, cut at 0 and `most`, or at one of them and at another place; exactly
    /// or else but for rounding. `None` where they are no line.
    fn of_lines(channels: &[Channel<'_>], grids: &[Grid], most: usize) -> Option<Self> {
        [0.0, HALF].into_iter().find_map(|slack| {
            Self::once(channels, grids, most, slack).or_else(|| Self::twice(channels, grids, most, slack))
        })
    }

    /// One step: the grids begin at level 0, or end at level `most`.
    fn once(channels: &[Channel<'_>], grids: &[Grid], most: usize, slack: f64) -> Option<Self> {
        let fits = |channel: &Channel<'_>, grid: &Grid| Line::through(&channel.begins(grid, most), slack).is_some();
        let raised: Vec<Grid> = grids.iter().map(|grid| grid.up_to(most)).collect();
        let all = |grids: &[Grid]| channels.iter().zip(grids).all(|(channel, grid)| fits(channel, grid));
        let found = if all(grids) {
            grids.to_vec()
        } else if all(&raised) {
            raised
        } else if grids.iter().all(|grid| grid == &grids[0]) {
            return None;
        } else {
            let pairs = channels.iter().zip(grids.iter().zip(raised));
            let each = pairs.map(|(channel, (grid, raised))| match fits(channel, grid) {
                true => Some(*grid),
                false => fits(channel, &raised).then_some(raised),
            });
            each.collect::<Option<Vec<Grid>>>()?
        };
        Some(Self::of_thresholds(channels, found, most))
    }

    /// Two steps: the greatest level of each channel becomes `most`, where the line is cut; then what was added is
    /// taken off again, and the line is cut at 0.
    fn twice(channels: &[Channel<'_>], grids: &[Grid], most: usize, slack: f64) -> Option<Self> {
        let (mut all, mut less) = (Vec::new(), Vec::new());
        for (channel, grid) in channels.iter().zip(grids) {
            let top = channel.top(grid);
            let line = Line::through(&channel.begins(grid, top), slack)?;
            let more = most - top;
            // Below the bottom the line may go on as it likes.
            let low = (1..=more).map(|level| channel.at(line.begin(level as f64 - more as f64)));
            let high = (1..=top).map(|level| channel.threshold(grid, level));
            let mut thresholds: Vec<i32> = low.chain(high).collect();
            thresholds.sort_unstable();
            all.append(&mut thresholds);
            less.push(more);
        }
        Some(Self { grids: grids.to_vec(), thresholds: all, less })
    }
}

/// The thresholds of every channel.
fn thresholds(channels: &[Channel<'_>], grids: &[Grid], most: usize) -> Vec<i32> {
    let of = |(channel, grid): (&Channel<'_>, &Grid)| -> Vec<i32> {
        let mut values: Vec<i32> = (1..=most).map(|level| channel.threshold(grid, level)).collect();
        values.sort_unstable();
        values
    };
    channels.iter().zip(grids).flat_map(of).collect()
}

impl<'s> Channel<'s> {
    fn new(stretches: &'s [Stretch], range: (i64, i64)) -> Self {
        let falls = stretches.len() > 1 && stretches[1].value < stretches[0].value;
        Self { stretches, falls, range }
    }

    /// The greatest level.
    fn top(&self, grid: &Grid) -> usize {
        self.stretches.iter().filter_map(|one| grid.level(one.value)).max().unwrap_or(0)
    }

    /// The thresholds that mean always and never.
    fn limits(&self) -> (i32, i32) {
        if self.falls { (i32::MAX, i32::MIN) } else { (i32::MIN, i32::MAX) }
    }

    /// The integer from which (or down to which) the channel has at least `level`.
    fn threshold(&self, grid: &Grid, level: usize) -> i32 {
        let reaches = |one: &Stretch| grid.level(one.value).is_some_and(|found| found >= level);
        let (always, never) = self.limits();
        if self.stretches.iter().all(reaches) {
            return always;
        }
        if self.falls {
            // The integer before the first stretch that does not reach it.
            let end = self.stretches.iter().position(|one| !reaches(one)).unwrap_or(0);
            return if end == 0 { never } else { (self.stretches[end].first - 1).min(self.range.1) as i32 };
        }
        self.stretches.iter().find(|one| reaches(one)).map_or(never, |one| one.first as i32)
    }

    /// The least and the greatest sum in the direction in which levels rise.
    fn rising(&self) -> (i64, i64) {
        if self.falls { (-self.range.1, -self.range.0) } else { self.range }
    }

    /// Where each level up to `most` begins, in the direction in which they rise.
    fn begins(&self, grid: &Grid, most: usize) -> Vec<Begin> {
        (1..=most).map(|level| self.begin(level, self.threshold(grid, level))).collect()
    }

    /// Where a level begins whose threshold is this one.
    fn begin(&self, level: usize, threshold: i32) -> Begin {
        let ((low, high), (always, never)) = (self.rising(), self.limits());
        let (reached, missed) = if threshold == always {
            (Some(low), None)
        } else if threshold == never {
            (None, Some(high))
        } else {
            let at = if self.falls { -i64::from(threshold) } else { i64::from(threshold) };
            (Some(at), Some(at - 1))
        };
        Begin { level, reached, missed }
    }

    /// The threshold at a sum in the direction in which levels rise.
    fn at(&self, sum: f64) -> i32 {
        let ((low, high), (always, never)) = (self.rising(), self.limits());
        if sum <= low as f64 {
            always
        } else if sum > high as f64 {
            never
        } else if self.falls {
            -sum as i32
        } else {
            sum as i32
        }
    }
}
