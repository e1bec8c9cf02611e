//! Engines on a laptop: rust-hdl stepper, Verilog replay, microcontroller emulators.
