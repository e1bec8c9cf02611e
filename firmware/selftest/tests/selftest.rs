//! What a board tells, well or not, with the other side of the link in software.

use std::convert::Infallible;
use std::path::Path;

use bitfab_format::{Model, align};
use bitfab_link::protocol::{FLAG_LOADER, IDENTIFY, INFER, MISSING};
use bitfab_link::server::Server;
use bitfab_link::{Frame, Received, Request, Wire};
use bitfab_runtime::{Digests, Inference, Machine, ModelFile, digest, run};
use bitfab_selftest::{Health, SelfTest, build};

/// 37 bytes in, 11 scores out, two layers.
const MODEL: ModelFile = bitfab_runtime::model!("../../../tests/vectors/scores_1_moved.bfab");
const INPUT: usize = MODEL.input_bytes();
const ARENA: usize = MODEL.arena_words();
/// The longest frame is that of the result.
const FRAME: usize = 50;
const OTHER: ModelFile = bitfab_runtime::model!("../../../tests/vectors/scores_0_moved.bfab");

/// Two inputs, of which nothing comes that is alike.
const INPUTS: [[u8; INPUT]; 2] = {
    let (mut inputs, mut at) = ([[0; INPUT]; 2], 0);
    while at < INPUT {
        (inputs[0][at], inputs[1][at]) = ((at * 37) as u8, (at * at * 101) as u8);
        at += 1;
    }
    inputs
};

/// Their digests.
fn digests() -> [[u32; 2]; 2] {
    INPUTS.map(|input| {
        let mut digests = Digests::<2>::new();
        run(&MODEL.model().unwrap(), &input, &mut [0; ARENA], &mut digests).unwrap();
        digests.as_slice().try_into().unwrap()
    })
}

/// A wire to the product's server; after `wrong_from` requests a bit of each answer is wrong, with a checksum that fits.
/// The first `loading` inferences find no weights yet.
struct Served<I: Inference> {
    server: Option<Server<'static, I>>,
    requests: u32,
    command: u8,
    wrong_from: u32,
    loading: Option<u32>,
}

fn served(model: ModelFile, digests: &'static mut [u32], wrong_from: u32) -> Served<Machine<'static, 64>> {
    let machine = Machine::new(model.model().unwrap()).unwrap();
    let server = Server::new(machine, Box::leak(Box::new([0; 64])), digests).unwrap();
    Served { server: Some(server), requests: 0, command: 0, wrong_from, loading: None }
}

impl<I: Inference> Wire for Served<I> {
    type Error = Infallible;

    fn send(&mut self, request: &Request<'_>) -> Result<(), Infallible> {
        let Some(server) = &mut self.server else { return Ok(()) };
        self.requests += 1;
        server.begin();
        let bytes = request.parts().concat();
        self.command = bytes[0];
        bytes.iter().for_each(|byte| server.push(*byte));
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
        match (self.command, &mut self.loading) {
            (IDENTIFY, Some(_)) => answer[14] |= FLAG_LOADER,
            (INFER, Some(left @ 1..)) => {
                *left -= 1;
                answer = vec![MISSING, answer[1]];
            }
            _ => {}
        }
        answer.extend(bitfab_link::crc32(&[&answer]).to_le_bytes());
        answer.iter().for_each(|byte| frame.push(*byte));
        Ok(Received::Frame)
    }
}

/// A board.
fn board(digests: [[u32; 2]; 2], rounds: usize) -> SelfTest<2, ARENA, 11, FRAME> {
    let (inputs, digests) = (INPUTS.as_flattened(), &*Box::leak(Box::new(digests)));
    SelfTest { board: "laptop", model: MODEL, inputs, digests, rounds }
}

/// How a board is, and what is told.
fn told(digests: [[u32; 2]; 2], rounds: usize, wire: impl Wire<Error = Infallible>) -> (Health, String) {
    let mut out = String::new();
    (board(digests, rounds).check(wire, &mut out), out.replace("\r\n", "\n"))
}

/// Room for the digests of the other side.
fn room() -> &'static mut [u32] {
    Box::leak(Box::new([0; 2]))
}

/// What every program tells first.
fn greeting() -> String {
    format!("bitfab {} laptop model {:08x}\n", env!("CARGO_PKG_VERSION"), digest(MODEL.model().unwrap().words()))
}

#[test]
fn all_is_well_between_a_model_and_an_accelerator_of_it() {
    let number = digest(MODEL.model().unwrap().words());
    let begin =
        format!("{}self-test ok 2 inputs 4 digests\nlink 0 lanes 37 in 44 out model {number:08x}\n", greeting());
    let said = format!("{begin}link ok 10 equal no digests\n");
    assert_eq!(told(digests(), 5, served(MODEL, &mut [], u32::MAX)), (Health::Well, said));
    // With digests all layers are compared, and many rows are told of now and then.
    let said = format!("{begin}link 25\nlink ok 30 equal 60 digests\n");
    assert_eq!(told(digests(), 15, served(MODEL, room(), u32::MAX)), (Health::Well, said));
}

#[test]
fn an_accelerator_that_fetches_its_weights_is_waited_for_but_not_for_ever() {
    let loading = |left| Served { loading: Some(left), ..served(MODEL, room(), u32::MAX) };
    let (health, said) = told(digests(), 5, loading(50));
    assert!(health == Health::Well && said.ends_with("link ok 10 equal 20 digests\n"), "{said}");
    let (health, said) = told(digests(), 5, loading(1_000));
    assert!(health == Health::Alone && said.contains("has no weights"), "{said}");
}

#[test]
fn the_first_layer_that_differs_is_named() {
    let mut digests = digests();
    digests[1][1] ^= 0x100;
    let [expected, found] = [digests[1][1], digests[1][1] ^ 0x100];
    let (health, said) = told(digests, 5, served(MODEL, &mut [], u32::MAX));
    assert_eq!(health, Health::Ill);
    assert_eq!(said, format!("{}input 1 layer 1: {found:08x}, not {expected:08x}\n", greeting()));
}

#[test]
fn an_accelerator_that_is_missing_another_or_wrong_is_told() {
    let tests = "self-test ok 2 inputs 4 digests\n";
    let mut missing = served(MODEL, &mut [], u32::MAX);
    missing.server = None;
    for (wire, problem) in [
        (missing, "link: no answer"),
        (served(OTHER, &mut [], u32::MAX), "link: the other side holds model"),
        // One request asks who is there.
        (served(MODEL, &mut [], 4), "link: after 3 equal: output word 0"),
        // Of each inference the answer, then its digests.
        (served(MODEL, room(), 6), "link: after 2 equal: digest of layer 0"),
    ] {
        let (health, said) = told(digests(), 5, wire);
        println!("{said}");
        assert!(health == Health::Alone && said.starts_with(&greeting()) && said.contains(tests), "{said}");
        assert!(said.lines().last().unwrap().starts_with(problem), "{said}");
    }
}

#[test]
fn what_the_build_script_writes_is_what_the_model_needs() {
    let words = align(include_bytes!("../../../tests/vectors/scores_1_moved.bfab"));
    let model = Model::from_words(&words).unwrap();
    let rows = build::noise_rows(&model).unwrap();
    assert_eq!((rows.inputs.len(), rows.digests.len(), rows.rounds), (4 * INPUT, 4, 5));
    let text = build::rust("uno", ["there/model.bfab", "out/inputs.bin"].map(Path::new), &model, &rows);
    assert!(text.contains(&format!("SelfTest<2, {ARENA}, 11, {FRAME}>")) && text.contains("board: \"uno\""), "{text}");
    assert!(
        text.contains("model!(\"there/model.bfab\")") && text.contains("include_bytes!(\"out/inputs.bin\")"),
        "{text}"
    );
    assert!(text.contains(&format!("digests: &{:?}", rows.digests)), "{text}");
}

#[test]
fn rows_that_somebody_chose_must_be_of_the_model() {
    let words = align(include_bytes!("../../../tests/vectors/scores_1_moved.bfab"));
    let model = Model::from_words(&words).unwrap();
    let row =
        |(input, digests): (&[u8; INPUT], [u32; 2])| [&input[..], &digests.map(u32::to_le_bytes).concat()].concat();
    let mut file: Vec<u8> = INPUTS.iter().zip(digests()).flat_map(row).collect();
    let rows = build::chosen_rows(&model, &file).unwrap();
    assert_eq!((&*rows.inputs, rows.rounds), (INPUTS.as_flattened(), 1));
    assert_eq!(rows.digests, digests().map(|digests| digests.to_vec()));
    let refused = |file: &[u8]| build::chosen_rows(&model, file).unwrap_err().to_string();
    assert_eq!(refused(&[]), "the inputs: 0 bytes are no rows of 45");
    assert_eq!(refused(&file[1..]), "the inputs: 89 bytes are no rows of 45");
    assert!(digests()[0] != digests()[1]);
    file[89] ^= 1;
    assert!(refused(&file).starts_with("the inputs are of another model"));
}
