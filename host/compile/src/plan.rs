//! Places tensors and scratch in the arena by their lifetimes.

use bitfab_format::{Draft, Kind, Shape};

/// A run of words that is needed from one layer to another.
#[derive(Clone, Copy, Debug)]
struct Item {
    words: u32,
    /// First and last layer that needs it.
    life: (usize, usize),
    owner: Owner,
}

#[derive(Clone, Copy, Debug)]
enum Owner {
    Output(usize),
    Scratch(usize),
}

/// Fills in every start and the arena's size.
pub(crate) fn plan(draft: &mut Draft, scratch: &[u32]) {
    let items = items(draft, scratch);
    let candidates = [two_ended(&items), first_fit(&items, by_size), first_fit(&items, by_time)];
    let Some(best) = candidates.into_iter().min_by_key(|starts| end(&items, starts)) else { return };
    draft.arena_words = end(&items, &best);
    for (item, start) in items.iter().zip(best) {
        match item.owner {
            Owner::Output(layer) => draft.layers[layer].output.start = start,
            Owner::Scratch(layer) => draft.layers[layer].scratch = start,
        }
    }
}

fn end(items: &[Item], starts: &[u32]) -> u32 {
    items.iter().zip(starts).map(|(item, start)| start + item.words).max().unwrap_or(0)
}

/// Outputs and scratch with their lifetimes, in the order of their layers.
fn items(draft: &Draft, scratch: &[u32]) -> Vec<Item> {
    let last = draft.layers.len() - 1;
    let mut items = Vec::new();
    for (index, layer) in draft.layers.iter().enumerate() {
        let reads = |reader: &bitfab_format::DraftLayer| {
            let tensor = index as u16 + 1;
            reader.input == tensor || reader.residual.is_some_and(|(residual, _)| residual == tensor)
        };
        let until = draft.layers.iter().rposition(reads).unwrap_or(index);
        let until = if index == last { last } else { until };
        let words = words(layer.output.shape, layer.output.kind);
        items.push(Item { words, life: (index, until), owner: Owner::Output(index) });
        if scratch[index] > 0 {
            items.push(Item { words: scratch[index], life: (index, index), owner: Owner::Scratch(index) });
        }
    }
    items
}

fn words(shape: Shape, kind: Kind) -> u32 {
    match kind {
        Kind::I32 => shape.volume(),
        _ => shape.pixels() * kind.planes() * shape.channel_words(),
    }
}

/// Alternate ends of an arena as large as the most demanding layer: minimal for chains,
/// since input, output and scratch of one layer must exist together.
fn two_ended(items: &[Item]) -> Vec<u32> {
    let layers = items.iter().map(|item| item.life.1 + 1).max().unwrap_or(0);
    let alive = |layer: usize| items.iter().filter(move |item| item.life.0 <= layer && layer <= item.life.1);
    let arena = (0..layers).map(|layer| alive(layer).map(|item| item.words).sum()).max().unwrap_or(0);
    let mut starts: Vec<u32> = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let start = match item.owner {
            Owner::Output(layer) if layer % 2 == 0 => 0,
            Owner::Output(_) => arena - item.words,
            Owner::Scratch(layer) if layer % 2 == 0 => items[index - 1].words,
            Owner::Scratch(_) => arena - items[index - 1].words - item.words,
        };
        starts.push(start);
    }
    if overlap(items, &starts) { first_fit(items, by_size) } else { starts }
}

fn meet(a: &Item, b: &Item) -> bool {
    a.life.0 <= b.life.1 && b.life.0 <= a.life.1
}

fn overlap(items: &[Item], starts: &[u32]) -> bool {
    let clash = |i: usize, j: usize| {
        let (a, b) = (&items[i], &items[j]);
        meet(a, b) && starts[i] < starts[j] + b.words && starts[j] < starts[i] + a.words
    };
    (0..items.len()).any(|i| (0..i).any(|j| clash(i, j)))
}

type Order = fn(&Item) -> (std::cmp::Reverse<u32>, usize);

fn by_size(item: &Item) -> (std::cmp::Reverse<u32>, usize) {
    (std::cmp::Reverse(item.words), item.life.0)
}

fn by_time(item: &Item) -> (std::cmp::Reverse<u32>, usize) {
    (std::cmp::Reverse(0), item.life.0)
}

/// Places each item, in the given order, at the lowest start that no placed item of overlapping life occupies.
fn first_fit(items: &[Item], order: Order) -> Vec<u32> {
    let mut indices: Vec<usize> = (0..items.len()).collect();
    indices.sort_by_key(|&index| order(&items[index]));
    let mut starts = vec![0; items.len()];
    let mut placed: Vec<usize> = Vec::new();
    for index in indices {
        let mut blocks: Vec<(u32, u32)> = placed
            .iter()
            .filter(|&&other| meet(&items[index], &items[other]))
            .map(|&other| (starts[other], starts[other] + items[other].words))
            .collect();
        blocks.sort_unstable();
        let mut start = 0;
        for (from, to) in blocks {
            if start + items[index].words <= from {
                break;
            }
            start = start.max(to);
        }
        starts[index] = start;
        placed.push(index);
    }
    starts
}
