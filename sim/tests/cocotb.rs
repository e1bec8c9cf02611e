//! The accelerator in cocotb, as an FPGA engineer drives it: SystemVerilog's order of initialisation, a test bench that
//! shares nothing with the replays, and answers of the reference.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use bitfab_format::arbitrary::{self, Plan, Random};
use bitfab_format::{Kind, Model, Op, PadValue, Shape, WeightKind};
use bitfab_hdl::{Interface, Memories, Options, Program, Style, Weights, cycles, sources};
use bitfab_sim::engine::Engine;
use bitfab_sim::software::Reference;

/// Rows of each model.
const ROWS: usize = 3;

/// The Python that `tests/run` installs cocotb for.
fn python() -> Result<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/venv");
    let python = std::env::var_os("BITFAB_VENV").map_or(default, PathBuf::from).join("bin/python");
    ensure!(python.is_file(), "{} is missing: install cocotb by tests/run --install", python.display());
    Ok(python)
}

/// Runs a model's Verilog, damaged or not; what cocotb printed where that failed.
fn drive(
    words: &[u32],
    (options, interface): (&Options, Interface),
    busy: f64,
    damage: &dyn Fn(String) -> String,
) -> Result<Result<(), String>> {
    let model = Model::new(bytemuck::cast_slice(words))?;
    let mut random = Random::new(7);
    let rows: Vec<Vec<u8>> =
        (0..ROWS).map(|_| (0..model.input_bytes()).map(|_| random.word() as u8).collect()).collect();
    let rows: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
    let runs = Reference.run(&model, &rows, &mut |_| {})?;
    // A word of the output goes out byte by byte, the lowest first.
    let answer = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let answers: Vec<Vec<u8>> = runs.iter().map(|run| answer(&run.output)).collect();
    // Pauses make it slower by as much as they are frequent; ten times that never is.
    let limit = 10.0 * (cycles(&model, options)?.latency * (ROWS as u64 + 2)) as f64 / busy;
    let is_loaded = options.weights == Weights::Loaded;
    let image = if is_loaded { Program::new(&model, options)?.image() } else { Vec::new() };
    let case = serde_json::json!({
        "rows": rows, "answers": answers, "busy": busy, "seed": 5, "cycles": limit as u64 + 1_000, "image": image,
    });
    let folder = tempfile::tempdir()?;
    let bench = if interface == Interface::Plain { "drive" } else { "axis" };
    let style = Style { memories: Memories::Inline, interface, ..Style::default() };
    std::fs::write(folder.path().join("engine.v"), damage(sources(&model, options, &style)?.text))?;
    std::fs::write(folder.path().join("rows.json"), case.to_string())?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cocotb/run.py");
    let found = Command::new(python()?)
        .arg("-B")
        .arg(script)
        .arg(folder.path())
        .arg(bench)
        .output()
        .context("starting Python")?;
    let printed = String::from_utf8_lossy(&found.stdout).into_owned() + &String::from_utf8_lossy(&found.stderr);
    Ok(if found.status.success() { Ok(()) } else { Err(printed) })
}

#[test]
fn rows_give_their_answers_from_cocotb() -> Result<()> {
    let sign = Kind::Sign;
    let dense = [Plan::dense(24, sign), Plan::dense(10, Kind::I32)];
    let image = [Plan::same(3, PadValue::Zero, 8, sign), Plan::pool(Op::MaxPool, 2, sign), Plan::dense(5, Kind::I32)];
    for (shape, plans, lanes, busy) in [
        (Shape::vector(40), &dense[..], 8, 1.0),
        (Shape::vector(40), &dense, 2, 0.6),
        (Shape::new(6, 6, 2), &image, 4, 0.8),
    ] {
        let words = arbitrary::build(shape, Kind::U8, plans, &mut Random::new(3)).emit();
        let options = Options::default().with_lanes(lanes);
        for interface in Interface::ALL {
            if let Err(printed) = drive(&words, (&options, interface), busy, &|text| text)? {
                panic!("{interface}, {lanes} lanes, busy {busy}: {printed}");
            }
        }
    }
    Ok(())
}

#[test]
fn every_kind_of_weights_gives_its_answers_from_cocotb() -> Result<()> {
    let contents = WeightKind::WEIGHTED.map(|kind| (kind, Weights::Contents));
    let all = contents.into_iter().chain([(WeightKind::SmartDeal, Weights::Rebuilt)]);
    for (at, (kind, weights)) in all.enumerate() {
        let values = [Kind::Sign, Kind::Unsigned { bits: 2 }, Kind::Unsigned { bits: 5 }][at % 3];
        let plans = [Plan::dense(24, values), Plan::dense(10, Kind::I32)].map(|plan| plan.with_weights(kind));
        let words = arbitrary::build(Shape::vector(40), Kind::U8, &plans, &mut Random::new(3)).emit();
        let options = Options::default().with_lanes([8, 2, 16, 4][at % 4]).with_weights(weights);
        let interface = Interface::ALL[at % 2];
        if let Err(printed) = drive(&words, (&options, interface), 0.9, &|text| text)? {
            panic!("{kind:?}, {weights:?}, {interface}: {printed}");
        }
    }
    Ok(())
}

/// Depthwise layers and sums of windows, codes of bytes, residuals, and scores with a factor and an offset a class.
#[test]
fn layers_and_transforms_of_every_kind_give_their_answers_from_cocotb() -> Result<()> {
    let levels = Kind::Unsigned { bits: 5 };
    let build = |shape, plans: &[Plan]| arbitrary::build(shape, Kind::U8, plans, &mut Random::new(3)).emit();
    let layer = |side, kind| Plan::same(side, PadValue::Zero, 32, kind).with_weights(WeightKind::Integer);
    let depthwise = Plan { groups: 32, ..layer(3, levels) };
    let head = Plan::dense(5, Kind::I32);
    let windows = build(Shape::new(3, 3, 1), &[layer(1, levels), depthwise, Plan::pool(Op::SumPool, 3, levels), head]);
    let codes = build(Shape::vector(20), &[Plan { op: Op::Encode, ..Plan::dense(40, Kind::Sign) }, head]);
    let residual = (0..).map(|seed| arbitrary::chain(4, &mut Random::new(seed)).emit()).find(|words| {
        let model = Model::from_words(words).expect("an arbitrary model");
        let is_short = || cycles(&model, &Options::default()).is_ok_and(|cycles| cycles.latency < 3_000);
        model.layers().any(|layer| layer.residual.is_some()) && is_short()
    });
    let scaled = arbitrary::scored().into_iter().find(|(name, _)| name.contains("factors")).context("scaled scores")?;
    let all =
        [("windows", windows), ("codes", codes), ("residual", residual.context("one")?), ("scaled", scaled.1.emit())];
    for (at, (name, words)) in all.iter().enumerate() {
        let interface = Interface::ALL[at % 2];
        if let Err(printed) = drive(words, (&Options::default(), interface), 0.8, &|text| text)? {
            panic!("{name}, {interface}: {printed}");
        }
    }
    // Channels of a depthwise layer that are never doubled.
    let without = |text: String| text.replace("wire channels_double = ", "wire channels_double = 1'b0 && ");
    let printed = drive(&all[0].1, (&Options::default(), Interface::Plain), 0.8, &without)?;
    ensure!(printed.is_err(), "a fault of the depthwise unit is not seen");
    Ok(())
}

#[test]
fn loaded_weights_give_their_answers_from_cocotb() -> Result<()> {
    let plans = [Plan::dense(24, Kind::Sign).with_weights(WeightKind::Ternary), Plan::dense(10, Kind::I32)];
    let words = arbitrary::build(Shape::vector(40), Kind::U8, &plans, &mut Random::new(3)).emit();
    let options = Options::default().with_lanes(2).with_weights(Weights::Loaded);
    let with =
        |from: &str, to: &str| drive(&words, (&options, Interface::AxiStream), 0.8, &|text| text.replace(from, to));
    if let Err(printed) = with("", "")? {
        panic!("{printed}");
    }
    // A loader that takes any CRC takes the wrong one too.
    let printed = with("= load_done;", "= 1'b1;")?.err().context("an image is never refused, and nobody says so")?;
    ensure!(printed.contains("loaded, load_error"), "{printed}");
    Ok(())
}

/// The circuit inside another one of the same ports, which gives `valid` and `data` in the place of its own.
fn wrapped(verilog: &str, valid: &str, data: &str) -> String {
    let inner = verilog.replace("module bitfab(", "module inner(");
    format!(
        "{inner}
module bitfab(input clock, input reset, input [7:0] in_data, input in_valid, input in_last, output in_ready,
    output frame_error, output [7:0] out_data, output out_valid, output out_last, input out_ready);
  wire [7:0] data; wire valid;
  inner one(.clock(clock), .reset(reset), .in_data(in_data), .in_valid(in_valid), .in_last(in_last),
    .in_ready(in_ready), .frame_error(frame_error), .out_data(data), .out_valid(valid), .out_last(out_last),
    .out_ready(out_ready));
  assign out_valid = {valid}; assign out_data = {data};
endmodule
"
    )
}

/// As [`wrapped`], with the ports of AXI4-Stream.
fn wrapped_axis(verilog: &str, valid: &str, data: &str) -> String {
    let inner = verilog.replace("module bitfab(", "module inner(");
    format!(
        "{inner}
module bitfab(input aclk, input aresetn, input [7:0] s_axis_tdata, input s_axis_tvalid, input s_axis_tlast,
    output s_axis_tready, output frame_error, output [7:0] m_axis_tdata, output m_axis_tvalid, output m_axis_tlast,
    input m_axis_tready);
  wire [7:0] data; wire valid;
  inner one(.aclk(aclk), .aresetn(aresetn), .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tlast(s_axis_tlast), .s_axis_tready(s_axis_tready), .frame_error(frame_error), .m_axis_tdata(data),
    .m_axis_tvalid(valid), .m_axis_tlast(m_axis_tlast), .m_axis_tready(m_axis_tready));
  assign m_axis_tvalid = {valid}; assign m_axis_tdata = {data};
endmodule
"
    )
}

#[test]
fn what_breaks_the_rules_of_axi4_stream_fails_in_words() -> Result<()> {
    let plans = [Plan::dense(24, Kind::Sign), Plan::dense(10, Kind::I32)];
    let words = arbitrary::build(Shape::vector(40), Kind::U8, &plans, &mut Random::new(3)).emit();
    let options = Options::default();
    let with = |valid: &str, data: &str| {
        drive(&words, (&options, Interface::AxiStream), 0.6, &|text| wrapped_axis(&text, valid, data))
    };
    let plain = with("valid", "data")?;
    ensure!(plain == Ok(()), "the wrapping changes nothing: {plain:?}");
    // The sink never sees that the byte changes while it waits: the rules alone do.
    for (valid, data, said) in [
        ("valid", "data ^ {8{!m_axis_tready}}", "which was not taken"),
        ("valid | !aresetn", "data", "behind a reset"),
        ("valid", "data ^ 8'h10", "instead of"),
    ] {
        let printed = with(valid, data)?.err().with_context(|| format!("{valid} and {data} pass"))?;
        ensure!(printed.contains(said), "{valid}, {data}: {printed}");
    }
    Ok(())
}

#[test]
fn what_is_wrong_or_never_comes_fails_in_words() -> Result<()> {
    let plans = [Plan::dense(24, Kind::Sign), Plan::dense(10, Kind::I32)];
    let words = arbitrary::build(Shape::vector(40), Kind::U8, &plans, &mut Random::new(3)).emit();
    let with = |valid: &str, data: &str| {
        drive(&words, (&Options::default(), Interface::Plain), 1.0, &|text| wrapped(&text, valid, data))
    };
    let plain = with("valid", "data")?;
    ensure!(plain == Ok(()), "the wrapping changes nothing: {plain:?}");
    for (valid, data, said) in [
        ("valid", "data ^ 8'h10", "instead of"),
        ("1'b0", "data", "no end after"),
        ("valid & 1'bx", "data", "out_valid is"),
    ] {
        let printed = with(valid, data)?.err().with_context(|| format!("{valid} and {data} pass"))?;
        ensure!(printed.contains(said), "{valid}, {data}: {printed}");
    }
    Ok(())
}
