//! Formats of known data sets: bytes of their files in, [`Rows`](crate::Rows) out.
