//! The files that a person flashes, together: the UF2 of a Raspberry Pi Pico, in rp2040js, asks the bitstream of an
//! iCEBreaker, turned back into Verilog.

#[path = "common/flipped.rs"]
mod flipped;
#[path = "common/icebreaker.rs"]
mod icebreaker;

use std::path::Path;

use bitfab_format::arbitrary::{self, Plan, Random};
use bitfab_format::{Kind, Model, Shape, digest};
use bitfab_hdl::{Options, Weights};
use bitfab_sim::Engine;
use bitfab_sim::board::{Board, GATES, WEIGHTS, sources};
use bitfab_sim::cosim::{BOARD, Fpga, Verdict, emulator, verdict};
use bitfab_sim::qemu::Chip;
use bitfab_sim::software::Reference;
use bitfab_sim::uf2::{check_uf2, uf2};

use flipped::flipped;
use icebreaker::{KILOHERTZ, asked, icebreaker};

/// Inputs of the self-test: so few that the test stays short.
const ROWS: usize = 6;

/// The program for a Pico as UF2: with what it has where nobody chooses, or with a model and rows.
fn pico(chosen: Option<&Path>) -> Vec<u8> {
    let file = |name: &str| chosen.map(|folder| folder.join(name));
    let elf = Chip::PICO.build(file("model.bfab").as_deref(), file("inputs.bin").as_deref()).unwrap();
    let file = uf2(&std::fs::read(elf).unwrap()).unwrap();
    assert_eq!(check_uf2(&file), Ok(()));
    file
}

/// What a Pico with this file says, wired to the FPGA.
fn said(fpga: &Fpga, uf2: &[u8]) -> String {
    let mut lines = String::new();
    let said = fpga.asked_by(uf2, &mut |line| lines += &format!("{line}\n")).unwrap();
    println!("{said}");
    assert_eq!(said, lines);
    said
}

/// Inputs with the digests that the reference has of them, as the build of a program reads them.
fn rows(model: &Model<'_>) -> Vec<u8> {
    let mut random = Random::new(7);
    let mut input = || (0..model.input_bytes()).map(|_| random.word() as u8).collect::<Vec<u8>>();
    let inputs: Vec<Vec<u8>> = (0..ROWS).map(|_| input()).collect();
    let slices: Vec<&[u8]> = inputs.iter().map(|input| &**input).collect();
    let runs = Reference.run(model, &slices, &mut |_| {}).unwrap();
    let digests = runs.iter().map(|run| run.evidence.digests().into_iter().flat_map(u32::to_le_bytes).collect());
    inputs.iter().cloned().zip(digests).flat_map(|(input, digests): (_, Vec<u8>)| [input, digests].concat()).collect()
}

/// The FPGA as its Verilog says, without digests.
fn before_synthesis(model: &Model<'_>, options: Options) -> Fpga {
    let files = sources(model, &Board::named(BOARD).unwrap(), &asked(options, false, KILOHERTZ)).unwrap();
    Fpga::of_verilog(&files, KILOHERTZ).unwrap()
}

/// A board that brings its weights from its flash does as `well`, and one in whose flash a bit is turned says so; the
/// netlist stands for the bitstream, which cannot be turned back.
fn brings_weights_from_its_flash(model: &Model<'_>, options: Options, uf2: &[u8], well: &str) {
    // SPRAM has 64 bits a cycle: two lanes.
    let options = options.with_lanes(2).with_weights(Weights::Loaded);
    let built = icebreaker(model, &asked(options, true, KILOHERTZ));
    let file = |name: &str| built.files.iter().find(|file| file.name == name).unwrap().bytes.clone();
    let (netlist, weights) = (String::from_utf8(file(GATES)).unwrap(), file(WEIGHTS));
    let mut turned = weights.clone();
    turned[40] ^= 4;
    let said = |weights| said(&Fpga::of_netlist(&netlist, weights, built.kilohertz).unwrap(), uf2);
    assert_eq!(said(&weights), well.replace("link 4 lanes", "link 2 lanes"));
    let wrong = said(&turned);
    assert!(wrong.contains("the other side has no weights") && verdict(&wrong).is_err(), "{wrong}");
}

#[test]
fn a_pico_and_an_icebreaker_compute_the_same_from_the_files_that_are_flashed() {
    emulator().unwrap(); // not after minutes of work
    let folder = tempfile::tempdir().unwrap();
    // Scores as they are: no threshold hides a mistake.
    let plans = [Plan::dense(32, Kind::Sign), Plan::dense(10, Kind::I32)];
    let words = arbitrary::build(Shape::vector(64), Kind::U8, &plans, &mut Random::new(3)).emit();
    let (model, number) = (Model::from_words(&words).unwrap(), digest(&words));
    std::fs::write(folder.path().join("model.bfab"), bytemuck::cast_slice(&words)).unwrap();
    std::fs::write(folder.path().join("inputs.bin"), rows(&model)).unwrap();
    let (chosen, default) = (pico(Some(folder.path())), pico(None));
    let linked = format!(
        "bitfab {} pico model {number:08x}\nself-test ok {ROWS} inputs {} digests\n\
         link 4 lanes 64 in 40 out model {number:08x}\n",
        env!("CARGO_PKG_VERSION"),
        2 * ROWS
    );
    let well = format!("{linked}link ok {ROWS} equal {} digests\n", 2 * ROWS);
    let equal = Verdict { inferences: ROWS as u64, digests: 2 * ROWS as u64 };

    // With a PLL, whose bits say how fast it is.
    let options = Options::default().with_lanes(4);
    let fast = icebreaker(&model, &asked(options, true, 20_000));
    let bitstream = &fast.files.last().unwrap().bytes;
    let fpga = Fpga::new(bitstream, &|bits| bits).unwrap();
    assert_eq!((fpga.kilohertz(), fast.kilohertz > KILOHERTZ), (fast.kilohertz, true));
    let found = said(&fpga, &chosen);
    assert_eq!((verdict(&found), &found), (Ok(equal), &well));

    // Memories of which a bit is wrong are seen, in a layer by its digest.
    let wrong = said(&Fpga::new(bitstream, &flipped).unwrap(), &chosen);
    assert!(wrong.contains("self-test ok") && verdict(&wrong).unwrap_err().contains("link: "), "{wrong}");
    // And a pair of files that are not of one model.
    let other = said(&fpga, &default);
    let refused = format!("link: the other side holds model {number:08x}, not ");
    assert!(other.contains("self-test ok") && verdict(&other).unwrap_err().contains(&refused), "{other}");
    brings_weights_from_its_flash(&model, options, &chosen, &well);

    // Without digests, answers alone; before synthesis, which says where to look should a bitstream differ.
    let found = said(&before_synthesis(&model, options), &chosen);
    assert_eq!(found, format!("{linked}link ok {ROWS} equal no digests\n"));
    assert!(verdict(&found).unwrap_err().contains("--digests"));
}
