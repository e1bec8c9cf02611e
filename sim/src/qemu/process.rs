//! Child processes with a time limit and clear errors.

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::QemuError;
use super::tool::Tool;

impl Tool {
    /// Turns "no such program" into the name of the package to install.
    fn started<T>(self, result: io::Result<T>) -> Result<T, QemuError> {
        let Self { program, package } = self;
        result.map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => QemuError::Missing { program, package },
            _ => QemuError::Io { path: program.into(), source },
        })
    }
}

/// Runs a compiler to its end.
pub fn compile(command: &mut Command, tool: Tool) -> Result<Output, QemuError> {
    tool.started(command.stdin(Stdio::null()).output())
}

/// Runs `command` with both outputs in files; `None` where `limit` passed, after which it is killed.
pub fn emulate(
    command: &mut Command,
    tool: Tool,
    [stdout, stderr]: [&Path; 2],
    limit: Duration,
) -> Result<Option<ExitStatus>, QemuError> {
    let create = |path: &Path| File::create(path).map_err(|source| QemuError::Io { path: path.into(), source });
    command.stdin(Stdio::null()).stdout(create(stdout)?).stderr(create(stderr)?);
    let child = tool.started(command.spawn())?;
    wait(child, limit).map_err(|source| QemuError::Io { path: command.get_program().into(), source })
}

fn wait(mut child: Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() >= limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_names_its_package() {
        let tool = Tool { program: "no-such-emulator", package: "emulators" };
        let error = compile(&mut Command::new(tool.program), tool).unwrap_err();
        assert_eq!(error.to_string(), "`no-such-emulator` was not found: install the Debian package `emulators`");
    }
}
