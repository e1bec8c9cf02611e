//! Random circuits do in Icarus what their simulation does, in every edition of the language, from the first cycle on.

use std::fmt::Write;
use std::process::Command;

use bitfab_format::arbitrary::Random;
use bitfab_hdl::circuit::{Builder, Circuit, Simulation, Wire};

/// Words of each memory of a random circuit.
const DEPTH: u32 = 8;

/// A wire of `width` bits, made of any other.
fn fit<'b>(c: &'b Builder, wire: Wire<'b>, width: u32, random: &mut Random) -> Wire<'b> {
    match wire.width() {
        own if own > width => wire.bits(random.between(0, (own - width) as i32) as u32, width),
        own if own < width && random.once_in(2) => wire.extend_signed(width),
        own if own < width && random.once_in(2) => c.join(&[c.constant(1, width - own), wire]),
        _ => wire.extend(width),
    }
}

/// An operation on some of `wires`.
fn operation<'b>(c: &'b Builder, wires: &[Wire<'b>], random: &mut Random) -> Wire<'b> {
    let any = |random: &mut Random| wires[random.between(0, wires.len() as i32 - 1) as usize];
    let width = random.pick(&[1, 1, 2, 3, 7, 8, 13, 31, 32, 33, 40, 64, 65, 90]);
    let word = |random: &mut Random| fit(c, any(random), width, random);
    let bits = |count: u32, random: &mut Random| fit(c, any(random), count, random);
    let (a, b) = (word(random), word(random));
    match random.between(0, 19) {
        0 => a & b,
        1 => a | b,
        2 => a ^ b,
        3 => !a,
        4 => a + b,
        5 => a - b,
        6 => a.equals(b),
        7 => a.less(b),
        8 => a.any(),
        9 => bits(1, random).mux(a, b),
        10 => bits(1, random).repeat(width),
        11 => a.shift_left(bits(3, random)),
        12 => bits(9, random).times(bits(5, random), random.pick(&[9, 14, 20])),
        13 => bits(7, random).count_ones(),
        14 => {
            c.sum(&[any(random).bits(0, 1), !bits(3, random), bits(2, random), bits(1, random).mux(a, b).bits(0, 1)], 5)
        }
        15 => c.select(bits(2, random), &[a, b, word(random)]),
        16 => c.table(bits(3, random), &[5, 1, 7, 5, 0], 3),
        17 => c.join(&[bits(3, random), bits(2, random), !bits(1, random)]),
        18 => !(a & b) ^ (a + b),
        _ => bits(1, random).mux(a + b, bits(1, random).mux(!a, a - b)),
    }
}

/// Inputs, registers, memories, operations on them, and everything as an output.
fn circuit(seed: u64) -> Circuit {
    let random = &mut Random::new(seed);
    let c = Builder::new("A random circuit.");
    let mut wires: Vec<Wire<'_>> = [("a", 1), ("b", 8), ("c", 33)].map(|(name, width)| c.input(name, width)).to_vec();
    let registers: Vec<Wire<'_>> =
        [1, 3, 16, 40].into_iter().map(|width| c.register(&format!("held_{width}"), width)).collect();
    wires.extend(&registers);
    for at in 0..random.between(1, 40) {
        let wire = operation(&c, &wires, random);
        wires.push(if random.once_in(3) { wire.named(format!("wire_{at}")) } else { wire });
    }
    let last = |random: &mut Random| wires[random.between(0, wires.len() as i32 - 1) as usize];
    let fit = |width: u32, random: &mut Random| fit(&c, last(random), width, random);
    let contents = (0..DEPTH * 2).map(|_| u64::from(random.word()) & 31).collect();
    let rom = c.rom("rom", "rom_style = \"block\"", &[5, 5], contents).read(fit(3, random));
    let ram = c.ram("ram", "", DEPTH, &[8, 8]);
    (0..2).for_each(|column| ram.write(fit(1, random), fit(3, random), column, fit(8, random)));
    let ram = ram.read_if(fit(1, random), fit(3, random));
    for register in registers {
        let width = register.width();
        c.next(register, &[(fit(1, random), fit(width, random)), (fit(1, random), fit(width, random))]);
    }
    wires.extend(rom.into_iter().chain(ram));
    let names = ["out_0", "out_1", "out_2", "out_3", "out_4", "out_5"];
    names.iter().zip(wires.iter().rev()).for_each(|(name, wire)| c.output(name, *wire));
    c.finish()
}

/// The outputs of every cycle, as hexadecimal words; the inputs of each cycle.
fn step(circuit: &Circuit, stimulus: &[Vec<u128>]) -> String {
    let mut simulation = Simulation::new(circuit.clone());
    let mut printed = String::new();
    for inputs in stimulus {
        inputs.iter().enumerate().for_each(|(at, value)| _ = simulation.set_input(at, *value));
        simulation.follow_inputs();
        (0..circuit.outputs().len()).for_each(|at| _ = write!(printed, " {:x}", simulation.output(at)));
        printed.push('\n');
        simulation.edge();
    }
    printed
}

/// The same by Icarus.
fn icarus(circuit: &Circuit, stimulus: &[Vec<u128>], edition: &str) -> String {
    let (mut wires, mut ports, mut body) = (String::new(), String::new(), String::new());
    let (inputs, outputs) = (circuit.inputs(), circuit.outputs());
    for (kind, (name, width)) in inputs.iter().map(|p| ("reg", p)).chain(outputs.iter().map(|p| ("wire", p))) {
        let _ = writeln!(wires, "  {kind} [{}:0] {name};", width - 1);
        let _ = write!(ports, ", .{name}({name})");
    }
    for values in stimulus {
        for ((name, width), value) in inputs.iter().zip(values) {
            let _ = write!(body, "    {name} = {width}'h{value:x};");
        }
        let formats = " %0h".repeat(outputs.len());
        let shown: String = outputs.iter().map(|(name, _)| format!(", {name}")).collect();
        let _ = writeln!(body, " #1 $display(\"{formats}\"{shown}); clock = 1; #1 clock = 0;");
    }
    let text = circuit.module("dut");
    // Memories that a simulation starts at 0 are unknown in Verilog until they are written or read.
    let known: String = ["rom", "ram"]
        .iter()
        .filter(|name| text.contains(&format!("{name}_read;")))
        .map(|name| format!("    dut.{name}_read = 0;\n"))
        .collect();
    let cleared = if text.contains("] ram [") {
        format!("    for (i = 0; i < {DEPTH}; i = i + 1) dut.ram[i] = 0;\n")
    } else {
        String::new()
    };
    let bench = format!(
        "module bench;\n  reg clock = 0;\n  integer i;\n{wires}  dut dut(.clock(clock){ports});\n  initial begin\n{known}{cleared}{body}    $finish;\n  end\nendmodule\n"
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("all.v"), text + &bench).unwrap();
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).current_dir(folder.path()).args(arguments).output();
        let output = output.unwrap_or_else(|error| panic!("{program} (Debian package iverilog): {error}"));
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    run("iverilog", &[edition, "-Wall", "-o", "all.vvp", "all.v"]);
    run("vvp", &["-N", "all.vvp"])
}

/// Random inputs, cycle by cycle.
fn stimulus(seed: u64, cycles: usize) -> Vec<Vec<u128>> {
    let random = &mut Random::new(1000 + seed);
    let word = |width: u32, random: &mut Random| u128::from(random.bits()) & ((1 << width) - 1);
    (0..cycles).map(|_| [1, 8, 33].map(|width| word(width, random)).to_vec()).collect()
}

#[test]
fn random_circuits_do_in_icarus_what_their_simulation_does() {
    for seed in 0..100 {
        let circuit = circuit(seed);
        let stimulus = stimulus(seed, 40);
        let expected = step(&circuit, &stimulus);
        for edition in ["-g2005", "-g2009", "-g2012"] {
            assert_eq!(
                icarus(&circuit, &stimulus, edition),
                expected,
                "seed {seed}, {edition}:\n{}",
                circuit.module("dut")
            );
        }
    }
}

#[test]
fn what_inputs_do_not_change_is_known_before_anything_changes() {
    let c = Builder::new("Outputs that depend on registers alone.");
    let held = c.register("held", 4);
    c.next(held, &[(c.input("a", 1), held.next())]);
    c.output("is_zero", held.is(0));
    c.output("row", c.table(held, &[9, 3, 9], 4));
    let circuit = c.finish();
    for edition in ["-g2005", "-g2009", "-g2012"] {
        assert_eq!(icarus(&circuit, &[vec![0]], edition), " 1 9\n", "{edition}");
    }
}

#[test]
fn mutants_do_in_icarus_what_their_simulation_does_and_most_are_told_apart() {
    let (mut all, mut seen) = (0, 0);
    for seed in 0..20 {
        let circuit = circuit(seed);
        let stimulus = stimulus(seed, 40);
        let expected = step(&circuit, &stimulus);
        for (at, mutant) in circuit.mutants().enumerate() {
            let found = step(&mutant.circuit, &stimulus);
            all += 1;
            seen += usize::from(found != expected);
            if at % 40 == 0 {
                assert_eq!(icarus(&mutant.circuit, &stimulus, "-g2012"), found, "seed {seed}, {}", mutant.what);
            }
        }
    }
    // A random circuit hides most of itself: what is asked here is that mutants are what they say.
    assert!(all > 1000 && seen * 3 > all, "{seen} of {all} mutants were seen");
}
