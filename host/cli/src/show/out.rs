//! Standard output and standard error: everything that a command says goes through here.
//!
//! A result that could not be printed is a failure, so printing gives an error that ends the command with exit code 1.
//! A message on standard error that could not be printed changes nothing.

use std::fmt::{self, Display};
use std::io::{self, Write};

use anyhow::{Context, Result};
use serde::Serialize;

/// Prints one line of a result.
///
/// # Errors
/// Where standard output is full or cannot be written for another reason.
macro_rules! say {
    ($($text:tt)*) => { $crate::show::out::line(format_args!($($text)*)) };
}

/// Prints one line of a message beside the result, on standard error.
macro_rules! note {
    ($($text:tt)*) => { $crate::show::out::message(format_args!($($text)*)) };
}

/// What a failure to print is called.
const FULL: &str = "cannot write to standard output, the result is lost";

/// Standard output was closed by its reader, who wants no more: no failure of the command.
#[derive(Debug)]
pub struct Closed;

impl Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("standard output was closed")
    }
}

impl std::error::Error for Closed {}

/// Writes a line and hands it on at once, so that an error is known here.
fn write(mut to: impl Write, text: impl Display) -> Result<()> {
    judge(writeln!(to, "{text}").and_then(|()| to.flush()))
}

fn judge(result: io::Result<()>) -> Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Closed.into()),
        result => result.context(FULL),
    }
}

/// Help or version, in colours where a terminal shows them.
pub fn help(text: &clap::Error) -> Result<()> {
    judge(text.print().and_then(|()| io::stdout().flush()))
}

/// A line of the result.
pub fn line(text: impl Display) -> Result<()> {
    write(io::stdout().lock(), text)
}

/// A result for machines, indented.
pub fn json(value: &impl Serialize) -> Result<()> {
    line(serde_json::to_string_pretty(value)?)
}

/// A result for machines in one line.
pub fn json_line(value: &impl Serialize) -> Result<()> {
    line(serde_json::to_string(value)?)
}

/// A line beside the result; nobody is left to be told where it cannot be written.
pub fn message(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails with one kind of error, at the first write or when it is flushed.
    struct Failing(io::ErrorKind, bool);

    impl Write for Failing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.1 { Ok(bytes.len()) } else { Err(self.0.into()) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn a_full_output_is_an_error_and_a_closed_one_an_end() {
        for late in [false, true] {
            let full = write(Failing(io::ErrorKind::StorageFull, late), "x").unwrap_err();
            assert!(full.to_string().contains("standard output") && !full.is::<Closed>(), "{full:#}");
            let closed = write(Failing(io::ErrorKind::BrokenPipe, late), "x").unwrap_err();
            assert!(closed.is::<Closed>(), "{closed:#}");
        }
        let mut text = Vec::new();
        write(&mut text, "a\nb").unwrap();
        assert_eq!(text, b"a\nb\n");
    }
}
