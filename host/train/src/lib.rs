//! Learning: data sets in, graph out.
