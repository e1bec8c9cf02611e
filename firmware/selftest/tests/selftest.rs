//! What a board tells, well or not, with the other side of the link in software.

use std::convert::Infallible;
use std::path::Path;

use bitfab_format::{Model, align};
use bitfab_link::server::Server;
use bitfab_link::{Frame, Received, Request, Wire};
use bitfab_runtime::{Digests, Inference, Machine, ModelFile, digest, run};
use bitfab_selftest::SelfTest;

/// 37 bytes in, 11 scores out, two layers.
const MODEL: ModelFile = bitfab_runtime::model!("../../../tests/vectors/scores_1_moved.bfab");
const INPUT: usize = MODEL.input_bytes();
const ARENA: usize = MODEL.arena_words();
const OTHER: ModelFile = bitfab_runtime::model!("../../../tests/vectors/scores_0_moved.bfab");

type Row = ([u8; INPUT], [u32; 2]);

/// Two inputs with their digests.
fn rows() -> [Row; 2] {
    [[3; INPUT], [200; INPUT]].map(|input| {
        let mut digests = Digests::<2>::new();
        run(&MODEL.model().unwrap(), &input, &mut [0; ARENA], &mut digests).unwrap();
        (input, digests.as_slice().try_into().unwrap())
    })
}

/// A wire to the product's server; after `wrong_from` requests a bit of each answer is wrong, with a checksum that fits.
struct Served<I: Inference> {
    server: Option<Server<'static, I>>,
    requests: u32,
    wrong_from: u32,
}

fn served(model: ModelFile, wrong_from: u32) -> Served<Machine<'static, 64>> {
    let machine = Machine::new(model.model().unwrap()).unwrap();
    let server = Server::new(machine, Box::leak(Box::new([0; 64])), &mut []).unwrap();
    Served { server: Some(server), requests: 0, wrong_from }
}

impl<I: Inference> Wire for Served<I> {
    type Error = Infallible;

    fn send(&mut self, request: &Request<'_>) -> Result<(), Infallible> {
        let Some(server) = &mut self.server else { return Ok(()) };
        self.requests += 1;
        server.begin();
        request.parts().concat().iter().for_each(|byte| server.push(*byte));
        server.end();
        Ok(())
    }

    fn receive(&mut self, frame: &mut Frame<'_>) -> Result<Received, Infallible> {
        frame.clear();
        let Some(server) = &mut self.server else { return Ok(Received::Silence) };
        let (answer, _) = server.answer().split_last_chunk::<4>().unwrap();
        let mut answer = answer.to_vec();
        if self.requests > self.wrong_from {
            answer[2] ^= 1;
        }
        answer.extend(bitfab_link::crc32(&[&answer]).to_le_bytes());
        answer.iter().for_each(|byte| frame.push(*byte));
        Ok(Received::Frame)
    }
}

/// Whether all is well, and what is told.
fn told(rows: &'static [Row], wire: impl Wire<Error = Infallible>) -> (bool, String) {
    let mut out = String::new();
    let is_well = SelfTest::<INPUT, 2, ARENA, 11> { board: "laptop", model: MODEL, rows }.is_well(wire, &mut out);
    (is_well, out.replace("\r\n", "\n"))
}

/// What every program tells first.
fn greeting() -> String {
    format!("bitfab {} laptop model {:08x}\n", env!("CARGO_PKG_VERSION"), digest(MODEL.model().unwrap().words()))
}

#[test]
fn all_is_well_between_a_model_and_an_accelerator_of_it() {
    let number = digest(MODEL.model().unwrap().words());
    let said = format!(
        "{}self-test ok 2 inputs 4 digests\nlink 0 lanes 37 in 44 out model {number:08x}\nlink ok 10 equal\n",
        greeting()
    );
    assert_eq!(told(Box::leak(Box::new(rows())), served(MODEL, u32::MAX)), (true, said));
}

#[test]
fn the_first_layer_that_differs_is_named() {
    let mut rows = rows();
    rows[1].1[1] ^= 0x100;
    let [expected, found] = [rows[1].1[1], rows[1].1[1] ^ 0x100];
    let (is_well, said) = told(Box::leak(Box::new(rows)), served(MODEL, u32::MAX));
    assert!(!is_well);
    assert_eq!(said, format!("{}input 1 layer 1: {found:08x}, not {expected:08x}\n", greeting()));
}

#[test]
fn an_accelerator_that_is_missing_another_or_wrong_is_told() {
    let rows = Box::leak(Box::new(rows()));
    let tests = "self-test ok 2 inputs 4 digests\n";
    let mut missing = served(MODEL, u32::MAX);
    missing.server = None;
    for (wire, problem) in [
        (missing, "link: no answer"),
        (served(OTHER, u32::MAX), "link: the other side holds model"),
        // One request asks who is there.
        (served(MODEL, 4), "link: after 3 equal: "),
    ] {
        let (is_well, said) = told(rows, wire);
        println!("{said}");
        assert!(!is_well && said.starts_with(&greeting()) && said.contains(tests), "{said}");
        assert!(said.lines().last().unwrap().starts_with(problem), "{said}");
    }
}

#[test]
fn what_the_build_script_writes_is_what_the_model_needs() {
    let path = Path::new("there/model.bfab");
    let words = align(include_bytes!("../../../tests/vectors/scores_1_moved.bfab"));
    let model = Model::from_words(&words).unwrap();
    let text = bitfab_selftest::build::rust("uno", path, &model).unwrap();
    assert!(text.contains(&format!("SelfTest<{INPUT}, 2, {ARENA}, 11>")), "{text}");
    assert!(text.contains("board: \"uno\"") && text.contains("bitfab_runtime::model!(\"there/model.bfab\")"), "{text}");
    let (_, rows) = text.split_once("rows: &[").unwrap();
    assert_eq!(rows.matches("([").count(), 4, "{text}");
}
