//! Integer arithmetic on packed words: a naive reference and its fast twins.
