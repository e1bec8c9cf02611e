//! Memories in Verilog: their words, where they start, and their ports.

use super::super::literal::{digits, range};
use super::super::node::Circuit;
use super::super::part::MemoryPart;
use super::{Place, Printer};

/// Words from which the contents of a memory are a file, where that is wanted: few assignments are quicker to read for
/// people and no slower for tools.
const LARGE: usize = 256;

/// What stands before modules that read files: where these lie, and whether their contents are checked, which is for
/// simulators alone.
pub(crate) fn memory_macros(name: &str) -> String {
    let prefix = name.to_ascii_uppercase();
    format!(
        "// Where the files of the memories lie: a folder, and a slash at its end.
`ifndef {prefix}_PATH
`define {prefix}_PATH \"./\"
`endif
// Simulators check what they have read; synthesis fails by itself where a file is missing.
`ifndef SYNTHESIS
`ifndef ALTERA_RESERVED_QIS
`define {prefix}_CHECK
`endif
`endif

"
    )
}

impl Circuit {
    /// The circuit whose large memories are files, read by `$readmemh`; their names begin with `name`.
    pub(crate) fn with_memory_files(mut self, name: &str) -> Self {
        self.files = Some(name.to_owned());
        self
    }

    /// Names and contents of these files: a word a line, hexadecimal, the first address first.
    pub(crate) fn memory_files(&self) -> Vec<(String, String)> {
        let memories = self.memories.iter().filter(|memory| self.is_live(memory));
        let file = |memory| Some((self.file_of(memory)?, self.words(memory).join("\n") + "\n"));
        memories.filter_map(file).collect()
    }

    /// The file with the contents of a memory, if they are one.
    fn file_of(&self, memory: &MemoryPart) -> Option<String> {
        let is_file = !memory.contents.is_empty() && memory.depth >= LARGE;
        self.files.as_ref().filter(|_| is_file).map(|name| format!("{name}_{}.hex", memory.name))
    }

    fn column_widths(&self, memory: &MemoryPart) -> Vec<u32> {
        memory.columns.iter().map(|id| self.nodes[*id].width).collect()
    }

    /// The words of a memory with contents, hexadecimal.
    fn words(&self, memory: &MemoryPart) -> Vec<String> {
        let widths = self.column_widths(memory);
        let fields = |word: &[u64]| word.iter().copied().zip(widths.iter().copied()).collect::<Vec<_>>();
        memory.contents.chunks(widths.len()).map(|word| digits(&fields(word))).collect()
    }

    /// What the printed check computes over all words: each is added after the sum so far has turned by a bit.
    fn sum(&self, memory: &MemoryPart) -> String {
        let widths = self.column_widths(memory);
        let mut sum = vec![false; widths.iter().sum::<u32>() as usize];
        for word in memory.contents.chunks(widths.len()) {
            sum.rotate_right(1);
            let mut carry = false;
            for (sum, bit) in sum.iter_mut().zip(bits(word, &widths)) {
                let ones = u32::from(*sum) + u32::from(bit) + u32::from(carry);
                (*sum, carry) = (ones & 1 == 1, ones > 1);
            }
        }
        let fields: Vec<(u64, u32)> = sum.iter().map(|bit| (u64::from(*bit), 1)).collect();
        digits(&fields)
    }
}

impl Printer<'_> {
    pub(super) fn memory(&mut self, memory: &MemoryPart) {
        let MemoryPart { name, attribute, depth, .. } = memory;
        let width: u32 = self.circuit.column_widths(memory).iter().sum();
        let attribute = if attribute.is_empty() { String::new() } else { format!("(* {attribute} *) ") };
        self.line(&format!("{attribute}reg {}{name} [0:{}];", range(width), depth - 1));
        let is_read = memory.columns.iter().all(|column| self.is_read[*column]);
        self.declaration(&format!("reg {}{name}_read;", range(width)), is_read);
        if let Some(file) = self.circuit.file_of(memory) {
            self.reads(memory, &file, width);
        } else if !memory.contents.is_empty() {
            self.line("initial begin");
            for (at, word) in self.circuit.words(memory).into_iter().enumerate() {
                self.line(&format!("  {name}[{at}] = {width}'h{word};"));
            }
            self.line("end");
        }
    }

    /// Reads the contents; simulators go on without a file that is missing or too short, so its words are summed up.
    fn reads(&mut self, memory: &MemoryPart, file: &str, width: u32) {
        let MemoryPart { name, depth, .. } = memory;
        let prefix = self.circuit.files.as_deref().unwrap_or_default().to_ascii_uppercase();
        let (top, last) = (width - 1, crate::circuit::width(*depth as u64 - 1) - 1);
        let turned =
            if top == 0 { "sum_check".into() } else { format!("{{sum_check[{}:0], sum_check[{top}]}}", top - 1) };
        let sum = self.circuit.sum(memory);
        self.line(&format!(
            "initial begin : {name}_check
`ifdef {prefix}_CHECK
  reg {range}sum_check;
  integer at_check;
`endif
  $readmemh({{`{prefix}_PATH, \"{file}\"}}, {name});
`ifdef {prefix}_CHECK
  sum_check = {width}'d0;
  for (at_check = 0; at_check < {depth}; at_check = at_check + 1)
    sum_check = {turned} + {name}[at_check[{last}:0]];
  if (sum_check !== {width}'h{sum})
    $fatal(1, \"%s{file} is missing or not the one of this model: run where it lies, or define {prefix}_PATH\",
      `{prefix}_PATH);
`endif
end",
            range = range(width),
        ));
    }

    pub(super) fn ports(&mut self, memory: &MemoryPart) {
        let name = &memory.name;
        self.line("always @(posedge clock) begin");
        if let Some((enable, address)) = memory.read {
            let enable = enable.map(|id| format!("if ({}) ", self.expression(id, Place::Free))).unwrap_or_default();
            let address = self.expression(address, Place::Free);
            self.line(&format!("  {enable}{name}_read <= {name}[{address}];"));
        }
        for write in &memory.writes {
            let [enable, address, data] =
                [write.enable, write.address, write.data].map(|id| self.expression(id, Place::Free));
            let place = self.column(memory, write.column);
            self.line(&format!("  if ({enable}) {name}[{address}]{place} <= {data};"));
        }
        self.line("end");
    }

    /// Which bits of a word a column is.
    pub(super) fn column(&self, memory: &MemoryPart, column: usize) -> String {
        let widths = self.circuit.column_widths(memory);
        let low: u32 = widths[..column].iter().sum();
        match (widths.len(), widths[column]) {
            (1, _) => String::new(),
            (_, 1) => format!("[{low}]"),
            (_, bits) => format!("[{}:{low}]", low + bits - 1),
        }
    }
}

/// The bits of fields, the lowest first.
fn bits(fields: &[u64], widths: &[u32]) -> Vec<bool> {
    let field = |(value, width): (&u64, &u32)| (0..*width).map(|bit| value >> bit & 1 == 1).collect::<Vec<_>>();
    fields.iter().zip(widths).flat_map(field).collect()
}
