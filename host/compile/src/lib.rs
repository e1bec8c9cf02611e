//! Graph to integers to the bytes of a model file.
