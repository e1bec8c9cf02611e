//! The engines by name.

use anyhow::{Result, bail};
use bitfab_sim::Engine;
use bitfab_sim::qemu::{Board, Qemu};
use bitfab_sim::software::{Kernels, Reference, Runtime};

use crate::parallel::Parallel;

/// An engine that can be named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// Naive loops over plain integers.
    Reference,
    /// The fast kernels.
    Kernels,
    /// The `no_std` runtime.
    Runtime,
    /// Firmware on an emulated board.
    Qemu(Board),
}

impl Name {
    /// All engines, the ones that need nothing first.
    pub fn all() -> Vec<Self> {
        let software = [Self::Reference, Self::Kernels, Self::Runtime];
        software.into_iter().chain(Board::ALL.map(Self::Qemu)).collect()
    }

    /// The name on the command line and in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Kernels => "kernels",
            Self::Runtime => "runtime",
            Self::Qemu(board) => board.name(),
        }
    }

    /// What it is, for people.
    pub fn what(self) -> String {
        match self {
            Self::Reference => "naive loops over plain integers, the truth".into(),
            Self::Kernels => "the fast kernels, layer by layer".into(),
            Self::Runtime => "the no_std runtime in an arena of exactly the stated size".into(),
            Self::Qemu(board) => format!("the firmware on an emulated {}", board.core()),
        }
    }

    /// Makes the engine; `lanes` is the width of the accelerator for those that are one.
    pub fn create(self, lanes: u32) -> Result<Box<dyn Engine>> {
        let _ = lanes;
        Ok(match self {
            Self::Reference => Box::new(Parallel::new(Box::new(|| Box::new(Reference)))),
            Self::Kernels => Box::new(Parallel::new(Box::new(|| Box::new(Kernels)))),
            Self::Runtime => Box::new(Parallel::new(Box::new(|| Box::new(Runtime)))),
            Self::Qemu(board) => Box::new(Qemu::new(board)?),
        })
    }
}

impl std::str::FromStr for Name {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let all = Self::all();
        match all.iter().find(|engine| engine.name() == text) {
            Some(&engine) => Ok(engine),
            None => {
                let names: Vec<&str> = all.iter().map(|engine| engine.name()).collect();
                bail!("no engine `{text}`; there are {}", names.join(", "))
            }
        }
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
