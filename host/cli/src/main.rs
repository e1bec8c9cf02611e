//! The bitfab command: arguments, files and what is shown; the work is done by the library.
#![forbid(unsafe_code)]

#[macro_use]
mod show;

mod commands;
mod io;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use commands::{
    bench, bitstream, compile, cosim, data, demo, eval, import, inspect, new, run, synth, train, uf2, verify, verilog,
};
use show::out;

/// Keeps freed tensors for the next step where the system's allocator returns them to the kernel.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// From a network with few bits a weight to microcontroller firmware and an FPGA accelerator that give the same bits.
#[derive(Debug, Parser)]
#[command(name = "bitfab", version, arg_required_else_help = true, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 wrong arguments.";

#[derive(Debug, Subcommand)]
enum Command {
    /// See it all on real digits in a minute: train, compile, compare every engine, draw. Start here.
    Demo(demo::Arguments),
    /// List the data sets or get one.
    Data(data::Arguments),
    /// Learn a network from a data set.
    Train(Box<train::Arguments>),
    /// Turn somebody else's network (ONNX, QONNX) into a graph or model file.
    Import(import::Arguments),
    /// Turn a learned network into a model file.
    Compile(compile::Arguments),
    /// Show what a model is made of: layers, bytes, arena, operations.
    Inspect(inspect::Arguments),
    /// Count how often a model is right.
    Eval(eval::Arguments),
    /// Compare engines bit for bit, on every intermediate tensor.
    Verify(verify::Arguments),
    /// Write the accelerator for a model as Verilog, with a self-checking test bench.
    Verilog(verilog::Arguments),
    /// Measure the accelerator on an FPGA: LUTs, RAMs, clock.
    Synth(synth::Arguments),
    /// Build the file that configures an FPGA board for a model.
    Bitstream(bitstream::Arguments),
    /// Write a project for a microcontroller board that runs a model.
    New(new::Arguments),
    /// Turn a program for a Raspberry Pi Pico or Pico 2 into the file that is dropped on it.
    Uf2(uf2::Arguments),
    /// Run the program of a Pico and an FPGA's bitstream together in simulation, comparing every layer.
    Cosim(cosim::Arguments),
    /// Learn by every method and tabulate accuracy and size.
    Bench(bench::Arguments),
    /// Run a model on your own rows.
    Run(run::Arguments),
}

fn main() -> ExitCode {
    // `bitfab inspect M | head` ends quietly, as every other command of the system does.
    sigpipe::reset();
    let result = match Arguments::try_parse() {
        Ok(arguments) => dispatch(arguments.command),
        Err(error) if error.use_stderr() => error.exit(),
        // Help and version are results, too.
        Err(text) => out::help(&text),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<out::Closed>() => ExitCode::SUCCESS,
        Err(error) => {
            note!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Data(arguments) => data::run(&arguments),
        Command::Train(arguments) => train::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Compile(arguments) => compile::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Eval(arguments) => eval::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Verilog(arguments) => verilog::run(&arguments),
        Command::Synth(arguments) => synth::run(&arguments),
        Command::Bitstream(arguments) => bitstream::run(&arguments),
        Command::New(arguments) => new::run(&arguments),
        Command::Uf2(arguments) => uf2::run(&arguments),
        Command::Cosim(arguments) => cosim::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
    }
}
