//! A project for a microcontroller board that runs a model: the programs of `firmware/boards`, moved out of the repository.

use bitfab_format::Model;
use bitfab_sim::Run;
use bitfab_sim::cosim::MICROCONTROLLER;
use bitfab_sim::qemu::Chip;

use crate::{Error, Inputs, ModelFile, Result, Watch, reference};

/// A program of `firmware/boards` that is a workspace of its own.
struct Template {
    chip: Chip,
    title: &'static str,
    /// What is wired, for people.
    wires: &'static str,
    /// Where a sensor is wired, if the chip's crate has an I2C that its driver takes.
    sensor: Option<&'static str>,
    /// How the program gets into it.
    flash: &'static str,
    files: &'static [(&'static str, &'static str)],
}

/// The files of a board, with those that not every one has.
macro_rules! files {
    ($board:literal $($more:literal)*) => {
        files!(@ $board: "Cargo.toml" "Cargo.lock" "build.rs" ".cargo/config.toml" "src/main.rs" $($more)*)
    };
    (@ $board:literal: $($name:literal)*) => {
        &[$(($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../firmware/boards/", $board, "/", $name)))),*]
    };
}

/// Of both Picos.
const PICO_WIRES: &str = "UART0 tells what is found and is asked: GP0 tx, GP1 rx, 115,200 baud. SPI0 asks an accelerator: GP16 miso, GP17 cs_n, GP18 sck, GP19 mosi";
const PICO_SENSOR: Option<&str> = Some("GP4 SDA, GP5 SCL");
const PICO_FLASH: &str =
    "`cargo run --release` (a probe, by probe-rs), or `bitfab uf2 ELF -o app.uf2` and the boot button";

/// The boards that are known.
const TEMPLATES: [Template; 6] = [
    Template {
        chip: Chip::PICO,
        title: "Raspberry Pi Pico",
        wires: PICO_WIRES,
        sensor: PICO_SENSOR,
        flash: PICO_FLASH,
        files: files!("pico" "memory.x"),
    },
    Template {
        chip: Chip::PICO2,
        title: "Raspberry Pi Pico 2 (on its Cortex-M33)",
        wires: PICO_WIRES,
        sensor: PICO_SENSOR,
        flash: PICO_FLASH,
        files: files!("pico2" "memory.x"),
    },
    Template {
        chip: Chip::STM32F405,
        title: "STM32F405 (pyboard)",
        wires: "USART1 tells what is found and is asked: X9 (PB6) tx, X10 (PB7) rx, 115,200 baud. SPI1 asks an accelerator: X5 (PA4) cs_n, X6 (PA5) sck, \
                X7 (PA6) miso, X8 (PA7) mosi",
        sensor: Some("Y3 (PB8) SCL, Y4 (PB9) SDA"),
        flash: "`cargo run --release` (a probe, by probe-rs), or in DFU mode `objcopy -O binary ELF app.bin` and \
                `dfu-util -a 0 -s 0x08000000:leave -D app.bin`",
        files: files!("stm32f405" "memory.x"),
    },
    Template {
        chip: Chip::STM32H743,
        title: "STM32H743 (Nucleo-144)",
        wires: "USART3 tells what is found and is asked: the ST-LINK's USB (PD8 tx, PD9 rx), 115,200 baud. SPI1 asks an accelerator: D10 (PD14) cs_n, \
                D11 (PB5) mosi, D12 (PA6) miso, D13 (PA5) sck",
        sensor: None,
        flash: "`cargo run --release` (the board's ST-LINK, by probe-rs)",
        files: files!("stm32h743" "memory.x"),
    },
    Template {
        chip: Chip::NRF52840,
        title: "nRF52840 (Nordic's DK)",
        wires: "UARTE0 tells what is found and is asked: the DK's USB (P0.06 tx, P0.08 rx), 115,200 baud. SPIM2 asks an accelerator: D10 (P1.12) cs_n, \
                D11 (P1.13) mosi, D12 (P1.14) miso, D13 (P1.15) sck",
        sensor: Some("P0.26 SDA, P0.27 SCL"),
        flash: "`cargo run --release` (the DK's J-Link, by probe-rs)",
        files: files!("nrf52840" "memory.x"),
    },
    Template {
        chip: Chip::ESP32C3,
        title: "ESP32-C3",
        wires: "UART0 tells what is found and is asked: a DevKit's USB (GPIO21 tx, GPIO20 rx), 115,200 baud. SPI2 asks an accelerator: GPIO2 miso, \
                GPIO6 sck, GPIO7 mosi, GPIO10 cs_n. A plain LED at GPIO8 blinks; the DevKit's own there takes colours and stays dark",
        sensor: Some("GPIO4 SDA, GPIO5 SCL"),
        flash: "`cargo run --release` (its USB, by espflash)",
        files: files!("esp32c3"),
    },
];

/// How the programs name the crates, where they live.
const CRATES: &str = "path = \"../../";
/// Where their models lie there.
const MODEL: &str = "../../../tests/vectors/chain_of_2.bfab";

/// Where the crates of the firmware are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Crates {
    /// The folder `firmware` of a checkout.
    Path(String),
    /// A git repository.
    Git(String),
}

impl Crates {
    /// An address of git, or a folder.
    pub fn new(place: &str) -> Self {
        let is_address = place.contains("://") || place.starts_with("git@");
        if is_address { Self::Git(place.to_owned()) } else { Self::Path(place.to_owned()) }
    }

    /// Where this library was built from.
    pub fn own() -> Self {
        Self::Path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../firmware").to_owned())
    }

    /// The dependencies of a manifest, from there.
    fn placed(&self, manifest: &str) -> String {
        let quoted = |place: &str| toml_string(place);
        let place = |rest: &str| {
            let (name, rest) = rest.split_once('"').unwrap_or((rest, ""));
            match self {
                Self::Path(path) => format!("path = {}{rest}", quoted(&format!("{path}/{name}"))),
                Self::Git(address) => format!("git = {}{rest}", quoted(address)),
            }
        };
        let mut parts = manifest.split(CRATES);
        let first = parts.next().unwrap_or_default().to_owned();
        first + &parts.map(place).collect::<String>()
    }
}

/// A string of TOML.
fn toml_string(text: &str) -> String {
    let escaped: String =
        text.chars().flat_map(|c| if c == '"' || c == '\\' { vec!['\\', c] } else { vec![c] }).collect();
    format!("\"{escaped}\"")
}

/// A file of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectFile {
    /// Its name, with its folder.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// The names of the boards for which there are projects.
pub fn project_boards() -> impl Iterator<Item = &'static str> {
    TEMPLATES.iter().map(|template| template.chip.name)
}

/// A sensor that a project reads: an MPU-6050 over I2C. Its ranges are those that the model's counts were measured with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SensorOptions {
    /// Samples a second.
    pub hertz: u32,
    /// Range of the acceleration in g.
    pub g: u32,
    /// Range of the rotation in degrees a second.
    pub degrees: u32,
}

impl SensorOptions {
    /// Rates that an MPU-6050 has: divisors of its 1,000 samples a second.
    pub const HERTZ: [u32; 13] = [4, 5, 8, 10, 20, 25, 40, 50, 100, 125, 200, 250, 500];
    /// Its ranges, in g.
    pub const G: [u32; 4] = [2, 4, 8, 16];
    /// Its ranges, in degrees a second.
    pub const DEGREES: [u32; 4] = [250, 500, 1_000, 2_000];
    /// Values of a sample.
    const AXES: usize = 6;

    fn check(self, template: &Template, model: &Model<'_>) -> Result<()> {
        let has = [(self.hertz, &Self::HERTZ[..]), (self.g, &Self::G), (self.degrees, &Self::DEGREES)];
        if let Some((value, all)) = has.into_iter().find(|(value, all)| !all.contains(value)) {
            bail!(Choice, "an MPU-6050 does not have {value}; it has {all:?}");
        }
        let (board, values) = (template.title, model.input_bytes());
        ensure!(
            template.sensor.is_some(),
            Choice,
            "{board}: its crate has no I2C that the sensor's driver takes; {} have",
            TEMPLATES.iter().filter(|t| t.sensor.is_some()).map(|t| t.chip.name).collect::<Vec<_>>().join(", ")
        );
        ensure!(
            model.interface().codings() != 0,
            Choice,
            "the model takes bytes, not what a sensor measures: train it on a table of raw counts"
        );
        ensure!(
            values.is_multiple_of(Self::AXES),
            Choice,
            "the model takes {values} values, the sensor gives {} at a time",
            Self::AXES
        );
        Ok(())
    }
}

/// What a project is made of.
#[derive(Clone, Copy, Debug)]
pub struct ProjectOptions<'o> {
    /// The board.
    pub board: &'o str,
    /// What the package is called.
    pub name: &'o str,
    /// Where the crates of the firmware are.
    pub crates: &'o Crates,
    /// The rows of the self-test; noise without them.
    pub inputs: Option<&'o Inputs>,
    /// The sensor whose windows run through the model.
    pub sensor: Option<SensorOptions>,
}

/// The files of a project that runs the model of `file`; the reference computes what its self-test must give.
///
/// # Errors
/// [`Error::Choice`] for a board that is not known, a name that Cargo does not take, and a model or rows that the board has
/// no memory for, by how much.
pub fn project(file: &ModelFile, options: &ProjectOptions<'_>, watch: Watch<'_>) -> Result<Vec<ProjectFile>> {
    let ProjectOptions { board, name, crates, inputs, sensor } = *options;
    let found = TEMPLATES.iter().find(|template| template.chip.name == board);
    let names: Vec<&str> = project_boards().collect();
    let template = found
        .ok_or_else(|| Error::Choice(format!("no board `{board}` has projects; there are {}", names.join(", "))))?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    ensure!(
        name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(is_name) && name.len() <= 64,
        Choice,
        "`{name}` is no name for a package: letters, digits, `-` and `_`, a letter first"
    );
    let (model, bytes) = (file.model()?, file.to_bytes());
    if let Some(problem) = template.chip.lacks(&model, bytes.len() as u64) {
        bail!(Choice, "the model is too large for {}: {problem}", template.title);
    }
    sensor.map_or(Ok(()), |sensor| sensor.check(template, &model))?;
    let inputs = inputs.map(|inputs| self_test(template, &model, bytes.len() as u64, inputs, watch)).transpose()?;
    let text = |(file, text): &(&str, &str)| ProjectFile {
        name: (*file).to_owned(),
        bytes: moved(file, text, [board, name], crates, sensor).into_bytes(),
    };
    let mut files: Vec<ProjectFile> = template.files.iter().map(text).collect();
    let more = [("model.bfab", bytes), ("README.md", readme(template, name, &model, sensor).into_bytes())];
    let more = more.into_iter().chain([(".gitignore", b"/target\n".to_vec())]);
    let more = more.chain(inputs.map(|bytes| ("inputs.bin", bytes)));
    files.extend(more.map(|(name, bytes)| ProjectFile { name: name.to_owned(), bytes }));
    Ok(files)
}

/// The text of a file outside the repository, in a package of another name.
fn moved(file: &str, text: &str, names: [&str; 2], crates: &Crates, sensor: Option<SensorOptions>) -> String {
    let [before, name] = names.map(|name| format!("name = \"{name}\""));
    let features = if sensor.is_some() { "default = [\"sensor\"]" } else { "default = []" };
    match (file, sensor) {
        ("Cargo.toml", _) => crates.placed(text).replacen(&before, &name, 2).replacen("default = []", features, 1),
        (".cargo/config.toml", Some(SensorOptions { hertz, g, degrees })) => format!(
            "{text}\n# Samples a second, ranges in g and in degrees a second: those that the model's counts were measured with.\n\
             [env]\nBITFAB_SENSOR = \"{hertz},{g},{degrees}\"\n"
        ),
        ("Cargo.lock", _) => text.replacen(&before, &name, 1),
        ("build.rs", _) => text.replace(MODEL, "model.bfab"),
        _ => text.to_owned(),
    }
}

/// The rows of the self-test, each with the digest of every layer's output.
fn self_test(template: &Template, model: &Model<'_>, bytes: u64, inputs: &Inputs, watch: Watch<'_>) -> Result<Vec<u8>> {
    let rows = inputs.rows();
    let (count, row) = (rows.len() as u64, (model.input_bytes() + 4 * model.layer_count()) as u64);
    let room = template.chip.room(bytes);
    ensure!(
        count * row <= room,
        Choice,
        "{count} inputs with their digests take {} bytes of flash, {} more than the model and its program leave: at most \
         {} fit",
        count * row,
        count * row - room,
        room / row
    );
    let runs = reference(model, &rows, watch)?;
    let digests = |run: &Run| run.evidence.digests().into_iter().flat_map(u32::to_le_bytes).collect::<Vec<u8>>();
    Ok(rows.iter().zip(&runs).flat_map(|(input, run)| [input.to_vec(), digests(run)].concat()).collect())
}

fn readme(template: &Template, name: &str, model: &Model<'_>, sensor: Option<SensorOptions>) -> String {
    let Template { chip: Chip { name: board, target, .. }, title, wires, .. } = template;
    let elf = format!("target/{target}/release/{name}");
    let flash = template.flash.replace("ELF", &elf);
    let cosim = format!("Both together in simulation: `bitfab cosim {elf} bits`.\n");
    let together = if *board == MICROCONTROLLER { cosim } else { String::new() };
    let sensor = sensor.zip(template.sensor).map_or_else(String::new, |(SensorOptions { hertz, g, degrees }, pins)| {
        format!(
            "Sensor: an MPU-6050 (AD0 low) at I2C: {pins}; {hertz} samples a second of acceleration (±{g} g) and rotation (±{degrees} \
             degrees a second), x, y and z, as raw counts: what the model has learned must have been measured so. A line at the \
             UART tells the class of every window, each with half of the one before.\n"
        )
    });
    format!(
        "# {name}\n\nGenerated by bitfab for this board: {title}. It runs `model.bfab` ({} bytes of an input, {} words of a result, CRC-32 \
         {:08x}).\nAt its start it runs a self-test, every layer's digest compared with what the laptop computed, on the rows of \
         `inputs.bin`, or on noise without that file; then it asks an accelerator over SPI, if one is there, and compares it \
         with the software, digests too if it keeps them. After that it answers a laptop at its UART: \
         `bitfab verify model.bfab --data DATA --engines device:/dev/ttyACM0` compares every layer on the board itself.\nThe LED \
         blinks once a second if all is well, twice without an accelerator that is well, five times if the self-test \
         failed; then nothing is answered.\nNo board has been tried.\n\n\
         ```sh\nrustup target add {target}\ncargo build --release # {elf}\n```\n\nFlash it: {flash}.\n\nWires: {wires}.\n{sensor}The accelerator is the bitstream of `bitfab bitstream model.bfab --board \
         icebreaker --digests -o bits`; its pins stand in that folder's README.\n{together}",
        model.input_bytes(),
        model.output().region.words,
        bitfab_format::digest(model.words()),
    )
}
