//! Covering of gates by look-up tables of four inputs: cuts that are merged upwards, chosen for area, as mappers do.

use super::graph::{Gate, Graph, Lit, gate};

/// Inputs of a look-up table.
const INPUTS: usize = 4;
/// Cuts that are kept for a gate.
const KEPT: usize = 12;
/// Rounds of choosing by the fan-out that the round before has found.
const ROUNDS: usize = 4;

/// Gates whose look-up table reads nothing else, in order.
#[derive(Clone, Debug, PartialEq)]
struct Cut {
    leaves: Vec<u32>,
    /// Look-up tables that it takes, those that gates share in parts.
    area: f32,
}

/// A covering.
#[derive(Debug)]
pub(super) struct Cover {
    /// The inputs of the look-up table of each gate that has one.
    tables: Vec<Option<Vec<u32>>>,
    /// How often each gate is read: by look-up tables and by roots.
    reads: Vec<u32>,
}

impl Cover {
    /// Covers what `roots` read.
    pub fn new(graph: &Graph, roots: &[Lit]) -> Self {
        let mut fanout: Vec<f32> = vec![0.0; graph.gates().len()];
        let live = live(graph, roots);
        for at in (0..graph.gates().len()).filter(|at| live[*at]) {
            if let Gate::And(a, b) = graph.gates()[at] {
                fanout[gate(a)] += 1.0;
                fanout[gate(b)] += 1.0;
            }
        }
        roots.iter().for_each(|root| fanout[gate(*root)] += 1.0);
        let mut best: Option<(u32, Self)> = None;
        for _ in 0..ROUNDS {
            let cover = chosen(graph, roots, &cuts(graph, &live, &fanout));
            for (mean, reads) in fanout.iter_mut().zip(&cover.reads) {
                *mean = (*mean + 2.0 * *reads as f32) / 3.0;
            }
            let count = cover.count();
            if best.as_ref().is_none_or(|(least, _)| count < *least) {
                best = Some((count, cover));
            }
        }
        best.map_or_else(|| Self { tables: Vec::new(), reads: Vec::new() }, |(_, cover)| cover)
    }

    /// Look-up tables.
    pub fn count(&self) -> u32 {
        self.tables.iter().flatten().count() as u32
    }

    /// Inputs of the one look-up table that reads this gate, where nothing else does.
    pub fn only_reader(&self) -> Vec<Option<usize>> {
        let mut readers = vec![None; self.reads.len()];
        for (at, table) in self.tables.iter().enumerate() {
            for leaf in table.iter().flatten() {
                readers[*leaf as usize] = (self.reads[*leaf as usize] == 1).then_some(at);
            }
        }
        readers
    }

    /// The inputs of the look-up table of a gate.
    pub fn inputs(&self, at: usize) -> &[u32] {
        self.tables[at].as_deref().unwrap_or_default()
    }
}

fn live(graph: &Graph, roots: &[Lit]) -> Vec<bool> {
    let mut live = vec![false; graph.gates().len()];
    roots.iter().for_each(|root| live[gate(*root)] = true);
    for at in (0..live.len()).rev().filter(|at| graph.gates().len() > *at) {
        if let (true, Gate::And(a, b)) = (live[at], graph.gates()[at]) {
            live[gate(a)] = true;
            live[gate(b)] = true;
        }
    }
    live
}

/// The cuts of each gate, the cheapest first; the last one is the gate itself.
fn cuts(graph: &Graph, live: &[bool], fanout: &[f32]) -> Vec<Vec<Cut>> {
    let mut all: Vec<Vec<Cut>> = vec![Vec::new(); graph.gates().len()];
    for at in (0..graph.gates().len()).filter(|at| live[*at]) {
        let mut found: Vec<Cut> = Vec::new();
        if let Gate::And(a, b) = graph.gates()[at] {
            for (left, right) in all[gate(a)].iter().flat_map(|a| all[gate(b)].iter().map(move |b| (a, b))) {
                let Some(leaves) = merged(&left.leaves, &right.leaves) else { continue };
                if found.iter().any(|cut| cut.leaves.iter().all(|leaf| leaves.contains(leaf))) {
                    continue;
                }
                found.retain(|cut| !leaves.iter().all(|leaf| cut.leaves.contains(leaf)));
                let below = |leaf: &u32| all[*leaf as usize].last().map_or(0.0, |own| own.area);
                let area = 1.0 + leaves.iter().map(below).sum::<f32>();
                found.push(Cut { leaves, area });
            }
            found.sort_by(|a, b| a.area.total_cmp(&b.area).then(a.leaves.len().cmp(&b.leaves.len())));
            found.truncate(KEPT);
        }
        let area = found.first().map_or(0.0, |cut| cut.area / fanout[at].max(1.0));
        found.push(Cut { leaves: vec![at as u32], area });
        all[at] = found;
    }
    all
}

/// The union of two cuts, where a look-up table has the inputs.
fn merged(a: &[u32], b: &[u32]) -> Option<Vec<u32>> {
    let mut leaves = a.to_vec();
    for leaf in b {
        if !leaves.contains(leaf) {
            if leaves.len() == INPUTS {
                return None;
            }
            leaves.push(*leaf);
        }
    }
    leaves.sort_unstable();
    Some(leaves)
}

/// The cover of the first cuts.
fn chosen(graph: &Graph, roots: &[Lit], cuts: &[Vec<Cut>]) -> Cover {
    let mut cover = Cover { tables: vec![None; cuts.len()], reads: vec![0; cuts.len()] };
    roots.iter().for_each(|root| cover.reads[gate(*root)] += 1);
    for at in (0..cuts.len()).rev().filter(|at| matches!(graph.gates()[*at], Gate::And(..))) {
        if cover.reads[at] > 0
            && let Some(best) = improved(&cuts[at], &cover.reads)
        {
            best.leaves.iter().for_each(|leaf| cover.reads[*leaf as usize] += 1);
            cover.tables[at] = Some(best.leaves.clone());
        }
    }
    cover
}

/// The cheapest cut; among those that are as cheap, the one whose inputs are there anyway.
fn improved<'c>(cuts: &'c [Cut], reads: &[u32]) -> Option<&'c Cut> {
    let (_, cuts) = cuts.split_last()?;
    let first = cuts.first()?;
    let new = |cut: &Cut| cut.leaves.iter().filter(|leaf| reads[**leaf as usize] == 0).count();
    cuts.iter().take_while(|cut| cut.area <= first.area + 0.001).min_by_key(|cut| new(cut))
}
