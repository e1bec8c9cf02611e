//! The bitfab command: argument parsing and files; the work is done by the libraries.
#![forbid(unsafe_code)]

mod data;
mod files;
mod train;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// From a binary network to microcontroller firmware and an FPGA accelerator that give the same bits.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 wrong arguments.";

#[derive(Debug, Subcommand)]
enum Command {
    /// List the data sets or get one.
    Data(data::Arguments),
    /// Learn a network from a data set.
    Train(Box<train::Arguments>),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Data(arguments) => data::run(&arguments),
        Command::Train(arguments) => train::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
