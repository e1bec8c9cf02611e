//! Images on a core of Unicorn, among registers as data sheets describe them (`cosim/chips.py`), with an accelerator in
//! software at their SPI, and a laptop at their UART.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use bitfab_format::{Model, align, digest};
use bitfab_link::protocol::{SPI_READ, SPI_REQUEST, STATE_IDLE, STATE_READY};
use bitfab_link::server::Server;
use bitfab_runtime::Machine;
use bitfab_sim::qemu::Chip;

use crate::{MODEL, greeting, served};

/// What a transaction does, once its first byte is there.
#[derive(Clone, Copy, PartialEq)]
enum Transaction {
    Begins,
    Requests,
    Reads,
}

/// The product's server behind the pins of SPI, as PROTOCOL.md says; a bit of each byte of an answer may be wrong.
struct Accelerator<'b> {
    server: Server<'b, Machine<'b, 256>>,
    transaction: Transaction,
    at: usize,
    damage: u8,
}

impl Accelerator<'_> {
    /// The byte that goes out while this one comes in.
    fn exchange(&mut self, byte: u8) -> u8 {
        match self.transaction {
            Transaction::Begins => {
                let state = if self.server.answer().is_empty() { STATE_IDLE } else { STATE_READY };
                match byte {
                    SPI_REQUEST => {
                        self.server.begin();
                        self.transaction = Transaction::Requests;
                    }
                    SPI_READ => self.transaction = Transaction::Reads,
                    _ => panic!("{byte:#x} begins no transaction: chip select or clock are wrong"),
                }
                state
            }
            Transaction::Requests => {
                self.server.push(byte);
                0
            }
            Transaction::Reads => {
                self.at += 1;
                self.server.answer().get(self.at - 1).copied().unwrap_or_default() ^ self.damage
            }
        }
    }

    /// The chip select goes high.
    fn end(&mut self) {
        match self.transaction {
            Transaction::Requests => self.server.end(),
            Transaction::Reads if self.at > 0 => self.server.begin(),
            _ => {}
        }
        (self.transaction, self.at) = (Transaction::Begins, 0);
    }

    /// Answers until the program ends.
    fn serve(&mut self, mut happens: ChildStdout, mut back: ChildStdin) {
        let mut byte = [0];
        while happens.read_exact(&mut byte).is_ok() {
            match byte {
                [0] => assert!(self.transaction == Transaction::Begins, "two transactions at once"),
                [1] => self.end(),
                _ => {
                    happens.read_exact(&mut byte).unwrap();
                    // Where the program has ended nobody reads.
                    let _ = back.write_all(&[self.exchange(byte[0])]);
                }
            }
        }
    }
}

/// The Python that `tests/run` installs Unicorn for.
fn python() -> PathBuf {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/venv");
    let python = std::env::var_os("BITFAB_VENV").map_or(default, PathBuf::from).join("bin/python");
    assert!(python.is_file(), "{} is missing: install Unicorn by tests/run --install", python.display());
    python
}

/// What a board tells, beside an accelerator that was built from this file; then somebody may ask it at its serial port.
fn told(chip: Chip, file: &[u8], damage: u8, ask: Option<fn(&str)>) -> String {
    let words = align(file);
    let machine = Machine::new(Model::from_words(&words).unwrap()).unwrap();
    let (mut frame, mut digests) = ([0; 512], [0; 255]);
    let layers = machine.model().layer_count();
    let server = Server::new(machine, &mut frame, &mut digests[..layers]).unwrap();
    let mut boot = Command::new(python());
    boot.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("cosim/boot.py"))
        .arg(chip.name)
        .arg(chip.build(None, None).unwrap())
        .args(ask.map(|_| "asked"));
    // Python keeps what it compiled elsewhere than in the repository: nowhere.
    boot.env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut boot = boot.spawn().unwrap();
    let mut accelerator = Accelerator { server, transaction: Transaction::Begins, at: 0, damage };
    let (happens, back) = (boot.stdout.take().unwrap(), boot.stdin.take().unwrap());
    let mut lines = BufReader::new(boot.stderr.take().unwrap()).lines().map_while(Result::ok);
    let mut said = String::new();
    std::thread::scope(|scope| {
        scope.spawn(|| accelerator.serve(happens, back));
        let path = ask.map(|_| lines.next().unwrap());
        for line in lines {
            said += line.trim_end();
            said += "\n";
            if let Some((ask, path)) = ask.zip(path.as_ref()).filter(|_| line.starts_with("link ok")) {
                ask(path);
                boot.kill().unwrap();
            }
        }
    });
    boot.wait().unwrap();
    println!("{said}");
    said
}

#[test]
fn boards_test_themselves_agree_with_an_accelerator_and_answer_a_laptop() {
    for chip in Chip::ALL.into_iter().filter(|chip| *chip != Chip::PICO) {
        let number = digest(&align(MODEL));
        let linked = format!("link 0 lanes 225 in 8 out model {number:08x}\nlink ok 20 equal 60 digests\n");
        assert_eq!(
            told(chip, MODEL, 0, Some(served::ask)),
            greeting(chip.name) + "self-test ok 4 inputs 12 digests\n" + &linked
        );
    }
}

#[test]
fn an_accelerator_of_another_model_or_a_bad_wire_is_told() {
    let other = include_bytes!("../../../tests/vectors/dense.bfab");
    let said = told(Chip::NRF52840, other, 0, None);
    let refused = format!("link: the other side holds model {:08x}, not ", digest(&align(other)));
    assert!(said.contains("self-test ok") && said.contains(&refused), "{said}");
    let said = told(Chip::ESP32C3, MODEL, 4, None);
    assert!(said.contains("self-test ok") && said.contains("link: no whole answer in 8 tries"), "{said}");
}
