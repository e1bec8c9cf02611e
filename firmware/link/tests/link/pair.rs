//! An accelerator and software that check each other, over faulty wires.

use std::num::NonZeroU32;

use bitfab_format::arbitrary::Random;
use bitfab_link::server::Server;
use bitfab_link::{Accelerator, LinkError, SpiWire};
use bitfab_runtime::{CheckError, Checked, Inference, Mismatch, Model, Output, RunError};

use crate::chip::{Chip, Far, Planted};
use crate::over_spi::OverSpi;
use crate::served::{Served, server};
use crate::wires::line::{Rates, Shared, SpiClock};
use crate::{INPUT, LAYERS, MODEL, PATIENT, Software, WORDS, link, machine};

type Wire<F> = SpiWire<Shared<OverSpi<F>>, SpiClock<OverSpi<F>>>;

/// An accelerator that is connected, and the line to it.
fn accelerator<F: Far>(far: F) -> (Accelerator<'static, Wire<F>, WORDS>, Shared<OverSpi<F>>) {
    let shared = Shared::new(OverSpi::new(far), 5);
    let wire = SpiWire::new(shared.clone(), SpiClock(shared.clone()), PATIENT);
    let Ok(accelerator) = Accelerator::new(link(wire, 16), MODEL.model().unwrap()) else {
        panic!("a sound wire connects")
    };
    (accelerator, shared)
}

fn inputs(count: usize) -> impl Iterator<Item = [u8; INPUT]> {
    let mut random = Random::new(11);
    (0..count).map(move |_| std::array::from_fn(|_| random.word() as u8))
}

#[test]
fn every_layer_agrees_over_a_faulty_wire() {
    let (accelerator, shared) = accelerator(Served::of(server(), 20));
    assert!(accelerator.link().identity().is_some_and(|identity| identity.has_digests() && identity.is_software()));
    let mut pair = Checked::<_, _, LAYERS>::new(accelerator, machine(), NonZeroU32::MIN).unwrap();
    shared.set(Rates::all(1_000));
    for input in inputs(2_000) {
        let mut digests = [0; LAYERS];
        let output = pair.infer(&input, &mut digests).map(|output| output.words().to_vec());
        let mut own = [0; LAYERS];
        let expected = machine().infer(&input, &mut own).unwrap().words().to_vec();
        assert_eq!((output, digests), (Ok(expected), own));
    }
    assert!(shared.0.borrow().line.resets > 20);
}

#[test]
fn a_chip_without_digests_is_checked_by_its_outputs() {
    let (accelerator, shared) = accelerator(Chip::new(None));
    let mut pair = Checked::<_, _, 0>::new(accelerator, machine(), NonZeroU32::MIN).unwrap();
    shared.set(Rates::all(1_000));
    for input in inputs(500) {
        pair.infer(&input, &mut []).unwrap();
    }
    let asked = pair.infer(&[0; INPUT], &mut [0; LAYERS]);
    assert_eq!(asked.unwrap_err(), CheckError::First(LinkError::NoDigests));
}

#[test]
fn a_chip_with_a_mistake_is_caught_by_the_pair() {
    let (accelerator, shared) = accelerator(Chip::new(Some(Planted::DamagedNotDropped)));
    let mut pair = Checked::<_, _, 0>::new(accelerator, machine(), NonZeroU32::MIN).unwrap();
    shared.set(Rates::all(1_000));
    let caught = inputs(200).filter(|input| {
        let end = pair.infer(input, &mut []).map(|_| ());
        matches!(end, Err(CheckError::Mismatch(Mismatch::Word { .. })))
    });
    assert!(caught.count() > 20);
}

/// Software whose last layer has another digest than its output says.
struct Faulty(Software);

impl Inference for Faulty {
    type Error = RunError;

    fn model(&self) -> &Model<'_> {
        Inference::model(&self.0)
    }

    fn infer(&mut self, input: &[u8], digests: &mut [u32]) -> Result<Output<'_>, RunError> {
        let output = self.0.infer(input, digests)?;
        digests[LAYERS - 1] ^= 1;
        Ok(output)
    }
}

#[test]
fn the_first_layer_that_differs_is_named() {
    let server = Server::new(Faulty(machine()), Box::leak(Box::new([0; 64])), Box::leak(Box::new([0; LAYERS])));
    let (accelerator, _) = accelerator(Served::of(server.unwrap(), 0));
    let mut pair = Checked::<_, _, LAYERS>::new(accelerator, machine(), NonZeroU32::MIN).unwrap();
    let error = pair.infer(&[0; INPUT], &mut []).unwrap_err();
    let CheckError::Mismatch(Mismatch::Layer { layer, first, second }) = error else { panic!("{error:?}") };
    assert_eq!((usize::from(layer), first), (LAYERS - 1, second ^ 1));
}
