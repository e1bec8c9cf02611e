//! What the accelerator costs on an iCE40 UP5K; the numbers may not grow past what is promised.

use bitfab_format::arbitrary::{self, Plan, Random};
use bitfab_format::{Kind, Model, Op, PadValue, Shape};
use bitfab_hdl::Options;
use bitfab_sim::synth::{Synthesis, Target, synthesize, synthesize_model};

fn synthesis(shape: Shape, plans: &[Plan], seeds: u32) -> Synthesis {
    let words = arbitrary::build(shape, Kind::U8, plans, &mut Random::new(1)).emit();
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
