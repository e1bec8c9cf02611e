//! What the accelerator costs: on an iCE40 UP5K no more than what is promised, on Gowin and Xilinx what was foreseen.

use bitfab_format::arbitrary::{self, Plan, Random};
use bitfab_format::{Kind, Model, Op, PadValue, Shape};
use bitfab_hdl::{Options, Program, Style};
use bitfab_sim::synth::{Synthesis, Target, block_rams, implement, synthesize, synthesize_model};

fn network(shape: Shape, plans: &[Plan]) -> Vec<u32> {
    arbitrary::build(shape, Kind::U8, plans, &mut Random::new(1)).emit()
}

fn synthesis(shape: Shape, plans: &[Plan], seeds: u32) -> Synthesis {
    let words = network(shape, plans);
    let model = Model::new(bytemuck::cast_slice(&words)).unwrap();
    synthesize_model(&model, &Options::default(), Target::Up5k, seeds).unwrap()
}

#[test]
fn eight_lanes_fit_and_convolution_adds_little() {
    let sign = Kind::Sign;
    let head = Plan::dense(10, Kind::I32);
    let dense = synthesis(Shape::vector(64), &[Plan::dense(128, sign), Plan::dense(64, sign), head], 1);
    assert!(dense.cells.luts <= 1_500, "{dense:?}");
    assert!(dense.cells.rams <= 30, "{dense:?}");
    // The promise is the median of five seeds (the example `resources` prints it); one seed keeps the test short.
    assert!(dense.median_mhz().is_some_and(|mhz| mhz >= 40.0), "{dense:?}");
    let plans = [
        Plan::same(3, PadValue::Zero, 32, sign),
        Plan::same(3, PadValue::MinusOne, 32, sign),
        Plan::pool(Op::MaxPool, 2, sign),
        head,
    ];
    let convolution = synthesis(Shape::new(8, 8, 1), &plans, 0);
    assert!(convolution.cells.luts <= dense.cells.luts + 600, "{convolution:?}");
}

#[test]
fn a_circuit_that_is_too_large_is_told_from_a_broken_one() {
    let large = "module bitfab(input clock, input [7:0] a, output reg [7:0] q);
  reg [7:0] memory [0:32767]; reg [14:0] at = 0;
  always @(posedge clock) begin at <= at + 1; memory[at] <= a; q <= memory[at + a]; end
endmodule";
    let synthesis = synthesize(large, Target::Up5k, 1).unwrap();
    assert!(synthesis.misfit.is_some() && synthesis.mhz.is_empty(), "{synthesis:?}");
    assert!(synthesize("module bitfab(; endmodule", Target::Up5k, 0).is_err());
    assert!("up6k".parse::<Target>().unwrap_err().contains("up5k"));
}

/// 64 signs of bytes, 32 outputs, 10 scores.
fn small() -> Vec<u32> {
    network(Shape::vector(64), &[Plan::dense(32, Kind::Sign), Plan::dense(10, Kind::I32)])
}

#[test]
fn gowin_is_placed_on_pins_and_its_memories_are_those_that_were_foreseen() {
    let words = small();
    let model = Model::new(bytemuck::cast_slice(&words)).unwrap();
    let options = Options::default().with_lanes(2);
    let made = implement(bitfab_hdl::sources(&model, &options, &Style::default()).unwrap(), Target::Gw1nr9, 1).unwrap();
    let synthesis = &made.synthesis;
    assert!(synthesis.median_mhz().is_some_and(|mhz| mhz > 40.0), "{synthesis:?}");
    assert!(synthesis.logic.is_some_and(|[used, of]| used > synthesis.cells.luts && of == 8_640), "{synthesis:?}");
    let foreseen = block_rams(&Program::new(&model, &options).unwrap(), Target::Gw1nr9);
    // The small memory of activations may be of look-up tables.
    assert!([foreseen, foreseen + 1].contains(&synthesis.cells.rams.into()), "{foreseen} {synthesis:?}");
    assert!(made.files.iter().any(|file| file.name == "pins.cst") && made.commands.len() == 3, "{:?}", made.commands);
    assert!(made.blocks.blocks.len() >= 4 && made.blocks.sum.luts > 400, "{:?}", made.blocks);
}

#[test]
fn xilinx_is_counted_and_not_placed() {
    let words = small();
    let model = Model::new(bytemuck::cast_slice(&words)).unwrap();
    let options = Options::default().with_lanes(2);
    let synthesis = synthesize_model(&model, &options, Target::Xc7a35t, 1).unwrap();
    assert!(synthesis.mhz.is_empty() && synthesis.misfit.is_none() && synthesis.logic.is_none(), "{synthesis:?}");
    let foreseen = block_rams(&Program::new(&model, &options).unwrap(), Target::Xc7a35t);
    assert!([foreseen, foreseen + 1].contains(&synthesis.cells.rams.into()), "{foreseen} {synthesis:?}");
    assert!((200..2_000).contains(&synthesis.luts()) && synthesis.cells.flip_flops > 200, "{synthesis:?}");
}
