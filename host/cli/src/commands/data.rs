//! `bitfab data`: the known data sets and where they come from.

use std::path::{Path, PathBuf};

use anyhow::Result;
use bitfab::{Facts, Known};
use clap::Subcommand;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use serde::Serialize;

use crate::io::data::fetch;
use crate::show::out;

/// Arguments of `bitfab data`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

const EXAMPLES: &str = "Examples:\n  bitfab data list\n  bitfab data get mnist\n  bitfab data get hapt\n  \
                        BITFAB_DATA=/data bitfab data get fashion-mnist --json";

#[derive(Debug, Subcommand)]
enum Action {
    /// Show the known data sets and whether they are here.
    List {
        #[command(flatten)]
        common: Common,
    },
    /// Bring a data set into the cache; does nothing if it is there and whole.
    Get {
        /// Which one.
        #[arg(value_parser = known())]
        name: Known,
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Debug, clap::Args)]
struct Common {
    /// Folder of the data sets [default: $BITFAB_DATA or the user's cache folder].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// One line of `bitfab data list`.
#[derive(Debug, Serialize)]
struct Line {
    name: &'static str,
    shape: &'static str,
    classes: u32,
    train: u32,
    test: u32,
    split: &'static str,
    licence: &'static str,
    here: bool,
    place: String,
}

impl Line {
    fn new(known: Known, root: &Path) -> Self {
        let Facts { shape, classes, rows: [train, test], split, licence } = known.facts();
        let place = match known {
            Known::Digits => "embedded".into(),
            other => root.join(other.name()).display().to_string(),
        };
        let (name, here) = (known.name(), fetch::is_here(known, root));
        Self { name, shape, classes, train, test, split, licence, here, place }
    }
}

/// Reads the name of a data set.
fn known() -> impl TypedValueParser<Value = Known> {
    let value = |known: Known| PossibleValue::new(known.name()).help(known.about());
    PossibleValuesParser::new(Known::ALL.map(value)).try_map(|name| Known::named(&name).ok_or("no such data set"))
}

/// Runs `bitfab data`.
pub fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.action {
        Action::List { common } => list(common),
        Action::Get { name, common } => {
            let place = fetch::get(*name, common.dir.as_deref())?;
            let place = place.map_or("embedded".into(), |path| path.display().to_string());
            let (name, licence) = (name.name(), name.facts().licence);
            if common.json {
                return say!("{}", serde_json::json!({ "name": name, "place": place, "licence": licence }));
            }
            say!("{name}: {place} (licence: {licence})")
        }
    }
}

fn list(common: &Common) -> Result<()> {
    let root = fetch::root(common.dir.as_deref())?;
    let lines = Known::ALL.map(|known| Line::new(known, &root));
    if common.json {
        return out::json(&lines);
    }
    say!("{:<16} {:>8} {:>7} {:>7} {:>6}  place", "name", "shape", "classes", "train", "test")?;
    for line in lines {
        let Line { name, shape, classes, train, test, split, licence, here, place } = line;
        let missing = if here { String::new() } else { format!("  (missing: bitfab data get {name})") };
        say!("{name:<16} {shape:>8} {classes:>7} {train:>7} {test:>6}  {place}{missing}")?;
        say!("{:<16} split: {split}; licence: {licence}", "")?;
    }
    say!(
        "Own data: FILE.csv, .tsv, .txt or .dat (a class in the last column, or --label), FILE.npy (and --labels), FILE.npz."
    )
}
