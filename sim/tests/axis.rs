//! The ports of AXI4-Stream: the rules of the standard proven by Yosys on the generated Verilog, with planted faults
//! that must be refuted; and the circuit beside the cycle model.

use std::process::Command;
use std::sync::Arc;

use bitfab_format::arbitrary::{self, Plan, Random};
use bitfab_format::{Draft, Kind, Model, Op, Shape};
use bitfab_hdl::{
    AxiStream, CycleMachine, Interface, Memories, Options, Ports, Program, Sources, Stimulus, Style, Weights, Written,
    sources,
};
use bitfab_sim::SimError;
use bitfab_sim::replay::{Replay, Simulator};
use bitfab_sim::rtl::{Circuit, Cycle, Stalls, disturb, drive, record};

/// What Yosys says about `verilog` under a script.
fn yosys(verilog: &str, script: &str) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("design.v"), verilog).unwrap();
    let script = format!("read_verilog design.v; {script}");
    let output = Command::new("yosys").current_dir(folder.path()).args(["-q", "-p", &script]).output();
    let output = output.expect("yosys is needed: install the Debian package yosys");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), said)
}

/// A byte that was offered and not taken is offered again, unchanged; nothing is offered behind a reset.
const MONITOR: &str = "
module monitor(input aclk, input aresetn, input [7:0] s_axis_tdata, input s_axis_tvalid, input s_axis_tlast,
    input m_axis_tready, output broken);
  wire [7:0] data; wire valid, last;
  bitfab dut(.aclk(aclk), .aresetn(aresetn), .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(), .s_axis_tlast(s_axis_tlast), .frame_error(), .m_axis_tdata(data), .m_axis_tvalid(valid),
    .m_axis_tready(m_axis_tready), .m_axis_tlast(last));
  reg waits = 0, was_reset = 0; reg [8:0] held = 0;
  always @(posedge aclk) begin
    waits <= aresetn & valid & !m_axis_tready;
    was_reset <= !aresetn;
    held <= {last, data};
  end
  assign broken = (waits & (!valid | held != {last, data})) | (was_reset & valid);
endmodule
";

/// Whether Yosys proves that the rules hold in all reachable states, for every input.
fn keeps_the_rules(verilog: &str) -> bool {
    let script = "hierarchy -check -top monitor; proc; flatten; memory; opt -full; \
                  sat -tempinduct -maxsteps 3 -prove broken 0 -verify monitor";
    let (is_proven, said) = yosys(&format!("{verilog}{MONITOR}"), script);
    let refuted = said.contains("proof did fail") || said.contains("Proof failed") || said.contains("Reached maximum");
    assert!(is_proven || refuted, "yosys failed for another reason: {said}");
    is_proven
}

/// Whether no output depends on an input other than through a register.
fn is_registered(verilog: &str) -> bool {
    let script = "hierarchy -check -top bitfab; proc; flatten; memory; opt -full; simplemap; dffunmap; opt_clean; \
                  select -assert-any o:* %ci*; \
                  select -assert-none i:* i:aclk %d %co*:-$_DFF_P_ o:* %i";
    let (holds, said) = yosys(verilog, script);
    assert!(holds || said.contains("selection is not empty"), "yosys failed for another reason: {said}");
    holds
}

/// Scores, scaled scores, packed signs, and a frame that is stored: results of every width.
fn drafts() -> Vec<(&'static str, Draft)> {
    let sign = Kind::Sign;
    let build = |shape, plans: &[Plan]| arbitrary::build(shape, Kind::U8, plans, &mut Random::new(3));
    let image = Plan::same(3, bitfab_format::PadValue::Zero, 4, sign);
    let scaled = arbitrary::scored().into_iter().find(|(name, _)| name.contains("factors")).expect("scaled scores");
    vec![
        ("scores", build(Shape::vector(12), &[Plan::dense(3, Kind::I32)])),
        ("one score", build(Shape::vector(12), &[Plan::dense(1, Kind::I32)])),
        ("signs", build(Shape::vector(12), &[Plan::dense(5, sign)])),
        ("a stored frame", build(Shape::new(4, 4, 1), &[image, Plan::pool(Op::MaxPool, 2, sign)])),
        scaled,
    ]
}

/// The Verilog of a model, in one file.
fn axis(model: &Model<'_>, options: &Options) -> Sources {
    let style = Style { memories: Memories::Inline, interface: Interface::AxiStream, ..Style::default() };
    sources(model, options, &style).unwrap()
}

/// Names and Verilog of the models on one lane, and of one whose weights are loaded.
fn texts() -> Vec<(&'static str, String)> {
    let text = |(name, draft): (&'static str, Draft), weights| {
        let words = draft.emit();
        let options = Options::default().with_lanes(1).with_weights(weights);
        (name, axis(&Model::from_words(&words).unwrap(), &options).text)
    };
    let mut texts: Vec<_> = drafts().into_iter().map(|draft| text(draft, Weights::Contents)).collect();
    texts.extend(drafts().into_iter().take(1).map(|(_, draft)| text(("loaded weights", draft), Weights::Loaded)));
    texts
}

#[test]
fn yosys_proves_the_rules_of_the_result_stream_and_refutes_faults() {
    for (at, (name, verilog)) in texts().into_iter().enumerate() {
        assert!(keeps_the_rules(&verilog), "{name}");
        if at != 0 {
            continue; // the wires and the sender's control are alike in all
        }
        for (right, wrong) in [
            ("wire takes = out_ready && offers;", "wire takes = offers;"),
            ("assign out_last = last;", "assign out_last = last && out_ready;"),
            ("engine_reset = ~aresetn", "engine_reset = aresetn"),
        ] {
            let fault = verilog.replace(right, wrong);
            assert_ne!(fault, verilog, "{name}: `{right}` is not in the Verilog");
            assert!(!keeps_the_rules(&fault), "{name}: `{wrong}` was not refuted");
        }
    }
}

#[test]
fn no_output_depends_on_an_input_but_through_registers() {
    for (at, (name, verilog)) in texts().into_iter().enumerate() {
        assert!(is_registered(&verilog), "{name}");
        if at != 0 {
            continue;
        }
        for (right, wrong) in [
            ("assign m_axis_tvalid = ", "assign m_axis_tvalid = m_axis_tready & "),
            ("assign s_axis_tready = ", "assign s_axis_tready = s_axis_tvalid & "),
        ] {
            assert!(verilog.contains(right));
            assert!(!is_registered(&verilog.replace(right, wrong)), "{name}: `{wrong}` was not seen");
        }
    }
}

/// The cycle model and the circuit side by side.
struct Both {
    machine: CycleMachine,
    axis: AxiStream,
}

impl Circuit for Both {
    fn cycle(&mut self, stimulus: Stimulus) -> Result<(Ports, Option<Written>), SimError> {
        let shown = self.machine.cycle(stimulus)?;
        assert_eq!(self.axis.offer(stimulus).unwrap(), shown.0);
        assert_eq!(self.axis.tick().unwrap().map(|written| written.word), shown.1.map(|written| written.word));
        Ok(shown)
    }
}

#[test]
fn the_circuit_equals_the_cycle_model_with_pauses_resets_and_broken_frames() {
    for (seed, (name, draft)) in (1..).zip(drafts()) {
        let words = draft.emit();
        let model = Model::from_words(&words).unwrap();
        let program = Arc::new(Program::new(&model, &Options::default()).unwrap());
        let both = || Both { machine: CycleMachine::new(Arc::clone(&program)), axis: AxiStream::of(&program) };
        let mut random = Random::new(seed);
        let input: Vec<u8> = (0..model.input_bytes()).map(|_| random.word() as u8).collect();
        let stalls = Stalls { seed, input: 90, output: 150 };
        drive(&mut both(), &model, &program, &[&input, &input], stalls, &mut |_| {}).unwrap();
        let epochs = disturb(&mut both(), &program, seed, 3_000).unwrap();
        assert!(epochs.iter().any(|epoch| epoch.dropped > 0), "{name}: no frame of a wrong length");
    }
}

#[test]
fn a_recording_is_what_the_circuit_shows_cycle_by_cycle() {
    for (name, draft) in drafts() {
        let words = draft.emit();
        let model = Model::from_words(&words).unwrap();
        let program = Arc::new(Program::new(&model, &Options::default()).unwrap());
        let mut both = Both { machine: CycleMachine::new(Arc::clone(&program)), axis: AxiStream::of(&program) };
        let input = vec![0x5a; model.input_bytes()];
        let recording = record(&mut both, &model, &program, &input, 2).unwrap();
        // Played once more, with what it says of the inputs.
        let mut machine = CycleMachine::new(Arc::clone(&program));
        let (mut sent, mut found, mut first) = (0, Vec::new(), None);
        for at in 0..recording.cycles() {
            let cycle = recording.at(at).unwrap();
            assert_eq!(machine.cycle(cycle.stimulus).unwrap().0, cycle.ports, "{name}, cycle {at}");
            assert_eq!(cycle.stimulus.reset, at == 0, "{name}");
            sent += usize::from(cycle.takes_input());
            first = first.or(cycle.ports.out.map(|_| at));
            found.extend(cycle.taken_output());
        }
        let first = first.unwrap();
        assert_eq!(sent, input.len(), "{name}");
        assert_eq!(found.len(), 4 * program.output_words as usize, "{name}");
        assert!(found.iter().rev().enumerate().all(|(at, byte)| byte.last == (at == 0)), "{name}");
        let is_out = |cycle: &Cycle| cycle.ports.out.is_some();
        assert_eq!(
            [0, first, first + 1].map(|from| recording.find(from, is_out)),
            [0, 0, 1].map(|at| Some(first + at))
        );
        let taken = recording.find(0, |cycle| cycle.taken_output().is_some());
        assert_eq!(taken, Some(first + 2), "{name}: the reader pauses for two cycles");
        assert_eq!(recording.find(0, |_| false), None);
        assert_eq!(recording.find(recording.cycles(), |_| true), None);
        let error = record(&mut machine, &model, &program, &input[1..], 0).unwrap_err().to_string();
        assert!(error.contains(&format!("the model takes {}", input.len())), "{error}");
    }
}

#[test]
fn the_verilog_does_in_every_simulator_what_the_cycle_model_does() {
    for (at, (name, draft)) in drafts().into_iter().enumerate() {
        let words = draft.emit();
        let model = Model::from_words(&words).unwrap();
        let options = Options::default().with_lanes([4, 1, 8][at % 3]);
        let sources = axis(&model, &options);
        let input = vec![0x5a; model.input_bytes()];
        for simulator in [Simulator::Icarus, Simulator::Icarus2005, Simulator::Verilator] {
            let replay = Replay { simulator, options, stalls: Stalls { seed: at as u64, input: 64, output: 64 } };
            let found = replay.replay_sources(&model, &[&input, &input], &sources).unwrap();
            assert_eq!((found.first_difference, found.frames.len()), (None, 2), "{name}, {simulator:?}");
        }
        // Ports that are crossed are seen.
        let crossed =
            sources.text.replace("assign m_axis_tlast = engine_out_last", "assign m_axis_tlast = engine_in_ready");
        assert_ne!(crossed, sources.text);
        let replay = Replay { simulator: Simulator::Icarus, options, stalls: Stalls::default() };
        let found = replay.replay_sources(&model, &[&input], &Sources { text: crossed, ..sources }).unwrap();
        assert!(found.differences > 0, "{name}");
    }
}
