//! Frames on a UART: SLIP (RFC 1055), byte by byte in both directions.
#![cfg_attr(not(any(feature = "uart", feature = "async")), allow(dead_code, reason = "the server takes a part"))]

use crate::protocol::{SLIP_END, SLIP_ESCAPE, SLIP_ESCAPED_END, SLIP_ESCAPED_ESCAPE};
use crate::{Frame, Received};

/// What a byte of a frame is on the wire: one or two bytes.
pub(crate) const fn escape(byte: u8) -> (u8, Option<u8>) {
    match byte {
        SLIP_END => (SLIP_ESCAPE, Some(SLIP_ESCAPED_END)),
        SLIP_ESCAPE => (SLIP_ESCAPE, Some(SLIP_ESCAPED_ESCAPE)),
        _ => (byte, None),
    }
}

/// What a byte of the wire is.
pub(crate) enum Piece {
    /// A byte of the frame.
    Byte(u8),
    /// The first half of an escaped byte.
    Half,
    /// The frame's end, and whether all of its bytes were ones that SLIP has.
    End {
        /// Whether they were.
        is_sound: bool,
    },
}

/// Takes bytes of the wire.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Unescape {
    is_escaped: bool,
    /// Whether the frame has what is no byte of SLIP.
    pub(crate) is_broken: bool,
}

impl Unescape {
    pub(crate) fn take(&mut self, raw: u8) -> Piece {
        match (raw, core::mem::take(&mut self.is_escaped)) {
            (SLIP_END, is_escaped) => Piece::End { is_sound: !core::mem::take(&mut self.is_broken) && !is_escaped },
            (SLIP_ESCAPE, false) => {
                self.is_escaped = true;
                Piece::Half
            }
            (SLIP_ESCAPED_END, true) => Piece::Byte(SLIP_END),
            (SLIP_ESCAPED_ESCAPE, true) => Piece::Byte(SLIP_ESCAPE),
            (byte, is_escaped) => {
                self.is_broken |= is_escaped;
                Piece::Byte(byte)
            }
        }
    }
}

/// Fills a frame with an answer.
pub(crate) struct Decoder<'f, 'a> {
    frame: &'f mut Frame<'a>,
    unescape: Unescape,
    left: usize,
}

impl<'f, 'a> Decoder<'f, 'a> {
    pub(crate) const fn new(frame: &'f mut Frame<'a>) -> Self {
        // Every byte may be two, and ends may stand in front; what is longer is no answer.
        let left = frame.capacity().saturating_mul(2).saturating_add(16);
        Self { frame, unescape: Unescape { is_escaped: false, is_broken: false }, left }
    }

    /// Takes the next byte, `None` for one that the UART found damaged; says when the frame, or patience with it, ends.
    pub(crate) fn push(&mut self, raw: Option<u8>) -> Option<Received> {
        let Some(left) = self.left.checked_sub(1) else { return Some(Received::Noise) };
        self.left = left;
        let Some(raw) = raw else {
            self.unescape.is_broken = true;
            return None;
        };
        match self.unescape.take(raw) {
            Piece::Byte(byte) => self.frame.push(byte),
            Piece::Half => {}
            Piece::End { is_sound: false } => return Some(Received::Garbled),
            Piece::End { is_sound: true } if self.frame.is_empty() => {}
            Piece::End { is_sound: true } => return Some(Received::Frame),
        }
        None
    }

    /// What it is where no byte came in time.
    pub(crate) const fn silence(&self) -> Received {
        match self.frame.is_empty() && !self.unescape.is_broken {
            true => Received::Silence,
            false => Received::Noise,
        }
    }
}
