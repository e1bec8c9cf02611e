//! `bitfab train`: learning with a progress bar, a log and checkpoints.

mod folds;
mod settings;
mod store;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};
use bitfab::Keep;
use bitfab::graph::Graph;
use bitfab::report::{Confusion, Metrics, table};
use bitfab::train::{Best, Dataset, EpochReport, Progress, TrainConfig, Trainer, Watch};
use serde::Serialize;

use crate::io::data;
use crate::io::outputs::{self, Product};
use crate::show::learning::Bar;
use crate::show::{bars, out};
use settings::Settings;
use store::{Earlier, Store};

/// Arguments of `bitfab train`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// A known data set (`bitfab data list`), a table (FILE.csv, .tsv, .txt, .dat), FILE.npy with --labels, or FILE.npz
    /// (x and y, or x_train, y_train, x_test, y_test).
    #[arg(long, value_name = "DATA")]
    data: String,
    #[command(flatten)]
    learning: data::LearningArguments,
    /// Learn this many times, each time judged by another part of the rows, and print mean and spread; nothing is written.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(2..=100), conflicts_with_all = ["test", "test_groups", "test_share", "resume", "output", "log"])]
    folds: Option<u32>,
    /// Where the result is written: FILE.bfab is a model for devices (the network is kept beside it, as FILE.graph), any
    /// other name a network for `bitfab compile`.
    #[arg(short, long, value_name = "FILE", required_unless_present = "folds")]
    output: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
    /// Go on from the checkpoint; the result has the same bits as an uninterrupted run.
    #[arg(long)]
    resume: bool,
    /// Discard the checkpoint of an unfinished run and start afresh.
    #[arg(long, conflicts_with = "resume")]
    restart: bool,
    /// Overwrite a file of another kind that has the name of the result.
    #[arg(long)]
    force: bool,
    /// Where the checkpoint is kept while learning [default: OUTPUT.checkpoint].
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Log of the epochs: JSON lines, or CSV if the name ends in .csv.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  bitfab train --data digits -o digits.bfab
  bitfab train --data mnist --arch mlp:256,256,256 --epochs 20 --shift 1 --seed 1 -o mlp.graph --log mlp.jsonl
  bitfab train --data mnist --arch cnn:64k5s2,p2,64 --epochs 12 --shift 1 --rate 0.005 -o cnn.graph
  bitfab train --data windows.npz --arch cnn:32k9x1s2x1,dwk5x1,48k1,p2x1,sum -o series.graph
  bitfab train --data table.csv --arch mlp:64 --input thermometer:7 -o table.graph
  bitfab train --data table.csv --class-weights balanced --epochs 200 --patience 10 -o table.bfab
  bitfab train --data mnist --config run.toml --resume -o mlp.graph
  bitfab train --data mnist --arch mlp:256,256 --method sbnn --ones 0.05 -o sparse.graph
  bitfab train --data digits --arch mlp:128,64 --method hq --layer dense1=sbnn --layer scores=int:8 -o mixed.graph

Architectures: mlp:N,N,... (hidden widths) or cnn:BLOCK,BLOCK,... with
  32       3x3 convolution with 32 channels      32k5s2g4  kernel 5, stride 2, 4 groups
  32k5x1   kernel 5 high and 1 wide               32k5x1s2x1  the same, every second row of the input
  dwk5x1   depthwise: each channel by itself      32k1      pointwise: channels only
  p2       2x2 max pool                           p2x1      max pool 2 high and 1 wide
  sum      sum over all positions                 d128      dense layer
A time series is length x 1 x sensors, so its kernels, steps and pools are Kx1.
Layers are named in order, for --layer: conv1, conv2 (depthwise too), dense3, ..., scores; sum counts as one.";

/// The parts of the data by their rows.
#[derive(Debug, Serialize)]
struct Rows {
    train: usize,
    validation: usize,
    test: usize,
}

/// What a run brought; printed by `--json`.
#[derive(Debug, Serialize)]
struct Summary {
    data: String,
    config: TrainConfig,
    rows: Rows,
    /// Epochs that were learned.
    epochs: u32,
    /// The epoch whose network was written.
    kept_epoch: u32,
    /// The best epoch by the validation part.
    best: Option<Best>,
    weights: usize,
    correct: u32,
    total: u32,
    /// Of the integer model.
    test_accuracy: f64,
    test: Metrics,
    warnings: Vec<String>,
    seconds: f64,
    saved_bytes: u64,
    output: String,
    graph: String,
}

/// Runs `bitfab train`.
pub fn run(arguments: &Arguments) -> Result<()> {
    let config = arguments.settings.config()?;
    ensure!(
        !config.method.method().about().is_real,
        "a {} network has no file; it is a yardstick of `bitfab bench methods --only {0}`",
        config.method
    );
    match arguments.folds {
        Some(folds) => folds::run(arguments, &config, folds),
        None => once(arguments, config),
    }
}

/// Learns, writes the result and says how good it is.
fn once(arguments: &Arguments, config: TrainConfig) -> Result<()> {
    let start = Instant::now();
    let places = arguments.places();
    places.check(arguments)?;
    let data = arguments.data(&config)?;
    let store = Store::open(places.checkpoint.clone(), arguments.log.clone())?;
    let mut trainer = store.start(&config, &data, arguments.earlier())?;
    let mut warnings: Vec<String> = bitfab::imbalance(&trainer, &data, &config).into_iter().collect();
    warnings.iter().for_each(|one| note!("warning: {one}"));
    learn(&mut trainer, &store)?;
    let graph = trainer.graph()?;
    let matrix = places.write(&graph, &data, arguments.force)?;
    store.remove()?;
    let test = matrix.metrics();
    warnings.extend(test.warning().inspect(|one| note!("warning: {one}")));
    let summary = Summary {
        data: data.name.clone(),
        rows: Rows { train: trainer.learning().len(), validation: trainer.validation().len(), test: data.test.len() },
        epochs: trainer.reports().len() as u32,
        kept_epoch: trainer.kept_epoch(),
        best: trainer.best(),
        weights: bitfab::weight_count(&graph),
        correct: test.correct,
        total: test.total,
        test_accuracy: test.accuracy,
        test,
        warnings,
        seconds: start.elapsed().as_secs_f64(),
        saved_bytes: trainer.reports().last().map_or(0, |report| report.saved_bytes),
        output: arguments.output().display().to_string(),
        graph: places.graph.display().to_string(),
        config,
    };
    if arguments.json { out::json_line(&summary) } else { print(&summary) }
}

impl Arguments {
    /// Reads the data and says how it was split and what a person should know of it.
    fn data(&self, config: &TrainConfig) -> Result<Dataset> {
        let data = data::dataset(&self.data, &self.learning, None, f64::from(config.validation))?;
        data.notes.iter().for_each(|one| note!("note: {one}"));
        if !data.how.is_empty() {
            note!("split: {}", data.how);
        }
        Ok(data)
    }

    /// Where the result is written; asked for unless only folds are judged.
    fn output(&self) -> &Path {
        self.output.as_deref().unwrap_or(Path::new(""))
    }

    /// The files that the run leaves.
    fn places(&self) -> Places {
        let is_model = self.output().extension().is_some_and(|extension| extension == "bfab");
        let with = |ending: &str| {
            let mut name = self.output().as_os_str().to_owned();
            name.push(ending);
            PathBuf::from(name)
        };
        Places {
            graph: if is_model { self.output().with_extension("graph") } else { self.output().to_owned() },
            model: is_model.then(|| self.output().to_owned()),
            checkpoint: self.checkpoint.clone().unwrap_or_else(|| with(".checkpoint")),
        }
    }

    /// What becomes of a checkpoint that is there.
    fn earlier(&self) -> Earlier {
        match (self.resume, self.restart) {
            (true, _) => Earlier::Resume,
            (_, true) => Earlier::Discard,
            _ => Earlier::Keep,
        }
    }
}

/// The files that a run leaves.
struct Places {
    graph: PathBuf,
    model: Option<PathBuf>,
    checkpoint: PathBuf,
}

impl Places {
    /// Fails before any work where something would be lost.
    fn check(&self, arguments: &Arguments) -> Result<()> {
        let data = Path::new(&arguments.data);
        let mut files = vec![("the network", self.graph.as_path()), ("the checkpoint", &self.checkpoint)];
        files.extend(data.is_file().then_some(("--data", data)));
        files.extend(self.model.as_deref().map(|path| ("the model", path)));
        files.extend(arguments.log.as_deref().map(|path| ("--log", path)));
        outputs::distinct(&files)?;
        let check = |path: &Path, product, name| {
            let hint = format!("{name}; --force overwrites it");
            match arguments.force {
                true => outputs::check_forced(path),
                false => outputs::check(path, product).map_err(|error| anyhow!("{error:#} ({hint})")),
            }
        };
        check(&self.graph, Product::Graph, "a network is written there, a model where the name ends in .bfab")?;
        self.model.as_deref().map_or(Ok(()), |model| check(model, Product::Model, "a model is written there"))
    }

    /// Writes the network, and compiles it where a model is asked for; the answers of the integer model on the test part.
    fn write(&self, graph: &Graph, data: &Dataset, force: bool) -> Result<Confusion> {
        let write = |path: &Path, product, bytes: &[u8]| {
            if force { outputs::overwrite(path, bytes) } else { outputs::write(path, product, bytes) }
        };
        write(&self.graph, Product::Graph, &graph.to_bytes()?)?;
        let compiled = bitfab::compile(graph, &bitfab::compile::CompileOptions::default());
        let (file, rounded) = compiled.with_context(|| format!("{} cannot be compiled", self.graph.display()))?;
        if let Some(path) = &self.model {
            rounded.iter().for_each(|one| note!("note: {one}"));
            write(path, Product::Model, &file.to_bytes())?;
        }
        // Nothing before has looked at the test part.
        Ok(bitfab::judge_test(&file.model()?, data, &bars::follow())?)
    }
}

fn print(summary: &Summary) -> Result<()> {
    let Summary { rows, test, .. } = summary;
    say!("{}", table::metrics(test))?;
    match summary.best {
        Some(best) => say!(
            "epoch {} of {} kept; best on {} validation rows is epoch {} ({}); {} training rows",
            summary.kept_epoch,
            summary.epochs,
            table::thousands(rows.validation as u64),
            best.epoch,
            table::percent(best.score),
            table::thousands(rows.train as u64)
        )?,
        None => say!(
            "epoch {} of {} kept; {} training rows, none for validation",
            summary.kept_epoch,
            summary.epochs,
            table::thousands(rows.train as u64)
        )?,
    }
    say!(
        "{}: {} of {} test rows right by the integer model (balanced {}), {} weights, {:.1} s",
        summary.data,
        table::percent(test.accuracy),
        table::thousands(test.total.into()),
        table::percent(test.balanced_accuracy),
        table::thousands(summary.weights as u64),
        summary.seconds
    )?;
    if summary.output == summary.graph {
        return say!("network: {}", summary.graph);
    }
    say!("model: {}\nnetwork: {}", summary.output, summary.graph)
}

/// A bar, and the files of a run.
struct Kept<'a> {
    bar: Bar,
    store: &'a Store,
    stop: Arc<AtomicBool>,
}

impl Watch for Kept<'_> {
    fn batch(&mut self, progress: &Progress) -> ControlFlow<()> {
        self.bar.batch(progress)
    }

    fn epoch(&mut self, report: &EpochReport) {
        self.bar.epoch(report);
    }
}

impl Keep for Kept<'_> {
    type Error = anyhow::Error;

    fn keep(&mut self, trainer: &Trainer<'_>, report: Option<&EpochReport>) -> Result<()> {
        self.store.write(trainer)?;
        self.bar.restart_clock();
        if report.is_some() {
            self.store.write_log(trainer.reports())?;
        }
        let checkpoint = self.store.checkpoint().display();
        let is_stopped = self.stop.load(Ordering::SeqCst);
        ensure!(!is_stopped, "stopped; go on by the same command with --resume (checkpoint {checkpoint})");
        Ok(())
    }
}

/// Learns to the end, with a checkpoint at every epoch and every half minute.
fn learn(trainer: &mut Trainer, store: &Store) -> Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    let signal = Arc::clone(&stop);
    ctrlc::set_handler(move || signal.store(true, Ordering::SeqCst)).context("cannot listen for Ctrl-C")?;
    bitfab::learn(trainer, &mut Kept { bar: Bar::stopped_by(Arc::clone(&stop)), store, stop })
}
