//! A request as it is sent, an answer as it arrives.

use crate::crc::Crc;
use crate::protocol::{OK, OVERHEAD};

/// A request: three parts that follow each other on the wire.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub(crate) head: [u8; 2],
    pub(crate) payload: &'a [u8],
    pub(crate) tail: [u8; 4],
}

impl Request<'_> {
    /// Head, payload, checksum.
    pub const fn parts(&self) -> [&[u8]; 3] {
        [&self.head, self.payload, &self.tail]
    }
}

/// Where an answer goes: its head, the caller's payload, its checksum.
#[derive(Debug)]
pub struct Frame<'a> {
    head: [u8; 2],
    payload: &'a mut [u8],
    tail: [u8; 4],
    len: usize,
}

impl<'a> Frame<'a> {
    pub(crate) const fn new(payload: &'a mut [u8]) -> Self {
        Self { head: [0; 2], payload, tail: [0; 4], len: 0 }
    }

    /// Bytes of the whole answer that is awaited.
    pub const fn capacity(&self) -> usize {
        self.payload.len() + OVERHEAD
    }

    /// Bytes that arrived, those past the capacity among them.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing arrived.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Forgets what arrived.
    pub const fn clear(&mut self) {
        self.len = 0;
    }

    /// Takes the next byte; what is past the capacity is counted only.
    pub fn push(&mut self, byte: u8) {
        let payload = self.payload.len();
        let place = match self.len.checked_sub(2) {
            None => self.head.get_mut(self.len),
            Some(at) if at < payload => self.payload.get_mut(at),
            Some(at) => self.tail.get_mut(at - payload),
        };
        if let Some(place) = place {
            *place = byte;
        }
        self.len = self.len.saturating_add(1);
    }

    /// The three parts for a bus that fills all of them.
    pub fn parts(&mut self) -> [&mut [u8]; 3] {
        self.len = self.capacity();
        [&mut self.head, self.payload, &mut self.tail]
    }

    /// Status and sequence number of a whole answer: one with the whole payload, or a refusal, which has none.
    pub(crate) fn answer(&self) -> Option<[u8; 2]> {
        let (mut crc, mut at) = (Crc::new(), 0);
        if self.len > self.capacity() {
            return None;
        }
        // Bytes that did not arrive are looked at too: no frame ends in them.
        for part in [&self.head, &*self.payload, &self.tail] {
            for byte in part {
                crc.push(*byte);
                at += 1;
                let is_end = at == self.capacity() || at == OVERHEAD && self.head[0] != OK;
                if is_end && at <= self.len && crc.is_whole() {
                    return Some(self.head);
                }
            }
        }
        None
    }
}
