//! `bitfab train`: learning with a progress bar, a log and checkpoints.

use crate::{data, files};
use anyhow::{Context, Result, bail, ensure};
use bitfab_train::{
    Architecture, Dataset, EpochReport, InputCoding, LayerMethod, Method, OptimizerKind, Progress, TrainConfig,
    Trainer, Watch,
};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Time between checkpoints within an epoch.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);

/// Arguments of `bitfab train`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// digits, mnist, fashion-mnist, FILE.csv (class in the last column) or FILE.npz (x_train, y_train, x_test, y_test).
    #[arg(long, value_name = "DATA")]
    data: String,
    /// Folder of the data sets [default: $BITFAB_DATA or the user's cache folder].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Where the learned network is written.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    settings: Settings,
    /// Go on from the checkpoint; the result has the same bits as an uninterrupted run.
    #[arg(long)]
    resume: bool,
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
  bitfab train --data digits -o digits.graph
  bitfab train --data mnist --arch mlp:256,256,256 --epochs 20 --shift 1 --seed 1 -o mlp.graph --log mlp.jsonl
  bitfab train --data mnist --arch cnn:64k5s2,p2,64 --epochs 12 --shift 1 --rate 0.005 -o cnn.graph
  bitfab train --data windows.npz --arch cnn:32k9x1s2x1,dwk5x1,48k1,p2x1,sum -o series.graph
  bitfab train --data table.csv --arch mlp:64 --input thermometer:7 -o table.graph
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

/// The settings of a run; each overrides the file of `--config`.
#[derive(Debug, Default, clap::Args)]
pub struct Settings {
    /// TOML file with settings, named as these options.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Hidden layers [default: mlp:256,256,256].
    #[arg(long)]
    arch: Option<Architecture>,
    /// planes (bytes as they are) or thermometer:N [default: planes].
    #[arg(long)]
    input: Option<InputCoding>,
    /// How weights are learned and what they become: bnn, xnor, bwn, qnn:BITS, qnn-log, sbnn, hq, pruned-ternary,
    /// smart-deal, planes:BITS, once-qat, int:BITS [default: bnn].
    #[arg(long)]
    method: Option<Method>,
    /// Another method for one layer, such as dense1=sbnn or scores=int:8; may be repeated.
    #[arg(long = "layer", value_name = "LAYER=METHOD")]
    methods: Vec<LayerMethod>,
    /// Activation bits, 1 to 8 [default: what the method is meant for].
    #[arg(long)]
    bits: Option<u32>,
    /// sbnn: largest share of ones among the weights [default: 0.1].
    #[arg(long, value_name = "SHARE")]
    ones: Option<f32>,
    /// sbnn: share of the loss that the penalty has while there are more ones [default: what suits the share].
    #[arg(long, value_name = "SHARE")]
    penalty: Option<f32>,
    /// hq, pruned-ternary: share of zeros in hidden layers [default: 0.9].
    #[arg(long, value_name = "SHARE")]
    zeros: Option<f32>,
    /// smart-deal: share of coefficients that are kept in hidden layers [default: 0.2].
    #[arg(long, value_name = "SHARE")]
    coefficients: Option<f32>,
    /// Weight decay for each unit of the learning rate [default: 0].
    #[arg(long)]
    decay: Option<f32>,
    /// Batch norms that multiply by powers of two only.
    #[arg(long)]
    shift_norm: bool,
    /// Round gradients at random to this many bits, 2 to 8 [default: off].
    #[arg(long, value_name = "BITS")]
    gradient_bits: Option<u32>,
    /// Add the input of a layer to its accumulators where shapes allow.
    #[arg(long)]
    residual: bool,
    /// Passes over the training part [default: 30].
    #[arg(long)]
    epochs: Option<u32>,
    /// Samples per step [default: 128].
    #[arg(long)]
    batch: Option<u32>,
    /// Decides first weights, order and shifts [default: 1].
    #[arg(long)]
    seed: Option<u64>,
    /// adam or sgd [default: adam].
    #[arg(long)]
    optimizer: Option<OptimizerKind>,
    /// Highest learning rate [default: 0.003].
    #[arg(long)]
    rate: Option<f32>,
    /// Epochs of linear warm-up before the cosine [default: 1].
    #[arg(long)]
    warmup: Option<f32>,
    /// Random shift of pictures by up to this many pixels [default: 0].
    #[arg(long)]
    shift: Option<u32>,
    /// Random rotation of sensors with three axes each by up to this many degrees about each axis [default: 0].
    #[arg(long, value_name = "DEGREES")]
    tilt: Option<f32>,
    /// Label smoothing [default: 0].
    #[arg(long)]
    smoothing: Option<f32>,
}

impl Settings {
    /// The configuration: defaults, then the file, then the options.
    pub fn config(&self) -> Result<TrainConfig> {
        let mut config = match &self.config {
            Some(path) => {
                let text =
                    String::from_utf8(files::read(path)?).with_context(|| format!("{} is not text", path.display()))?;
                toml::from_str(&text).with_context(|| format!("in {}", path.display()))?
            }
            None => TrainConfig::default(),
        };
        fn set<T: Clone>(field: &mut T, option: &Option<T>) {
            if let Some(value) = option {
                *field = value.clone();
            }
        }
        set(&mut config.arch, &self.arch);
        set(&mut config.input, &self.input);
        set(&mut config.method, &self.method);
        set(&mut config.bits, &self.bits);
        set(&mut config.ones, &self.ones);
        set(&mut config.penalty, &self.penalty);
        set(&mut config.zeros, &self.zeros);
        set(&mut config.coefficients, &self.coefficients);
        set(&mut config.decay, &self.decay);
        set(&mut config.gradient_bits, &self.gradient_bits);
        set(&mut config.epochs, &self.epochs);
        set(&mut config.batch, &self.batch);
        set(&mut config.seed, &self.seed);
        set(&mut config.optimizer, &self.optimizer);
        set(&mut config.rate, &self.rate);
        set(&mut config.warmup, &self.warmup);
        set(&mut config.shift, &self.shift);
        set(&mut config.tilt, &self.tilt);
        set(&mut config.smoothing, &self.smoothing);
        config.methods.extend(self.methods.iter().cloned());
        config.residual |= self.residual;
        config.shift_norm |= self.shift_norm;
        config.check()?;
        Ok(config)
    }
}

/// What a run brought; printed by `--json`.
#[derive(Debug, Serialize)]
struct Summary {
    data: String,
    config: TrainConfig,
    weights: usize,
    correct: u32,
    total: u32,
    test_accuracy: f64,
    seconds: f64,
    saved_bytes: u64,
    output: String,
}

/// Runs `bitfab train`.
pub fn run(arguments: &Arguments) -> Result<()> {
    let start = Instant::now();
    let config = arguments.settings.config()?;
    ensure!(
        config.method != Method::Float,
        "a float network has no file; it is a yardstick of `bitfab bench methods --only float`"
    );
    files::check_writable(&arguments.output)?;
    let data = data::load(&arguments.data, arguments.dir.as_deref())?;
    let checkpoint = arguments.checkpoint_path();
    let mut trainer = start_trainer(&config, &data, &checkpoint, arguments.resume)?;
    let store = Store { checkpoint, log: arguments.log.clone() };
    learn(&mut trainer, &store)?;
    let graph = trainer.graph()?;
    files::write_atomic(&arguments.output, &graph.to_bytes()?)?;
    let weights = graph.nodes.iter().filter_map(|node| node.op.weights());
    std::fs::remove_file(&store.checkpoint).ok();
    let test = trainer.evaluate(&data.test);
    let summary = Summary {
        data: data.name.clone(),
        weights: weights.map(|weights| weights.fan_in() * weights.shape[0] as usize).sum(),
        correct: test.correct,
        total: test.total,
        test_accuracy: test.accuracy(),
        seconds: start.elapsed().as_secs_f64(),
        saved_bytes: trainer.reports().last().map_or(0, |report| report.saved_bytes),
        output: arguments.output.display().to_string(),
        config,
    };
    print(&summary, arguments.json)
}

impl Arguments {
    fn checkpoint_path(&self) -> PathBuf {
        self.checkpoint.clone().unwrap_or_else(|| {
            let mut name = self.output.clone().into_os_string();
            name.push(".checkpoint");
            name.into()
        })
    }
}

fn print(summary: &Summary, json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string(summary)?);
    } else {
        println!(
            "{}: {:.2} % of {} test rows right, {} weights, {:.1} s -> {}",
            summary.data,
            100.0 * summary.test_accuracy,
            summary.total,
            summary.weights,
            summary.seconds,
            summary.output
        );
    }
    Ok(())
}

/// A fresh run or the one in the checkpoint.
fn start_trainer<'a>(config: &TrainConfig, data: &'a Dataset, checkpoint: &Path, resume: bool) -> Result<Trainer<'a>> {
    if !resume {
        files::check_writable(checkpoint)?;
        return Ok(Trainer::new(config, data)?);
    }
    let bytes = files::read(checkpoint).context("nothing to resume; start without --resume")?;
    Trainer::resume(config, data, &bytes).with_context(|| format!("in {}", checkpoint.display()))
}

/// Where a run leaves its traces.
struct Store {
    checkpoint: PathBuf,
    log: Option<PathBuf>,
}

impl Store {
    fn write(&self, trainer: &Trainer) -> Result<()> {
        files::write_atomic(&self.checkpoint, &trainer.checkpoint()?)
    }

    /// The whole log so far; rewritten at every epoch, so a resumed run leaves the same file.
    fn write_log(&self, reports: &[EpochReport]) -> Result<()> {
        let Some(path) = &self.log else {
            return Ok(());
        };
        let is_csv = path.extension().is_some_and(|extension| extension == "csv");
        let mut text = String::new();
        if is_csv {
            text.push_str("epoch,train_loss,train_accuracy,test_accuracy,rate,saved_bytes\n");
        }
        for r in reports {
            let line = if is_csv {
                let (loss, train, test) = (r.train_loss, r.train_accuracy, r.test_accuracy);
                format!("{},{loss},{train},{test},{},{}", r.epoch, r.rate, r.saved_bytes)
            } else {
                serde_json::to_string(r)?
            };
            text.push_str(&line);
            text.push('\n');
        }
        files::write_atomic(path, text.as_bytes())
    }
}

/// Learns to the end, with a checkpoint at every epoch and every half minute.
fn learn(trainer: &mut Trainer, store: &Store) -> Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    let signal = Arc::clone(&stop);
    ctrlc::set_handler(move || signal.store(true, Ordering::SeqCst)).context("cannot listen for Ctrl-C")?;
    let done = trainer.reports().len() as u32;
    let mut bar = Bar::new(trainer.batches(), done, Some(Arc::clone(&stop)));
    while !trainer.is_done() {
        let report = trainer.run_epoch(&mut bar)?;
        store.write(trainer)?;
        bar.since_checkpoint = Instant::now();
        if report.is_some() {
            store.write_log(trainer.reports())?;
        }
        if stop.load(Ordering::SeqCst) {
            bar.finish();
            bail!("stopped; go on by the same command with --resume (checkpoint {})", store.checkpoint.display());
        }
    }
    bar.finish();
    Ok(())
}

/// A progress bar with loss, accuracy and time left; plain lines where the output is not a terminal.
pub struct Bar {
    bar: ProgressBar,
    batches: u64,
    stop: Option<Arc<AtomicBool>>,
    since_checkpoint: Instant,
    accuracy: Option<f64>,
}

impl Bar {
    /// A bar for a run of which `done` epochs of `batches` batches are behind it; `stop` ends the run, and so does
    /// the time for a checkpoint (only if there is a `stop`; call the trainer again to go on).
    pub fn new(batches: u32, done: u32, stop: Option<Arc<AtomicBool>>) -> Self {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{bar:32} {percent:>3} %  {msg}  {eta} left");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_position(u64::from(done) * u64::from(batches));
        bar.reset_eta();
        Self { bar, batches: u64::from(batches), stop, since_checkpoint: Instant::now(), accuracy: None }
    }

    /// Takes the bar off the screen.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Watch for Bar {
    fn batch(&mut self, progress: &Progress) -> ControlFlow<()> {
        let test = self.accuracy.map_or(String::new(), |a| format!(", test {:.2} %", 100.0 * a));
        self.bar.set_length(u64::from(progress.epochs) * self.batches);
        self.bar.set_position(u64::from(progress.epoch - 1) * self.batches + u64::from(progress.batch));
        self.bar.set_message(format!(
            "epoch {}/{}: loss {:.4}, train {:.2} %{test}",
            progress.epoch,
            progress.epochs,
            progress.loss,
            100.0 * progress.accuracy
        ));
        match &self.stop {
            Some(stop) if stop.load(Ordering::SeqCst) => ControlFlow::Break(()),
            Some(_) if self.since_checkpoint.elapsed() > CHECKPOINT_EVERY => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }

    fn epoch(&mut self, report: &EpochReport) {
        self.accuracy = Some(report.test_accuracy);
        if !std::io::stderr().is_terminal() {
            eprintln!(
                "epoch {}/{}: loss {:.4}, train {:.2} %, test {:.2} %",
                report.epoch,
                report.epochs,
                report.train_loss,
                100.0 * report.train_accuracy,
                100.0 * report.test_accuracy
            );
        }
    }
}
