//! `bitfab bench`: what every method of learning brings, on the same data and the same shape.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use bitfab::sim::qemu::{Board, Qemu};
use bitfab::train::{Dataset, TrainConfig};
use bitfab::{BenchEntry, BenchOutcome};

use crate::io::outputs::{self, Product};
use crate::io::{data, files};
use crate::show::learning::Bar;
use crate::show::{bench, out};

/// Arguments of `bitfab bench`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Train the same network by every method and tabulate what it brings: accuracy of the integer model, bytes of the
    /// file, RAM, and instructions of one inference.
    Methods(Methods),
}

/// Arguments of `bitfab bench methods`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
struct Methods {
    /// digits, mnist, fashion-mnist, FILE.csv or FILE.npz.
    #[arg(long, value_name = "DATA", default_value = "mnist")]
    data: String,
    /// Folder of the data sets [default: $BITFAB_DATA or the user's cache folder].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Hidden layers.
    #[arg(long, default_value = "mlp:256,256")]
    arch: bitfab::train::Architecture,
    /// Seeds 1 to N; the table shows their mean.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    seeds: u32,
    /// Passes over the training part [default: what each method needs].
    #[arg(long)]
    epochs: Option<u32>,
    /// Only these rows of the table, separated by commas.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    only: Vec<String>,
    /// Folder of networks, models and results; a run whose result is there is not repeated.
    #[arg(short, long, value_name = "DIR", default_value = "target/bench")]
    out: PathBuf,
    /// Do not count instructions, which takes QEMU.
    #[arg(long)]
    no_instructions: bool,
    /// Print JSON: every run, then the table.
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  bitfab bench methods
  bitfab bench methods --only float,bnn,sbnn-5 --seeds 1
  bitfab bench methods --data digits --arch mlp:64 --seeds 1 --epochs 5 --out quick --no-instructions

Bytes are those of the whole file, thresholds, records and names included; RAM is the arena besides the input.
Instructions are retired ones of a Cortex-M4 in QEMU (Debian: qemu-system-arm; rustup target add
thumbv7em-none-eabihf), counted on the first test row; they are not cycles.

The first run of all rows takes about an hour on two cores; stop it when you like, it goes on with the next run
that has no result.";

/// What to do where no instructions can be counted.
const NO_BOARD: &str = "no emulated Cortex-M4 to count instructions on; --no-instructions leaves them out";

/// Runs `bitfab bench`.
pub fn run(arguments: &Arguments) -> Result<()> {
    let What::Methods(methods) = &arguments.what;
    methods.run()
}

impl Methods {
    fn run(&self) -> Result<()> {
        let entries = self.entries()?;
        std::fs::create_dir_all(&self.out).with_context(|| format!("cannot make {}", self.out.display()))?;
        let data = data::load(&self.data, self.dir.as_deref())?;
        let board = if self.no_instructions { None } else { Some(Qemu::new(Board::M4).context(NO_BOARD)?) };
        let mut outcomes = Vec::new();
        for seed in 1..=self.seeds {
            for entry in &entries {
                outcomes.push(self.outcome(entry, seed, &data, board.as_ref())?);
            }
        }
        let rows = bitfab::bench_rows(&entries, &outcomes);
        if self.json {
            let all = serde_json::json!({ "runs": outcomes, "table": rows });
            out::json(&all)?;
        } else {
            say!("{}", bench::text(&rows))?;
        }
        Ok(())
    }

    /// The rows that are asked for.
    fn entries(&self) -> Result<Vec<BenchEntry>> {
        let all = bitfab::bench_entries();
        let names: Vec<&str> = all.iter().map(|entry| entry.name).collect();
        for name in &self.only {
            ensure!(names.contains(&name.as_str()), "no row `{name}`; there are {}", names.join(", "));
        }
        let is_wanted = |entry: &BenchEntry| self.only.is_empty() || self.only.iter().any(|name| name == entry.name);
        Ok(all.into_iter().filter(is_wanted).collect())
    }

    fn config(&self, entry: &BenchEntry, seed: u32) -> TrainConfig {
        let epochs = self.epochs.unwrap_or(entry.config.epochs);
        let warmup = entry.config.warmup.min(epochs as f32);
        TrainConfig { arch: self.arch.clone(), seed: seed.into(), epochs, warmup, ..entry.config.clone() }
    }

    /// The outcome of one run: from its file, or by running it.
    fn outcome(&self, entry: &BenchEntry, seed: u32, data: &Dataset, board: Option<&Qemu>) -> Result<BenchOutcome> {
        let config = self.config(entry, seed);
        let path = self.out.join(format!("{}-{seed}.json", entry.name));
        if let Some(found) =
            files::read(&path).ok().and_then(|bytes| serde_json::from_slice::<BenchOutcome>(&bytes).ok())
            && found.config == config
            && found.data == data.name
            && (board.is_none() || found.is_counted())
        {
            return Ok(found);
        }
        let [graph_path, model_path] = ["graph", "bfab"].map(|kind| path.with_extension(kind));
        for (path, product) in [(&path, Product::Json), (&graph_path, Product::Graph), (&model_path, Product::Model)] {
            outputs::check(path, product)?;
        }
        note!("{}, seed {seed}:", entry.name);
        let made = bitfab::bench(entry, &config, data, board, &mut Bar::plain(false))?;
        made.rounded.iter().for_each(|one| note!("note: {one}"));
        if let Some((graph, file)) = &made.made {
            outputs::write(&graph_path, Product::Graph, &graph.to_bytes()?)?;
            outputs::write(&model_path, Product::Model, &file.to_bytes())?;
        }
        outputs::write(&path, Product::Json, &serde_json::to_vec_pretty(&made.outcome)?)?;
        Ok(made.outcome)
    }
}
