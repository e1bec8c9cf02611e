//! The bitfab command.
