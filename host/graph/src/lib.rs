//! The network between learned and packed.
