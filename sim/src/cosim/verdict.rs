//! What the program of a Pico (`firmware/boards/pico`) says, as numbers.

/// What is equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Verdict {
    /// Answers of the FPGA, each equal to that of the software.
    pub inferences: u64,
    /// Digests of layers, each equal to that of the software and of the laptop.
    pub digests: u64,
}

/// Reads what a Pico said: every answer and the digest of every layer equal, by its own words.
///
/// # Errors
/// Why that is not so, with what was said.
pub fn verdict(said: &str) -> Result<Verdict, String> {
    let lines: Vec<&str> = said.lines().filter(|line| !line.is_empty()).collect();
    let tested = lines.iter().find_map(|line| numbers(line, ["self-test ok ", " inputs ", " digests"]));
    let Some((rows, computed)) = tested else {
        return Err(match lines.last() {
            Some(line) => format!("no self-test of the Pico was well: {line}"),
            None => "the Pico said nothing: is its program one of `bitfab new`?".into(),
        });
    };
    let last = lines.last().unwrap_or(&"");
    if last.starts_with("link ok ") && last.ends_with(" no digests") {
        return Err("the FPGA keeps no digests: build it by `bitfab bitstream --digests`".into());
    }
    let (inferences, digests) = numbers(last, ["link ok ", " equal ", " digests"]).ok_or_else(|| (*last).to_owned())?;
    // Of every layer, for every input.
    let is_whole = rows > 0 && digests > 0 && inferences.is_multiple_of(rows);
    let product = |a: u64, b: u64| u128::from(a) * u128::from(b);
    if !is_whole || product(inferences, computed) != product(digests, rows) {
        return Err(format!("not every input and layer was compared: {rows} inputs, {computed} digests, then {last}"));
    }
    Ok(Verdict { inferences, digests })
}

/// The two numbers of a line of these words.
fn numbers(line: &str, [first, second, third]: [&str; 3]) -> Option<(u64, u64)> {
    let (left, right) = line.strip_prefix(first)?.strip_suffix(third)?.split_once(second)?;
    Some((left.parse().ok()?, right.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WELL: &str =
        "bitfab 0.1.0 pico model 1\nself-test ok 4 inputs 8 digests\nlink 25\nlink ok 20 equal 40 digests\n";

    #[test]
    fn all_that_was_asked_is_equal() {
        assert_eq!(verdict(WELL), Ok(Verdict { inferences: 20, digests: 40 }));
    }

    #[test]
    fn anything_else_is_no_success_and_says_why() {
        let wrong = |from: &str, to: &str| verdict(&WELL.replace(from, to)).unwrap_err();
        assert!(wrong("link ok 20 equal 40 digests\n", "").contains("link 25"));
        assert!(wrong("40 digests\n", "no digests\n").contains("--digests"));
        assert!(
            wrong("link ok 20 equal 40 digests", "link: after 3 equal: silent").contains("link: after 3 equal: silent")
        );
        assert!(wrong("self-test ok 4 inputs 8 digests", "input 1 layer 0: 1, not 2").contains("link ok"));
        // Fewer than there are.
        assert!(wrong("equal 40", "equal 20").contains("not every"));
        assert!(wrong("ok 20 equal 40", "ok 0 equal 0").contains("not every"));
        assert!(wrong("ok 20 equal 40", "ok 2 equal 4").contains("not every"));
        assert!(wrong("ok 4 inputs 8", "ok 0 inputs 0").contains("not every"));
        assert!(verdict("").unwrap_err().contains("bitfab new"));
    }
}
