//! What is refused, by whom, and before anything is sent.

use std::collections::VecDeque;
use std::convert::Infallible;

use bitfab_link::protocol::{CORRUPT, MISSING, OK, UNKNOWN};
use bitfab_link::server::{Server, ServerError};
use bitfab_link::{Accelerator, Frame, Identity, Link, LinkError, Received, Request, Wire, crc32};
use bitfab_runtime::{Inference, Model, Output, RunError, digest};

use crate::{INPUT, LAYERS, MODEL, Software, WORDS, machine};

/// A wire that gives answers from a list: status, number less that of the request, payload.
#[derive(Default)]
struct Script {
    answers: VecDeque<(u8, u8, Vec<u8>)>,
    sent: Vec<Vec<u8>>,
}

impl Script {
    fn of(answers: &[(u8, &[u8])]) -> Self {
        let answers = answers.iter().map(|(status, payload)| (*status, 0, payload.to_vec()));
        Self { answers: answers.collect(), sent: Vec::new() }
    }
}

impl Wire for Script {
    type Error = Infallible;

    fn send(&mut self, request: &Request<'_>) -> Result<(), Infallible> {
        self.sent.push(request.parts().concat());
        Ok(())
    }

    fn receive(&mut self, frame: &mut Frame<'_>) -> Result<Received, Infallible> {
        let Some((status, behind, payload)) = self.answers.pop_front() else { return Ok(Received::Silence) };
        let head = [status, self.sent.last().unwrap()[1].wrapping_sub(behind)];
        let tail = crc32(&[&head, &payload]).to_le_bytes();
        [&head[..], &payload, &tail].concat().into_iter().for_each(|byte| frame.push(byte));
        Ok(Received::Frame)
    }
}

/// Who answers with the model of these tests.
fn identity() -> Identity {
    Identity {
        version: 1,
        lanes: 8,
        input: INPUT as u16,
        output: WORDS as u16 * 4,
        kilohertz: 12_000,
        model: digest(MODEL.words()),
        flags: 1,
        layers: LAYERS as u8,
    }
}

fn connected(identity: Identity, answers: &[(u8, &[u8])]) -> Link<Script> {
    let mut link = Link::new(Script::of(&[(OK, &identity.to_bytes())]));
    link.connect(identity.model).unwrap();
    assert_eq!(link.identity(), Some(&identity));
    link.wire.answers = Script::of(answers).answers;
    link
}

fn accelerator(identity: Identity) -> Result<Accelerator<'static, Script, WORDS>, LinkError<Infallible>> {
    Accelerator::new(Link::new(Script::of(&[(OK, &identity.to_bytes())])), MODEL.model().unwrap())
}

#[test]
fn another_model_version_or_shape_is_refused_before_the_first_inference() {
    let right = identity();
    assert!(accelerator(right).is_ok());
    let refused = |identity| accelerator(identity).err();
    assert_eq!(refused(Identity { version: 2, ..right }), Some(LinkError::WrongVersion { found: 2 }));
    let expected = right.model;
    let wrong = LinkError::WrongModel { expected, found: expected ^ 1 };
    assert_eq!(refused(Identity { model: expected ^ 1, ..right }), Some(wrong));
    let shapes = [
        Identity { input: right.input + 1, ..right },
        Identity { output: right.output - 4, ..right },
        Identity { layers: right.layers + 1, ..right },
    ];
    for identity in shapes {
        let Identity { input, output, layers, .. } = identity;
        assert_eq!(refused(identity), Some(LinkError::WrongShape { input, output, layers }));
    }
    let link = Link::new(Script::of(&[(OK, &right.to_bytes())]));
    let small = Accelerator::<_, { WORDS - 1 }>::new(link, MODEL.model().unwrap()).err();
    assert_eq!(small, Some(LinkError::WrongOutput { expected: WORDS * 4, found: WORDS * 4 - 4 }));
}

#[test]
fn what_the_caller_does_wrong_is_said_and_not_sent() {
    let mut link = Link::new(Script::default());
    assert_eq!(link.infer(&[], &mut []), Err(LinkError::NotConnected));
    assert_eq!(link.digests(&mut []), Err(LinkError::NotConnected));
    let mut link = connected(identity(), &[]);
    let (short, room) = (INPUT - 1, WORDS * 4);
    let refused = link.infer(&[0; INPUT - 1], &mut [0; WORDS * 4]);
    assert_eq!(refused, Err(LinkError::WrongInput { expected: INPUT, found: short }));
    let refused = link.infer(&[0; INPUT], &mut [0; WORDS * 4 + 4]);
    assert_eq!(refused, Err(LinkError::WrongOutput { expected: room, found: room + 4 }));
    let refused = link.digests(&mut [0; LAYERS * 4 - 4]);
    assert_eq!(refused, Err(LinkError::WrongDigests { expected: LAYERS, found: LAYERS - 1 }));
    let mut link = connected(Identity { flags: 0, ..identity() }, &[]);
    assert_eq!(link.digests(&mut [0; LAYERS * 4]), Err(LinkError::NoDigests));
    assert_eq!(link.wire.sent.len(), 1, "only the identity was asked for");
    // After another one answered nobody is connected.
    let other = Identity { model: 1, ..identity() };
    link.wire.answers = Script::of(&[(OK, &other.to_bytes())]).answers;
    link.connect(identity().model).unwrap_err();
    assert_eq!(link.infer(&[0; INPUT], &mut [0; WORDS * 4]), Err(LinkError::NotConnected));
}

#[test]
fn an_image_is_sent_where_it_is_whole_and_wanted() {
    let (words, loader) = ([1_u8, 2, 3, 4], Identity { flags: 2, ..identity() });
    let image = [&words[..], &crc32(&[&words]).to_le_bytes()].concat();
    let load = |identity, status| connected(identity, &[(status, &[])]).load(&image);
    assert_eq!(load(loader, OK), Ok(()));
    assert_eq!(load(loader, MISSING), Err(LinkError::NoWeights), "of other weights");
    assert_eq!(load(identity(), OK), Err(LinkError::UnknownCommand { command: 0x15 }));
    let mut link = connected(loader, &[(OK, &[])]);
    for damaged in [&image[1..], &image[..7], &[0, 0, 0, 0, 0]] {
        assert_eq!(link.load(damaged), Err(LinkError::NoWeights), "damaged");
    }
    assert_eq!(link.wire.sent.len(), 1, "only the identity was asked for");
    link.load(&image).unwrap();
    assert_eq!(link.wire.sent[1][2..10], image);
}

#[test]
fn statuses_become_errors_at_once() {
    let infer = |status| connected(identity(), &[(status, &[])]).infer(&[0; INPUT], &mut [0; WORDS * 4]);
    assert_eq!(infer(MISSING), Err(LinkError::NoWeights));
    assert_eq!(infer(UNKNOWN), Err(LinkError::UnknownCommand { command: 0x12 }));
    let digests = |status| connected(identity(), &[(status, &[])]).digests(&mut [0; LAYERS * 4]);
    assert_eq!(digests(MISSING), Err(LinkError::NoInference));
    assert_eq!(digests(UNKNOWN), Err(LinkError::NoDigests));
    // A1, a status that nobody knows, A0 without its payload: asked again, at most so often.
    for status in [CORRUPT, 0xA7, OK] {
        let mut link = connected(identity(), &[(status, &[][..]); 40]);
        link.session.tries = 3;
        assert_eq!(link.infer(&[0; INPUT], &mut [0; WORDS * 4]), Err(LinkError::Corrupt { tries: 3 }), "{status:x}");
        assert_eq!((link.session.counts.requests, link.session.counts.retries), (4, 2));
        // After A1 no other answer is awaited.
        assert_eq!(link.wire.answers.len(), 40 - if status == CORRUPT { 3 } else { 12 }, "{status:x}");
    }
}

#[test]
fn an_answer_to_an_earlier_request_does_not_count() {
    let answer: Vec<u8> = (0..WORDS as u8 * 4).collect();
    let mut link = connected(identity(), &[]);
    link.wire.answers = VecDeque::from([(OK, 1, vec![9; WORDS * 4]), (UNKNOWN, 2, vec![]), (OK, 0, answer.clone())]);
    let mut output = [0; WORDS * 4];
    link.infer(&[0; INPUT], &mut output).unwrap();
    assert_eq!(output, *answer);
    assert_eq!((link.session.counts.requests, link.session.counts.corrupt), (2, 2));
}

#[test]
fn a_reset_between_an_inference_and_its_digests_is_made_good() {
    let (words, digests) = ([7; WORDS * 4], [5; LAYERS * 4]);
    let answers: [(u8, &[u8]); 4] = [(OK, &words), (MISSING, &[]), (OK, &words), (OK, &digests)];
    let mut engine = accelerator(identity()).unwrap();
    engine.wire_mut().answers = Script::of(&answers).answers;
    let mut found = [0; LAYERS];
    engine.infer(&[0; INPUT], &mut found).unwrap();
    assert_eq!(found, [0x0505_0505; LAYERS]);
    let again: Vec<(u8, &[u8])> = (0..20).flat_map(|_| [(OK, &words[..]), (MISSING, &[][..])]).collect();
    engine.wire_mut().answers = Script::of(&again).answers;
    engine.session_mut().tries = 3;
    assert_eq!(engine.infer(&[0; INPUT], &mut found).unwrap_err(), LinkError::NoInference);
}

#[test]
fn a_server_refuses_what_it_has_no_room_for() {
    let need = INPUT.max(WORDS * 4) + 6;
    let refused = |frame: usize, digests: usize| {
        Server::new(machine(), &mut vec![0; frame], &mut vec![0; digests]).map(|_| ()).err()
    };
    assert_eq!(refused(need, 0), None);
    assert_eq!(refused(need - 1, 0), Some(ServerError::BufferTooSmall { need }));
    assert_eq!(refused(need, LAYERS), None);
    assert_eq!(refused(need, LAYERS - 1), Some(ServerError::WrongDigests { expected: LAYERS }));
}

/// An engine whose every second inference fails.
struct Failing(Software, bool);

impl Inference for Failing {
    type Error = RunError;

    fn model(&self) -> &Model<'_> {
        Inference::model(&self.0)
    }

    fn infer(&mut self, input: &[u8], digests: &mut [u32]) -> Result<Output<'_>, RunError> {
        self.1 = !self.1;
        if self.1 { self.0.infer(input, digests) } else { Err(RunError::Digests { need: 9 }) }
    }
}

/// The status of the answer to a request.
fn status(server: &mut Server<'_, Failing>, command: u8, payload: &[u8]) -> u8 {
    let head = [command, 1];
    let tail = crc32(&[&head, payload]).to_le_bytes();
    server.begin();
    [&head[..], payload, &tail].concat().into_iter().for_each(|byte| server.push(byte));
    server.end();
    assert_eq!(server.answer()[1], 1);
    server.answer()[0]
}

#[test]
fn a_server_never_answers_for_an_engine_that_failed() {
    let (mut frame, mut digests) = ([0; 64], [0; LAYERS]);
    let mut server = Server::new(Failing(machine(), false), &mut frame, &mut digests).unwrap();
    assert_eq!(status(&mut server, 0x14, &[]), MISSING, "no inference yet");
    assert_eq!(status(&mut server, 0x12, &[0; INPUT]), OK);
    assert_eq!(status(&mut server, 0x14, &[]), OK);
    assert_eq!(status(&mut server, 0x12, &[0; INPUT]), MISSING, "the engine failed");
    assert_eq!(server.take_failure(), Some(RunError::Digests { need: 9 }));
    assert_eq!(status(&mut server, 0x14, &[]), MISSING, "digests of a failed inference");
    assert_eq!(status(&mut server, 0x12, &[0; INPUT - 1]), CORRUPT);
    assert_eq!(status(&mut server, 0x12, &[0; 100]), CORRUPT, "longer than the room");
    assert_eq!(status(&mut server, 0x22, &[0; INPUT]), UNKNOWN, "another version");
    assert_eq!(status(&mut server, 0x13, &[0]), CORRUPT);
}

#[test]
fn errors_say_what_to_do() {
    let said = |error: LinkError<Infallible>| error.to_string();
    assert!(said(LinkError::Silent { tries: 8 }).contains("in 8 tries: is the FPGA configured"));
    assert!(said(LinkError::Corrupt { tries: 8 }).contains("slower clock or shorter wires"));
    assert!(said(LinkError::WrongModel { expected: 0xCAFE, found: 1 }).contains("00000001, not 0000cafe"));
    assert!(said(LinkError::NoWeights).contains("flash"));
    assert_eq!(LinkError::Bus(7).to_string(), "the bus failed: 7");
}
