//! The commands as a person runs them, but for learning, which has tests of its own.

mod bitstream;
mod common;
mod cosim;
mod demo;
mod engines;
mod errors;
mod full;
mod imported;
mod kept;
mod keras;
mod kinds;
mod memories;
mod methods;
mod models;
mod nearest;
mod newcomer;
mod project;
mod reported;
mod sensors;
mod series;
mod tables;
mod tflite;
mod uf2;
mod values;
mod verilog;
