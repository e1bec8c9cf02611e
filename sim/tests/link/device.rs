//! `Device` at a pseudo-terminal: behind it the circuit of a chip with a UART, or software that serves a model.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};

use bitfab_link::server::{Server, Slip};
use bitfab_runtime::Machine;
use bitfab_sim::Engine;
use bitfab_sim::device::Device;
use bitfab_sim::software::Reference;
use bitfab_sim::verify::verify;
use embedded_hal::delay::DelayNs;
use embedded_hal_nb::serial::{Read as UartRead, Write as UartWrite};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::case::{Case, cases};

/// A terminal's own end, which does not wait for bytes, and the path of the other one.
fn terminal() -> (File, String) {
    let master: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let path = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    rustix::io::ioctl_fionbio(&master, true).unwrap();
    (File::from(master), path)
}

/// What stands at the other end until the test is over: takes bytes, gives bytes.
fn serve(mut end: File, is_over: &AtomicBool, mut work: impl FnMut(Option<u8>) -> Option<u8>) {
    let mut bytes = [0];
    while !is_over.load(Ordering::Relaxed) {
        std::thread::yield_now();
        let came = matches!(end.read(&mut bytes), Ok(1)).then_some(bytes[0]);
        if let Some(byte) = work(came) {
            while end.write_all(&[byte]).is_err() && !is_over.load(Ordering::Relaxed) {}
        }
    }
}

/// Compares a few rows through the device with the reference, while something serves.
fn check(case: &Case, inputs: &[Vec<u8>], serve: impl FnOnce(File, &AtomicBool) + Send) -> Result<(), String> {
    let model = case.model();
    let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    let expected = Reference.run(&model, &inputs, &mut |_| {}).unwrap();
    let (end, path) = terminal();
    // A port that nobody has open hangs up; one that became the terminal of this process would end it.
    let _open = rustix::fs::open(&path, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| serve(end, &is_over));
        let mut device = Device { path: path.clone(), baud: 115_200 };
        let verdict = verify(&model, &inputs, &expected, &mut device, &mut |_| {});
        is_over.store(true, Ordering::Relaxed);
        let verdict = verdict.map_err(|error| error.to_string())?;
        assert!(verdict.agrees() && verdict.tensors == inputs.len() * model.layer_count(), "{verdict:?}");
        Ok(())
    })
}

fn inputs(case: &Case, count: usize) -> Vec<Vec<u8>> {
    let mut random = bitfab_format::arbitrary::Random::new(7);
    (0..count).map(|_| (0..case.program.input_bytes).map(|_| random.bits() as u8).collect()).collect()
}

/// Serves the model of `case` in software.
fn software(case: &Case, room: usize) -> impl FnOnce(File, &AtomicBool) + Send + use<'_> {
    move |end, is_over| {
        let model = case.model();
        let (mut frame, mut digests) = (vec![0; 1 << 16], vec![0; room]);
        let machine = Machine::<{ 1 << 14 }>::new(model).unwrap();
        let mut slip = Slip::new(Server::new(machine, &mut frame, &mut digests).unwrap());
        serve(end, is_over, |came| {
            came.into_iter().for_each(|byte| slip.push(byte));
            slip.pull()
        });
    }
}

#[test]
fn a_microcontroller_that_serves_is_compared_layer_by_layer() {
    for case in &cases() {
        check(case, &inputs(case, 5), software(case, case.model().layer_count())).unwrap();
    }
}

#[test]
fn a_chip_behind_a_serial_port_is_compared_layer_by_layer() {
    let case = cases().swap_remove(5);
    check(&case, &inputs(&case, 5), |end, is_over| {
        let mut uart = case.uart_host();
        let mut waits = VecDeque::new();
        serve(end, is_over, |came| {
            waits.extend(came);
            if waits.front().is_some_and(|byte| uart.write(*byte).is_ok()) {
                waits.pop_front();
            }
            uart.delay_us(5);
            uart.read().ok()
        });
    })
    .unwrap();
}

#[test]
fn a_board_that_is_another_or_keeps_no_digests_is_refused() {
    let [case, other] = [5, 3].map(|at| cases().swap_remove(at));
    let error = check(&case, &inputs(&case, 1), software(&case, 0)).unwrap_err();
    assert!(error.contains("keeps no digests") && error.contains("--digests"), "{error}");
    let error = check(&case, &inputs(&case, 1), software(&other, other.model().layer_count())).unwrap_err();
    assert!(error.contains("model"), "{error}");
    let mut device = Device { path: "/dev/none".into(), baud: 115_200 };
    let error = device.run(&case.model(), &[], &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("opening the serial port /dev/none"), "{error}");
}
