//! `bitfab new`: a project for a microcontroller board that runs a model.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use bitfab::{Crates, Inputs, ModelFile, ProjectOptions, SensorOptions};
use clap::{Arg, Args, Command};

use crate::io::inputs::{Choice, DataArgument};
use crate::io::models::ModelArgument;
use crate::io::outputs;
use crate::show::bars;

/// Arguments of `bitfab new`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, mut_args = with_inputs)]
pub struct Arguments {
    #[command(flatten)]
    source: ModelArgument,
    #[arg(long, help = boards())]
    board: String,
    /// Folder of the project; made where it is missing, else it must be empty.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Where the crates of the firmware are: the folder `firmware` of a checkout, or an address of git; without it the
    /// checkout that this command was built from.
    #[arg(long, value_name = "PLACE")]
    crates: Option<String>,
    /// Read a sensor over I2C, whose windows run through the model, which must have learned from its raw counts.
    #[arg(long, value_name = "SENSOR", value_parser = ["mpu6050"])]
    sensor: Option<String>,
    /// Samples of the sensor a second.
    #[arg(long, requires = "sensor", default_value_t = 50)]
    hertz: u32,
    /// Range of the acceleration in g, both ways: as the counts of the model were measured.
    #[arg(long, requires = "sensor", default_value_t = 2)]
    g: u32,
    /// Range of the rotation in degrees a second, both ways.
    #[arg(long, requires = "sensor", default_value_t = 250)]
    degrees: u32,
    /// Rows for the self-test, which are then also those that the accelerator gets, once each; without them noise. Given
    /// as --data is to `bitfab verify`: a known data set, or a file.
    #[arg(long, value_name = "DATA")]
    inputs: Option<String>,
    /// Use only the first rows.
    #[arg(long, value_name = "ROWS", requires = "inputs", value_parser = clap::value_parser!(u32).range(1..))]
    rows: Option<u32>,
    #[command(flatten)]
    choice: Choice,
}

const EXAMPLES: &str = "Examples:
  bitfab new digits.bfab --board pico -o app
  bitfab new digits.bfab --board esp32c3 -o app
  bitfab new digits.bfab --board pico --inputs digits --rows 100 -o app
  bitfab new imu.bfab --board pico --sensor mpu6050 --hertz 50 --g 2 --degrees 250 -o app
  bitfab new digits.bfab --board pico --crates ../bitfab/firmware -o app

Then, in that folder (its README.md says how it is wired and flashed):
  cargo build --release";

/// What says which rows there are, and how they are read, has none without `--inputs`.
fn with_inputs(argument: Arg) -> Arg {
    let choice = Choice::augment_args(Command::new("rows"));
    let is_of_rows = choice.get_arguments().any(|other| other.get_id() == argument.get_id());
    if is_of_rows { argument.requires("inputs") } else { argument }
}

fn boards() -> String {
    format!("The board: {}", bitfab::project_boards().collect::<Vec<_>>().join(", "))
}

/// Runs `bitfab new`.
pub fn run(arguments: &Arguments) -> Result<()> {
    let file = arguments.source.open()?;
    let folder = &arguments.output;
    let crates = crates(arguments.crates.as_deref())?;
    let name = std::path::absolute(folder)?.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.context("the folder has no name, which the package would have")?;
    let what = || format!("{} on {}", arguments.source.model.display(), arguments.board);
    let is_free = std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    ensure!(is_free, "{} is not empty: choose another folder", folder.display());
    let inputs = inputs(arguments, &file)?;
    let &Arguments { hertz, g, degrees, .. } = arguments;
    let sensor = arguments.sensor.as_ref().map(|_| SensorOptions { hertz, g, degrees });
    let options =
        ProjectOptions { board: &arguments.board, name: &name, crates: &crates, inputs: inputs.as_ref(), sensor };
    let files = bitfab::project(&file, &options, &bars::follow()).with_context(what)?;
    for file in &files {
        let path = folder.join(&file.name);
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        outputs::overwrite(&path, &file.bytes)?; // nothing was there
    }
    let tested = inputs.map_or("noise".into(), |inputs| format!("{} rows of {}", inputs.rows().len(), inputs.name));
    say!(
        "{}: a project that runs {} and tests itself on {tested}; build it there: cargo build --release",
        folder.display(),
        arguments.source.model.display()
    )
}

/// The rows of the self-test, where somebody chose them.
fn inputs(arguments: &Arguments, file: &ModelFile) -> Result<Option<Inputs>> {
    let Some(data) = arguments.inputs.clone() else { return Ok(None) };
    let from = DataArgument { data, choice: arguments.choice.clone() };
    let limit = arguments.rows.map(|rows| rows as usize);
    from.load(&file.model()?, Some(&arguments.source.model), limit).map(Some)
}

/// Where the crates are, which must be there.
fn crates(place: Option<&str>) -> Result<Crates> {
    let crates = place.map_or_else(Crates::own, Crates::new);
    let Crates::Path(path) = crates else { return Ok(crates) };
    let found = Path::new(&path).canonicalize().ok().filter(|path| path.join("link/Cargo.toml").is_file());
    let found = found.with_context(|| {
        format!("{path} is not the folder `firmware` of a checkout: name it, or an address of git, by --crates")
    })?;
    Ok(Crates::Path(found.to_string_lossy().into_owned()))
}
