//! The bitfab model file: checked views over bytes, and the writer.
