//! Chips whose weights come after configuration: from the board's flash, or over the link.

use std::fmt::Debug;

use bitfab_format::arbitrary::{self, Plan, Random};
use bitfab_format::{Draft, Kind, Model, Shape, WeightKind, digest};
use bitfab_hdl::{Options, Weights, Wire as HdlWire};
use bitfab_link::{Accelerator, Link, LinkError, Patience, SpiWire, Wire};
use bitfab_runtime::Inference;
use bitfab_sim::Engine;
use bitfab_sim::chip::Flash;
use bitfab_sim::software::Reference;

use crate::case::{Case, KILOHERTZ};
use crate::pins::text;
use crate::verilated::Verilated;
use crate::wires::line::{Shared, Spi, SpiClock};

/// Ternary weights have signs, which are a second memory.
const KINDS: [WeightKind; 2] = [WeightKind::Binary, WeightKind::Ternary];

fn network(kind: WeightKind, seed: u64) -> Draft {
    let plans = [Plan::dense(64, Kind::Sign).with_weights(kind), Plan::dense(10, Kind::I32)];
    arbitrary::build(Shape::vector(40), Kind::U8, &plans, &mut Random::new(seed))
}

fn case(kind: WeightKind, seed: u64) -> Case {
    Case::new(network(kind, seed).emit(), Options::default().with_lanes(4).with_weights(Weights::Loaded))
}

/// A flash in which the image lies, perhaps with a bit turned.
fn flash(image: &[u8], turned: Option<usize>) -> Flash {
    Flash::new(turned_at(image, turned), KILOHERTZ)
}

fn turned_at(image: &[u8], bit: Option<usize>) -> Vec<u8> {
    let mut image = image.to_vec();
    bit.into_iter().for_each(|bit| image[bit / 8] ^= 1 << (bit % 8));
    image
}

type Connected<'m, W> = Accelerator<'m, W, 16>;

/// A driver that is connected, for which a chip need not have its weights.
fn connected<W: Wire>(case: &Case, wire: W) -> Link<W>
where
    W::Error: Debug,
{
    let mut link = Link::new(wire);
    link.connect(digest(case.model().words())).unwrap();
    assert!(link.identity().unwrap().has_loader());
    link
}

/// Lets time pass by requests, as any wire can.
fn rest<W: Wire>(link: &mut Link<W>)
where
    W::Error: Debug,
{
    (0..40).for_each(|_| link.drain().unwrap());
}

/// Whether the chip computes what the reference does, in every layer.
fn computes<W: Wire>(link: Link<W>, model: Model<'_>)
where
    W::Error: Debug,
{
    let mut engine = Connected::new(link, model).unwrap();
    for seed in 1..4_u8 {
        let input: Vec<u8> =
            (0..model.input_bytes()).map(|at| (at as u8).wrapping_mul(37).wrapping_add(seed)).collect();
        let expected = Reference.run(&model, &[&input], &mut |_| {}).unwrap().remove(0);
        let mut digests = [0; 2];
        let output = engine.infer(&input, &mut digests).unwrap();
        assert_eq!(output.words(), expected.output);
        assert_eq!(digests[..], expected.evidence.digests());
    }
}

fn infer<W: Wire>(link: &mut Link<W>) -> Result<(), LinkError<W::Error>> {
    link.infer(&[0x5a; 40], &mut [0; 40])
}

/// What is wrong is told, and the link makes it good.
fn is_refused_then_loaded<W: Wire>(case: &Case, wire: W)
where
    W::Error: Debug + PartialEq,
{
    let (image, mut link) = (case.program.image(), connected(case, wire));
    rest(&mut link);
    assert_eq!(infer(&mut link), Err(LinkError::NoWeights));
    let other = self::case(WeightKind::Binary, 77).program.image();
    let other = if other.len() == image.len() { other } else { image_of_other_weights(&image) };
    assert_eq!(link.load(&other), Err(LinkError::NoWeights));
    assert_eq!(link.load(&turned_at(&image, Some(5))), Err(LinkError::NoWeights));
    link.session.tries = 2;
    assert_eq!(link.load(&[0; 4]), Err(LinkError::Corrupt { tries: 2 }), "another length");
    assert_eq!(infer(&mut link), Err(LinkError::NoWeights));
    link.load(&image).unwrap();
    // They stay, whatever comes.
    link.load(&image).unwrap();
    link.load(&other).unwrap();
    computes(link, case.model());
}

/// One whose own CRC holds.
fn image_of_other_weights(image: &[u8]) -> Vec<u8> {
    let words = turned_at(&image[..image.len() - 4], Some(9));
    let crc = bitfab_link::crc32(&[&words]).to_le_bytes();
    [words, crc.to_vec()].concat()
}

#[test]
fn weights_come_from_the_flash_and_until_then_there_are_none() {
    for kind in KINDS {
        let case = case(kind, 3);
        let image = case.program.image();
        let mut link = connected(&case, case.spi_and(flash(&image, None)));
        assert_eq!(infer(&mut link), Err(LinkError::NoWeights), "too soon");
        rest(&mut link);
        computes(link, case.model());
        let mut link = connected(&case, case.uart_and(flash(&image, None)));
        rest(&mut link);
        computes(link, case.model());
    }
}

#[test]
fn a_turned_bit_or_no_flash_is_told_and_the_link_brings_the_weights() {
    for (at, kind) in KINDS.into_iter().enumerate() {
        let case = case(kind, 4);
        let image = case.program.image();
        let last = 8 * image.len() - 1;
        is_refused_then_loaded(&case, case.spi_and(flash(&image, Some([0, last][at]))));
        is_refused_then_loaded(&case, case.uart_and(flash(&image, Some([200, last - 40][at]))));
        is_refused_then_loaded(&case, case.spi_and(Flash::absent(at == 0)));
    }
}

#[test]
fn a_host_need_not_wait_for_the_flash() {
    let case = case(WeightKind::Binary, 5);
    let image = case.program.image();
    for flash in [flash(&image, None), flash(&image, Some(70)), Flash::absent(true)] {
        let mut link = connected(&case, case.spi_and(flash));
        link.load(&image).unwrap();
        computes(link, case.model());
    }
}

#[test]
fn the_verilog_reads_the_flash_too() {
    let case = case(WeightKind::Ternary, 6);
    let (image, verilog) = (case.program.image(), text(&case, HdlWire::Spi));
    for (turned, is_right) in [(None, true), (Some(300), false)] {
        let chip = Verilated::with_flash(&verilog, &turned_at(&image, turned));
        let mut pins = chip.start(0);
        (0..2_000).for_each(|_| Spi::tick(&mut pins));
        let shared = Shared::new(pins, 1);
        let patience = Patience { polls: 2_000, pause_us: 1 };
        let mut link = connected(&case, SpiWire::new(shared.clone(), SpiClock(shared.clone()), patience));
        if !is_right {
            assert_eq!(infer(&mut link), Err(LinkError::NoWeights));
            link.load(&image).unwrap();
            // A reset forgets them, and the flash has not become better.
            Spi::reset(&mut shared.0.borrow_mut().far);
            rest(&mut link);
            assert_eq!(infer(&mut link), Err(LinkError::NoWeights));
            link.load(&image).unwrap();
        }
        computes(link, case.model());
    }
}
