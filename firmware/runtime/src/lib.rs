//! Walks the layers of a model over an arena that the caller owns.
