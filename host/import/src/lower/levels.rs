//! From a chain behind integers to signs or levels: where each value begins, found by bisection.

use bitfab_graph::{Op, Window};

use crate::lower::coded::{Code, Coded, Link, Pending};
use crate::lower::lowering::{Fault, Lowering};

/// The most different values of one tensor.
const MAX_VALUES: usize = 256;
/// How far a value may lie off the grid, in steps of it: reals are computed in 64 bits.
const TOLERANCE: f64 = 1e-9;

/// A stretch of integers of one channel that have the same value.
pub(crate) struct Stretch {
    pub first: i64,
    pub value: f64,
}

/// Values that lie on a grid: `first + step * level`, level 0 to `count - 1`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Grid {
    pub first: f64,
    pub step: f64,
    pub count: usize,
}

impl Grid {
    /// The coarsest grid that holds all of `values`, which ascend; `None` if there is none of 256 levels.
    fn of(values: &[f64]) -> Option<Self> {
        let (&first, &last) = (values.first()?, values.last()?);
        let gap = values.windows(2).map(|pair| pair[1] - pair[0]).min_by(f64::total_cmp);
        let Some(gap) = gap else { return Some(Self { first, step: 1.0, count: 1 }) };
        (1..MAX_VALUES).find_map(|part| {
            let grid = Self { first, step: gap / part as f64, count: 0 };
            let count = grid.level(last)? + 1;
            (count <= MAX_VALUES && values.iter().all(|&value| grid.level(value).is_some()))
                .then_some(Self { count, ..grid })
        })
    }

    /// The level of a value, if it is on the grid.
    pub fn level(&self, value: f64) -> Option<usize> {
        let level = (value - self.first) / self.step;
        let is_on = (level - level.round()).abs() < TOLERANCE * level.abs().max(1.0);
        (is_on && level.round() >= 0.0).then(|| level.round() as usize)
    }

    /// The same values as the uppermost of `most + 1` levels.
    pub fn up_to(&self, most: usize) -> Self {
        let spare = (most + 1).saturating_sub(self.count);
        Self { first: self.first - self.step * spare as f64, step: self.step, count: self.count + spare }
    }

    /// Whether it is {-v, +v}.
    pub fn is_sign(&self) -> bool {
        self.count == 2 && (2.0 * self.first + self.step).abs() < TOLERANCE * self.step
    }
}

impl Lowering<'_> {
    /// `coded` as plain bytes, signs or levels without a chain; `name` is the source's tensor.
    pub fn finite(&mut self, name: &str, coded: &Coded) -> Result<Coded, Fault> {
        if coded.chain.is_empty() && !matches!(coded.code, Code::Sums { .. }) {
            return Ok(coded.clone());
        }
        if let Some(known) = self.finite.get(name) {
            return Ok(known.clone());
        }
        let found = match coded.code {
            Code::Bytes { .. } => self.bytes(name, coded)?,
            Code::Sums { .. } => self.stepped(name, coded)?,
            Code::Signs { .. } | Code::Levels { .. } => match self.straight(coded)? {
                Some(plain) => plain,
                None => {
                    let sums = self.summed(name, coded)?;
                    self.stepped(name, &sums)?
                }
            },
        };
        self.finite.insert(name.into(), found.clone());
        Ok(found)
    }

    /// Integers whose chain is `scale * integer + offset` in every channel.
    fn straight(&self, coded: &Coded) -> Result<Option<Coded>, Fault> {
        let channels = coded.channels();
        if coded.each != 1 {
            return Ok(None);
        }
        let (low, high) = coded.code.range(0);
        let codes: Vec<i64> =
            (low..=high).step_by(if matches!(coded.code, Code::Signs { .. }) { 2 } else { 1 }).collect();
        let columns: Result<Vec<Vec<f64>>, Fault> =
            codes.iter().map(|&code| self.at(coded, &vec![code; channels])).collect();
        let columns = columns?;
        let (mut scale, mut offset) = (vec![0.0; channels], vec![0.0; channels]);
        for channel in 0..channels {
            let (first, last) = (columns[0][channel], columns[codes.len() - 1][channel]);
            let step = (last - first) / (high - low).max(1) as f64;
            let zero = first - step * low as f64;
            let size = first.abs().max(last.abs()).max(f64::MIN_POSITIVE);
            let is_off = |(code, column): (&i64, &Vec<f64>)| {
                (zero + step * *code as f64 - column[channel]).abs() > TOLERANCE * size
            };
            if codes.iter().zip(&columns).any(is_off) {
                return Ok(None);
            }
            (scale[channel], offset[channel]) = (step, zero);
        }
        Ok(Some(Coded::plain(coded.code.clone(), coded.layout.clone(), scale, offset)))
    }

    /// The values at one integer a channel.
    pub fn at(&self, coded: &Coded, codes: &[i64]) -> Result<Vec<f64>, Fault> {
        let codes: Vec<f64> = codes.iter().map(|&code| code as f64).collect();
        self.values(coded, &codes).map_err(|(index, problem)| self.fault(index, problem))
    }

    /// Bytes behind a chain: bytes still, if they are straight, else signs by thresholds.
    fn bytes(&mut self, name: &str, coded: &Coded) -> Result<Coded, Fault> {
        if let Some(plain) = self.straight(coded)? {
            return Ok(plain);
        }
        let stretches = self.stretches(name, coded)?;
        let each = stretches.iter().map(|one| one.len() - 1).max().unwrap_or(0).max(1);
        if each > 15 {
            return Err(self.trouble(
                name,
                format!(
                    "is neither a straight line over the input's bytes nor at most 16 different values ({} here); \
                     let the bytes be the quantiser's integers (leave out --input), or rows real values (--input values)",
                    each + 1
                ),
            ));
        }
        let (mut thresholds, mut scale, mut offset) = (Vec::new(), Vec::new(), Vec::new());
        for one in &stretches {
            let mut middle = one[0].value;
            for step in 1..=each {
                let rise = if step < one.len() { one[step].value - one[step - 1].value } else { 0.0 };
                let first = one[step.min(one.len() - 1)].first;
                thresholds.push(first as i16);
                scale.push(rise / 2.0);
                middle += rise / 2.0;
            }
            offset.push(middle);
        }
        let op = Op::Encode { thresholds, per_channel: each as u32 };
        let at = self.push(name, vec![0], op);
        let mut plain = Coded::plain(Code::Signs { at }, coded.layout.clone(), scale, offset);
        plain.each = each;
        Ok(plain)
    }

    /// Signs or levels as sums of themselves, so that thresholds may follow.
    pub fn summed(&self, name: &str, coded: &Coded) -> Result<Coded, Fault> {
        if coded.each != 1 {
            return Err(self.trouble(name, "bytes that became several signs are read by more than a weighted node"));
        }
        let (low, high) = coded.code.range(0);
        let pending = Pending {
            name: name.into(),
            op: Op::SumPool { window: Window::valid(1, 1) },
            input: coded.code.at().unwrap_or(0),
            residual: None,
        };
        let channels = coded.channels();
        let code =
            Code::Sums { pending: pending.into(), low: vec![low; channels].into(), high: vec![high; channels].into() };
        Ok(Coded { code, ..coded.clone() })
    }

    /// What follows a maximum must rise, so that the two may change places.
    pub fn check_pools(
        &self,
        name: &str,
        coded: &Coded,
        descends: &[bool],
        stretches: &[Vec<Stretch>],
    ) -> Result<(), Fault> {
        let Some(pool) = coded.chain.iter().rposition(|link| matches!(link, Link::Pool { .. })) else {
            return Ok(());
        };
        let before = Coded { chain: coded.chain[..pool].into(), ..coded.clone() };
        let ends = |end: fn((i64, i64)) -> i64| -> Vec<i64> {
            (0..coded.channels()).map(|channel| end(coded.code.range(channel))).collect()
        };
        let (low, high) = (self.at(&before, &ends(|range| range.0))?, self.at(&before, &ends(|range| range.1))?);
        for (channel, one) in stretches.iter().enumerate() {
            if one.len() > 1 && (high[channel] < low[channel]) != descends[channel] {
                let problem = "falls where the maximum before it rises; put the quantiser before the pool";
                return Err(self.trouble(name, problem));
            }
        }
        Ok(())
    }

    /// One grid for all channels, or else one for each.
    pub fn grids(&self, name: &str, stretches: &[Vec<Stretch>]) -> Result<Vec<Grid>, Fault> {
        let ordered = |all: &mut dyn Iterator<Item = f64>| {
            let mut values: Vec<f64> = all.collect();
            values.sort_unstable_by(f64::total_cmp);
            values.dedup_by(|a, b| (*a - *b).abs() <= TOLERANCE * a.abs().max(b.abs()));
            values
        };
        let of_all = ordered(&mut stretches.iter().flatten().map(|one| one.value));
        if let Some(grid) = Grid::of(&of_all) {
            return Ok(vec![grid; stretches.len()]);
        }
        let each = stretches.iter().map(|one| Grid::of(&ordered(&mut one.iter().map(|one| one.value))));
        let grids: Option<Vec<Grid>> = each.collect();
        grids.ok_or_else(|| {
            self.unquantised(name, "its values are not evenly spaced; use a quantiser with one step between levels")
        })
    }

    /// The stretches of equal value of every channel, from the least integer on.
    pub fn stretches(&self, name: &str, coded: &Coded) -> Result<Vec<Vec<Stretch>>, Fault> {
        let channels = coded.channels();
        let range = |channel: usize| coded.code.range(channel);
        let mut first: Vec<i64> = (0..channels).map(|channel| range(channel).0).collect();
        let mut stretches: Vec<Vec<Stretch>> = (0..channels).map(|_| Vec::new()).collect();
        for _ in 0..MAX_VALUES {
            let values = self.at(coded, &first)?;
            // The last integer of the stretch that begins at `first`, for all channels at once.
            let mut same = first.clone();
            let mut beyond: Vec<i64> = (0..channels).map(|channel| range(channel).1 + 1).collect();
            while same.iter().zip(&beyond).any(|(same, beyond)| beyond - same > 1) {
                let middle: Vec<i64> = same.iter().zip(&beyond).map(|(a, b)| a + (b - a) / 2).collect();
                let found = self.at(coded, &middle)?;
                for channel in 0..channels {
                    let is_same = found[channel] == values[channel];
                    *(if is_same { &mut same } else { &mut beyond }).get_mut(channel).expect("a channel") =
                        middle[channel];
                }
            }
            let mut is_done = true;
            for channel in 0..channels {
                if first[channel] <= range(channel).1 {
                    stretches[channel].push(Stretch { first: first[channel], value: values[channel] });
                    first[channel] = beyond[channel];
                    is_done &= first[channel] > range(channel).1;
                }
            }
            if is_done {
                return self.rising(name, stretches);
            }
            first.iter_mut().enumerate().for_each(|(channel, first)| *first = (*first).min(range(channel).1 + 1));
        }
        Err(self.unquantised(
            name,
            "a weighted node, pool or addition reads it, but it is not quantised: it has more than 256 values; \
             put a quantiser (Quant, BipolarQuant, MultiThreshold, QuantizeLinear) before it",
        ))
    }

    /// Refuses what neither rises nor falls.
    fn rising(&self, name: &str, stretches: Vec<Vec<Stretch>>) -> Result<Vec<Vec<Stretch>>, Fault> {
        let is_monotone = |one: &Vec<Stretch>| {
            let values = || one.windows(2).map(|pair| pair[1].value - pair[0].value);
            values().all(|rise| rise > 0.0) || values().all(|rise| rise < 0.0)
        };
        match stretches.iter().position(|one| !is_monotone(one)) {
            Some(channel) => Err(self.trouble(
                name,
                format!("channel {channel} neither rises nor falls over its sums, so that thresholds cannot say it"),
            )),
            None => Ok(stretches),
        }
    }
}
