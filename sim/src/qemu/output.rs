//! What firmware and plugin print, parsed.

use super::{Board, QemuError};
use crate::CodedRow;

/// The output of the last layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scores {
    /// Accumulators, and the class that the firmware chose.
    Raw {
        /// Index of the largest score, the lowest of equals.
        class: usize,
        /// The scores.
        scores: Vec<i32>,
    },
    /// Words of a packed tensor.
    Packed(Vec<u32>),
}

/// One image's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inference {
    /// One CRC-32 a layer; empty unless asked for.
    pub digests: Vec<u32>,
    /// The output.
    pub scores: Scores,
    /// What the firmware coded the row to; `None` for rows of bytes.
    pub coded: Option<CodedRow>,
    /// What was executed, for images that were counted.
    pub counts: Option<Counts>,
}

/// What was executed, exactly: retired instructions, not cycles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Instructions.
    pub instructions: u64,
    /// Load accesses; a load of n registers counts n.
    pub loads: u64,
    /// Store accesses.
    pub stores: u64,
}

/// The counts of one inference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// The whole inference, markers excluded.
    pub total: Count,
    /// One a layer; together they miss only the few instructions after the last layer.
    pub layers: Vec<Count>,
    /// Lowest address of the stack that was written.
    pub lowest_stack: u32,
    /// Bytes of stack from there to its top, callers included.
    pub stack_bytes: u32,
}

/// Parses the firmware's lines; digests and scores of each image in order.
pub fn parse_lines(board: Board, text: &str) -> Result<Vec<Inference>, QemuError> {
    let mut inferences: Vec<Inference> = Vec::new();
    let mut digests = Vec::new();
    let mut done = None;
    for line in text.lines() {
        let wrong = |what| QemuError::Output { board, what, line: line.into() };
        let words: Vec<&str> = line.split_whitespace().collect();
        match *words.as_slice() {
            ["board" | "model" | "arena", ..] => {}
            ["digest", image, layer, digest] => {
                let place = (image.parse() == Ok(inferences.len()), layer.parse() == Ok(digests.len()));
                if place != (true, true) {
                    return Err(wrong("digests out of order"));
                }
                digests.push(u32::from_str_radix(digest, 16).map_err(|_| wrong("not a digest"))?);
            }
            ["image", image, ref rest @ ..] => {
                if image.parse() != Ok(inferences.len()) {
                    return Err(wrong("images out of order"));
                }
                let scores = parse_scores(rest).ok_or_else(|| wrong("not a result"))?;
                inferences.push(Inference { digests: std::mem::take(&mut digests), scores, coded: None, counts: None });
            }
            ["input", image, digest, "clamped", clamped] => {
                let last = inferences.len().checked_sub(1).filter(|last| image.parse() == Ok(*last));
                let inference =
                    last.and_then(|last| inferences.get_mut(last)).ok_or_else(|| wrong("inputs out of order"))?;
                let digest = u32::from_str_radix(digest, 16).map_err(|_| wrong("not a digest"))?;
                let clamped = clamped.parse().map_err(|_| wrong("not a number of values"))?;
                inference.coded = Some(CodedRow { digest, clamped });
            }
            ["done", count] => done = count.parse::<usize>().ok(),
            _ => return Err(wrong("no such line")),
        }
    }
    if done != Some(inferences.len()) {
        let line = text.lines().last().unwrap_or_default().into();
        return Err(QemuError::Output { board, what: "the end is missing", line });
    }
    Ok(inferences)
}

fn parse_scores(words: &[&str]) -> Option<Scores> {
    match words {
        ["class", class, "scores", scores @ ..] => {
            let scores = scores.iter().map(|score| score.parse().ok()).collect::<Option<_>>()?;
            Some(Scores::Raw { class: class.parse().ok()?, scores })
        }
        ["packed", packed @ ..] => {
            packed.iter().map(|word| u32::from_str_radix(word, 16).ok()).collect::<Option<_>>().map(Scores::Packed)
        }
        _ => None,
    }
}

/// Parses the plugin's lines; one [`Counts`] a region. `stack_top` is where the stack starts.
pub fn parse_counts(board: Board, text: &str, stack_top: u32) -> Result<Vec<Counts>, QemuError> {
    let mut regions = Vec::new();
    let mut layers = Vec::new();
    for line in text.lines() {
        let wrong = |what| QemuError::Output { board, what, line: line.into() };
        let words: Vec<&str> = line.split_whitespace().collect();
        match *words.as_slice() {
            ["lap", _, _, ref rest @ ..] => layers.push(parse_count(rest).ok_or_else(|| wrong("not a count"))?),
            ["region", _, ref rest @ .., "lowest", lowest] => {
                let total = parse_count(rest).ok_or_else(|| wrong("not a count"))?;
                let lowest_stack = u32::from_str_radix(lowest, 16).map_err(|_| wrong("nothing stored to the stack"))?;
                let stack_bytes = stack_top.saturating_sub(lowest_stack);
                regions.push(Counts { total, layers: std::mem::take(&mut layers), lowest_stack, stack_bytes });
            }
            _ => return Err(wrong("no such count")),
        }
    }
    Ok(regions)
}

fn parse_count(words: &[&str]) -> Option<Count> {
    let ["instructions", instructions, "loads", loads, "stores", stores] = words else { return None };
    let [instructions, loads, stores] = [instructions, loads, stores].map(|word| word.parse().ok());
    Some(Count { instructions: instructions?, loads: loads?, stores: stores? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "board b\nmodel 8 bytes 2 layers\narena 8 bytes of 64\ndigest 0 0 0000000a\ndigest 0 1 ffffffff\n\
                        image 0 class 1 scores -3 12\nimage 1 packed 0000ffff 00000001\ninput 1 000000ff clamped 2\ndone 2\n";

    #[test]
    fn lines_become_inferences() {
        let inferences = parse_lines(Board::M4, GOOD).unwrap();
        let raw = Scores::Raw { class: 1, scores: vec![-3, 12] };
        assert_eq!(inferences[0], Inference { digests: vec![10, u32::MAX], scores: raw, coded: None, counts: None });
        assert_eq!(inferences[1].coded, Some(CodedRow { digest: 255, clamped: 2 }));
        assert_eq!(inferences[1].scores, Scores::Packed(vec![0xffff, 1]));
    }

    #[test]
    fn damaged_lines_are_refused() {
        for (from, to) in [
            ("done 2\n", ""),
            ("done 2", "done 1"),
            ("digest 0 1", "digest 0 2"),
            ("digest 0 0", "digest 1 0"),
            ("image 1", "image 3"),
            ("class 1", "class x"),
            ("input 1", "input 0"),
            ("clamped 2", "clamped -"),
            ("000000ff", "000000fg"),
            ("-3", "-"),
            ("board", "bored"),
            ("0000ffff", "0000fffg"),
        ] {
            assert!(parse_lines(Board::M4, &GOOD.replacen(from, to, 1)).is_err(), "{from} -> {to}");
        }
    }

    #[test]
    fn counts_are_parsed_with_their_laps() {
        let text =
            "lap 0 0 instructions 5 loads 2 stores 1\nregion 0 instructions 9 loads 3 stores 2 lowest 20000ff0\n";
        let counts = parse_counts(Board::M4, text, 0x2000_1000).unwrap();
        assert_eq!(counts[0].total, Count { instructions: 9, loads: 3, stores: 2 });
        assert_eq!(counts[0].layers, [Count { instructions: 5, loads: 2, stores: 1 }]);
        assert_eq!((counts[0].lowest_stack, counts[0].stack_bytes), (0x2000_0ff0, 16));
        assert!(parse_counts(Board::M4, "unfinished 0\n", 0).is_err());
        assert!(parse_counts(Board::M4, &text.replace("20000ff0", "-"), 0).is_err());
    }
}
