//! `bitfab import`: other people's models.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use bitfab::import::{Prepared, operators};
use bitfab::{CALIBRATION, Effect, Import, Names};

use crate::io::data::Format;
use crate::io::files;
use crate::io::inputs::DataArgument;
use crate::io::outputs::{self, Product};
use crate::io::sources::{Map, prepare};
use crate::show::bars;
use crate::show::import::{Printed, print, print_json};

/// Arguments of `bitfab import`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = help())]
pub struct Arguments {
    /// The model: FILE.onnx with quantisers of QONNX, FINN or ONNX, or with weights that are whole numbers;
    /// FILE.tflite of int8 or uint8, which becomes what TFLite's reference kernels compute; or FILE.toml, which
    /// describes the layers of the arrays in FILE.npz (host/import/README.md).
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where the result is written: FILE.bfab is a model for devices, any other name a graph for `bitfab compile`.
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    #[command(flatten)]
    map: Map,
    /// Where real numbers have no integer form, round weights and quantise tensors to 8 bits; every change is said.
    #[arg(long)]
    nearest: bool,
    #[command(flatten)]
    rows: Rows,
    /// Names of the classes in the order of the scores: by comma, or a FILE with one a line.
    #[arg(long, value_name = "NAMES|FILE")]
    classes: Option<String>,
    /// Show what became of each node of the file.
    #[arg(long)]
    explain: bool,
    /// Draw the nodes of the file beside the layers that they became.
    #[arg(long, value_name = "FILE.svg|FILE.png")]
    picture: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Rows by which ranges and the effect on accuracy are measured.
#[derive(Debug, clap::Args)]
struct Rows {
    /// Measure on these rows how often the model gives the class of the file's floats: a data set, or FILE.npy.
    #[arg(long, value_name = "DATA")]
    data: Option<String>,
    #[command(flatten)]
    format: Format,
    /// How many rows are measured.
    #[arg(long, value_name = "ROWS", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

const EXAMPLES: &str = "Examples:
  bitfab import kws.onnx -o kws.bfab --explain
  bitfab import lfc.onnx --input u8/255 -o lfc.graph --picture lfc.svg
  bitfab import speech.tflite -o speech.bfab --explain
  bitfab import keras.toml -o keras.bfab                # and keras.npz beside it
  bitfab import floats.onnx --input u8/255 --nearest --data mnist -o floats.bfab
  bitfab import sensor.onnx --nearest --data rows.csv --label kind --classes walk,sit,lie -o sensor.bfab   # real values
  bitfab verify lfc.bfab --data mnist --source lfc.onnx --input u8/255

Nothing is approximated in silence: what has no exact integer form is an error that names the node, and --nearest
says each change that it makes. Activations must be quantised before each layer, weights must be whole numbers of at most 8 bits times a scale.";

/// Examples, and every operator that is read.
fn help() -> String {
    let mut text = EXAMPLES.to_owned();
    for (files, rows) in ["ONNX", "TFLite"].iter().zip(operators()) {
        text += &format!("\n\nOperators of {files} files, and what becomes of them:");
        rows.iter().for_each(|[names, what]| text += &format!("\n  {}: {what}", names.replace('`', "")));
    }
    text
}

/// Runs `bitfab import`.
pub fn run(arguments: &Arguments) -> Result<()> {
    arguments.check_outputs()?;
    let from = arguments.rows.from();
    let is_measured = arguments.nearest || arguments.map.is_values();
    let prepared = prepare(&arguments.file, arguments.map, from.as_ref().filter(|_| is_measured))?;
    let found = lower(arguments, &prepared).with_context(|| arguments.file.display().to_string())?;
    let is_asked = arguments.explain || arguments.json || arguments.picture.is_some();
    if arguments.output.is_none() && !is_asked {
        bail!("nothing to do: give -o OUT to write the result, or --explain to see what would become of the file");
    }
    if let Some(output) = &arguments.output {
        write(&found, output)?;
    }
    if let Some(picture) = &arguments.picture {
        draw(&arguments.file, &found.import, picture)?;
    }
    let (output, is_explained) = (arguments.output.as_deref(), arguments.explain);
    let printed = Printed { import: &found.import, effect: found.effect.as_ref(), output, is_explained };
    if arguments.json { print_json(&printed) } else { print(&printed) }
}

impl Rows {
    /// The rows, if any are named.
    fn from(&self) -> Option<DataArgument> {
        self.data.as_ref().map(|data| DataArgument::of(data, &self.format))
    }
}

impl Arguments {
    /// Fails before any work where something would be lost by writing.
    fn check_outputs(&self) -> Result<()> {
        let mut files = vec![("FILE", self.file.as_path())];
        if let Some(output) = &self.output {
            outputs::check(output, if is_model(output) { Product::Model } else { Product::Graph })?;
            files.push(("-o", output));
        }
        if let Some(picture) = &self.picture {
            let is_known = is_png(picture) || picture.extension().is_some_and(|extension| extension == "svg");
            ensure!(is_known, "--picture {}: let the name end in .svg or .png", picture.display());
            outputs::check(picture, if is_png(picture) { Product::Png } else { Product::Svg })?;
            files.push(("--picture", picture));
        }
        outputs::distinct(&files)
    }

    /// The names of the classes, none if they are not said.
    fn class_names(&self) -> Result<Vec<String>> {
        let Some(said) = &self.classes else { return Ok(Vec::new()) };
        let path = Path::new(said);
        if !path.is_file() {
            return Ok(said.split(',').map(|name| name.trim().to_owned()).collect());
        }
        let text = String::from_utf8(files::read(path)?).with_context(|| format!("{said} is not text"))?;
        Ok(text.trim_end().lines().map(|name| name.trim().to_owned()).collect())
    }
}

fn is_model(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "bfab")
}

/// An imported model, and what its changes cost where that was measured.
struct Found {
    import: Import,
    effect: Option<Effect>,
}

/// What is said of a refusal without rows.
const ASK: &str = "--nearest changes the model where that is needed; with --data DATA it says what that costs";

/// What the nearest model would be and cost.
fn offer(near: Result<Found>) -> String {
    match near {
        Ok(Found { import, effect }) => {
            let effect = effect.map_or_else(String::new, |effect| format!(": {effect}"));
            let changes: Vec<String> = import.changes.iter().map(ToString::to_string).collect();
            format!("--nearest would make {} changes ({}){effect}", changes.len(), changes.join("; "))
        }
        Err(why) => format!("there is no nearest model, either: {why:#}"),
    }
}

/// Lowers the file as it is, or its nearest model where that is asked for; a refusal says what the latter would cost.
fn lower(arguments: &Arguments, prepared: &Prepared) -> Result<Found> {
    let from = arguments.rows.from();
    let from = from.as_ref();
    let classes = arguments.class_names()?;
    // Bytes of an array have no names, and no rows as tables have.
    let columns = from.filter(|_| !prepared.interface().codings.is_empty()).map(|from| from.names(prepared.shape()));
    let names = Names { classes, columns: columns.transpose()?.unwrap_or_default() };
    let error = match bitfab::import(prepared, &names) {
        Ok(import) => return Found::new(arguments, prepared, import),
        Err(error) if error.code() != "curable" => return Err(error.into()),
        Err(error) => error,
    };
    if arguments.nearest {
        return nearest(arguments, prepared, &names).map_err(|error| match prepared.note() {
            Some(note) => anyhow!("{error:#}\nnote: {note}"),
            None => error,
        });
    }
    Err(anyhow!("{error}\n{}", from.map_or_else(|| ASK.into(), |_| offer(nearest(arguments, prepared, &names)))))
}

/// The nearest model, by the rows that are named.
fn nearest(arguments: &Arguments, prepared: &Prepared, names: &Names) -> Result<Found> {
    let rows = arguments.rows.from().map(|from| from.calibration(prepared, CALIBRATION)).transpose()?;
    let import = bitfab::import_nearest(prepared, names, rows.as_deref(), &bars::follow())?;
    Found::new(arguments, prepared, import)
}

impl Found {
    /// Measures the effect where there are rows.
    fn new(arguments: &Arguments, prepared: &Prepared, import: Import) -> Result<Self> {
        let Some(from) = arguments.rows.from() else { return Ok(Self { import, effect: None }) };
        let model = import.file.model()?;
        let inputs = from.load(&model, None, Some(arguments.rows.limit as usize))?;
        let effect = bitfab::effect(prepared, &import.imported, &model, &inputs, &bars::follow())?;
        Ok(Self { effect, import })
    }
}

/// Writes a graph, or a model.
fn write(found: &Found, output: &Path) -> Result<()> {
    if !is_model(output) {
        return outputs::write(output, Product::Graph, &found.import.imported.graph.to_bytes()?);
    }
    outputs::write(output, Product::Model, &found.import.file.to_bytes())
}

/// Whether a picture is one of pixels.
fn is_png(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "png")
}

/// Writes the nodes of the file beside the layers as SVG, or as PNG where the name says so.
fn draw(file: &Path, import: &Import, picture: &Path) -> Result<()> {
    let title = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let svg = bitfab::import_picture(&import.imported, title).svg();
    if is_png(picture) {
        return outputs::write(picture, Product::Png, &bitfab::report::png(&svg, 2.0)?);
    }
    outputs::write(picture, Product::Svg, svg.as_bytes())
}
