//! What is generated: Verilog, and the contents of its memories beside it.

use bitfab_link::Identity;

use crate::{Interface, ModuleName, TopPort};

/// Where the contents of memories stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Memories {
    /// Those of large memories in files beside the Verilog, which reads them by `$readmemh`: simulators and synthesis
    /// take long over thousands of assignments.
    #[default]
    Files,
    /// All in the Verilog.
    Inline,
}

/// How the circuit is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// What the top module is called, and what the names of all others begin with.
    pub name: ModuleName,
    /// Where the contents of memories stand.
    pub memories: Memories,
    /// Which ports the top module has.
    pub interface: Interface,
}

/// The contents of a memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryFile {
    /// The name of the file: that of the top module, of the memory, and `.hex`.
    pub name: String,
    /// A word a line, hexadecimal, the first address first.
    pub contents: String,
}

/// The wires between a chip and its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// SPI, mode 0.
    Spi,
    /// UART, 8N1.
    Uart {
        /// Clocks of a bit.
        divisor: u32,
    },
}

/// The link of a chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its wires.
    pub wire: Wire,
    /// The clock of the chip in kHz.
    pub kilohertz: u32,
    /// Whether the digest of every layer's output is kept.
    pub digests: bool,
}

/// The accelerator behind the wires of a board, as files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chip {
    /// What the top module is called.
    pub name: ModuleName,
    /// What it says of itself.
    pub identity: Identity,
    /// The Verilog.
    pub text: String,
    /// What it reads.
    pub memories: Vec<MemoryFile>,
    /// The image of the weights, where they are loaded: for the board's flash, from [`FLASH_OFFSET`](crate::FLASH_OFFSET)
    /// on, or for `LOAD`.
    pub weights: Option<Vec<u8>>,
}

/// The accelerator as files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    /// What the top module is called.
    pub name: ModuleName,
    /// Which ports it has.
    pub interface: Interface,
    /// Whether it has a load port as well.
    pub is_loaded: bool,
    /// The Verilog.
    pub text: String,
    /// What it reads.
    pub memories: Vec<MemoryFile>,
}

impl From<&str> for Sources {
    /// One file of Verilog, whose top module has the default name and ports, and no load port.
    fn from(text: &str) -> Self {
        let (name, interface) = (ModuleName::default(), Interface::Plain);
        Self { name, interface, is_loaded: false, text: text.to_owned(), memories: Vec::new() }
    }
}

impl Sources {
    /// The ports of the top module, in its order.
    pub fn ports(&self) -> impl Iterator<Item = TopPort> {
        self.interface.ports(self.is_loaded)
    }

    /// The name of the file of Verilog: tools want that of its top module.
    pub fn file_name(&self) -> String {
        format!("{}.v", self.name)
    }

    /// Names and contents of all files, the Verilog first.
    pub fn files(&self) -> impl Iterator<Item = (String, &str)> {
        let memories = self.memories.iter().map(|memory| (memory.name.clone(), memory.contents.as_str()));
        std::iter::once((self.file_name(), self.text.as_str())).chain(memories)
    }
}
