//! Lines of text to the debugger, few calls a line: each call stops a real core for milliseconds.

use core::fmt::{self, Write as _};

use heapless::String;
use semihosting::io::{self, Stdout, Write as _};

/// Buffered text output; a host that takes none is no reason to stop.
pub struct Console {
    out: Option<Stdout>,
    buffer: String<120>,
}

impl Console {
    pub fn new() -> Self {
        Self { out: io::stdout().ok(), buffer: String::new() }
    }

    /// Prints one line.
    pub fn line(&mut self, text: fmt::Arguments<'_>) {
        self.text(text);
        self.end_line();
    }

    /// Prints a part of a line.
    pub fn text(&mut self, text: fmt::Arguments<'_>) {
        // `write_str` below never fails.
        let _ = self.write_fmt(text);
    }

    /// Ends the line.
    pub fn end_line(&mut self) {
        let _ = self.write_str("\n");
        self.flush();
    }

    fn flush(&mut self) {
        if let Some(out) = &mut self.out {
            let _ = out.write_all(self.buffer.as_bytes());
        }
        self.buffer.clear();
    }
}

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if self.buffer.push(character).is_err() {
                self.flush();
                // An empty buffer takes any character.
                let _ = self.buffer.push(character);
            }
        }
        Ok(())
    }
}
