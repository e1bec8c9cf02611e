//! The chip behind its pins: what it answers over SPI and UART, when frames are whole and when they are not.

use std::collections::VecDeque;
use std::sync::Arc;

use bitfab_format::arbitrary::{self, Plan, Random};
use bitfab_format::{Kind, Model, Op, Shape, Tensor};
use bitfab_hdl::{
    CycleMachine, HdlError, Link, Options, Program, SequencedEngine, SpiChip, Stimulus, StreamByte, Style, UartChip,
    Weights, Wire, chip, identity,
};
use bitfab_link::Identity;

const IDLE: u8 = 0x1d;
const BUSY: u8 = 0xb5;
const READY: u8 = 0xd1;
const KILOHERTZ: u32 = 12_000;
const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);

/// A host that sends frames and reads answers.
trait Host {
    /// Sends the bytes of a request.
    fn send(&mut self, frame: &[u8]);
    /// The answer, as soon as there is one.
    fn answer(&mut self) -> Option<Vec<u8>>;
}

/// Clocks of half a bit of SPI.
const HALF: usize = 4;

struct Spi {
    chip: SpiChip,
    /// Bytes of an answer to `INFER`.
    longest: usize,
}

impl Spi {
    fn transact(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut step = |pins: [bool; 3], clocks: usize| {
            (0..clocks).fold(false, |_, _| self.chip.step(pins).expect("wires that settle")[0])
        };
        step([false, false, false], 2 * HALF);
        let mut bit = |out: bool| {
            step([false, false, out], HALF);
            // The host samples at the rising edge.
            let miso = step([true, false, out], 1);
            step([true, false, out], HALF - 1);
            miso
        };
        let byte = |out: &u8| (0..8).rev().fold(0, |byte, at| byte << 1 | u8::from(bit(out >> at & 1 == 1)));
        let came = bytes.iter().map(byte).collect();
        step([false, true, false], 2 * HALF);
        came
    }

    fn state(&mut self) -> u8 {
        self.transact(&[0])[0]
    }
}

impl Host for Spi {
    fn send(&mut self, frame: &[u8]) {
        self.transact(&[&[0x57], frame].concat());
    }

    fn answer(&mut self) -> Option<Vec<u8>> {
        let state = (0..1000).map(|_| self.state()).find(|state| *state != BUSY)?;
        (state == READY).then(|| {
            let mut request = vec![0; self.longest + 1];
            request[0] = 0x52;
            let came = self.transact(&request);
            assert_eq!(came[0], READY);
            came[1..].to_vec()
        })
    }
}

const DIVISOR: u32 = 9;

struct Uart {
    chip: UartChip,
    line: VecDeque<bool>,
    shift: Option<(u32, Vec<bool>)>,
    came: Vec<u8>,
}

impl Uart {
    fn new(chip: UartChip) -> Self {
        Self { chip, line: VecDeque::new(), shift: None, came: Vec::new() }
    }

    fn put(&mut self, byte: u8) {
        let bits = std::iter::once(false).chain((0..8).map(|at| byte >> at & 1 == 1)).chain([true]);
        self.line.extend(bits.flat_map(|bit| std::iter::repeat_n(bit, DIVISOR as usize)));
    }

    fn step(&mut self) {
        let level = self.chip.step(self.line.pop_front().unwrap_or(true)).expect("wires that settle")[0];
        match &mut self.shift {
            None if !level => self.shift = Some((DIVISOR / 2, Vec::new())),
            None => {}
            Some((0, bits)) if bits.len() == 9 => {
                assert!(level && !bits[0], "a start bit and a stop bit");
                let byte = bits[1..].iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
                self.came.push(byte);
                self.shift = None;
            }
            Some((left @ 0, bits)) => {
                bits.push(level);
                *left = DIVISOR - 1;
            }
            Some((left, _)) => *left -= 1,
        }
    }
}

impl Host for Uart {
    fn send(&mut self, frame: &[u8]) {
        self.came.clear();
        self.put(0xc0);
        for byte in frame {
            match byte {
                0xc0 => [0xdb, 0xdc].into_iter().for_each(|byte| self.put(byte)),
                0xdb => [0xdb, 0xdd].into_iter().for_each(|byte| self.put(byte)),
                byte => self.put(*byte),
            }
        }
        self.put(0xc0);
    }

    fn answer(&mut self) -> Option<Vec<u8>> {
        for _ in 0..1_000_000 {
            self.step();
            // An answer that was cancelled, or an empty frame, may come first.
            let mut frames = self.came.split(|byte| *byte == 0xc0).filter(|frame| !frame.is_empty());
            if self.came.ends_with(&[0xc0])
                && let Some(frame) = frames.next_back()
            {
                return Some(unescaped(frame));
            }
        }
        None
    }
}

/// The bytes that a frame of SLIP stands for.
fn unescaped(frame: &[u8]) -> Vec<u8> {
    let mut bytes = frame.iter().copied();
    let mut next = || match bytes.next()? {
        0xdb => Some(if bytes.next()? == 0xdc { 0xc0 } else { 0xdb }),
        byte => Some(byte),
    };
    std::iter::from_fn(&mut next).collect()
}

/// A request with its checksum.
fn framed(command: u8, sequence: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = [&[command, sequence], payload].concat();
    frame.extend(CRC.checksum(&frame).to_le_bytes());
    frame
}

/// What the cycle model computes of an input.
fn result(program: &Arc<Program>, input: &[u8]) -> Vec<u8> {
    let mut machine = CycleMachine::new(Arc::clone(program));
    let (mut given, mut result) = (0, Vec::new());
    while result.len() < 4 * program.output_words as usize {
        let ports = machine.ports();
        result.extend(ports.out.map(|byte| byte.value));
        let byte = input.get(given).map(|&value| StreamByte { value, last: given + 1 == input.len() });
        machine.step(Stimulus::new(byte, true));
        given += usize::from(byte.is_some() && ports.in_ready);
    }
    result
}

struct Case {
    words: Vec<u32>,
    program: Arc<Program>,
}

impl Case {
    fn new(seed: u64) -> Self {
        let ops = [Op::Dense, Op::Conv2d, Op::Encode, Op::MaxPool];
        let words = arbitrary::draft(ops[seed as usize % 4], &mut Random::new(seed)).emit();
        let program = Arc::new(Program::new(&Model::from_words(&words).unwrap(), &Options::default()).unwrap());
        Self { words, program }
    }

    fn model(&self) -> Model<'_> {
        Model::from_words(&self.words).unwrap()
    }

    fn input(&self, random: &mut Random) -> Vec<u8> {
        (0..self.program.input_bytes).map(|_| random.bits() as u8).collect()
    }

    fn hosts(&self) -> [Box<dyn Host>; 2] {
        let (spi, uart) = self.chips();
        [Box::new(spi), Box::new(uart)]
    }

    fn chips(&self) -> (Spi, Uart) {
        let (model, options) = (self.model(), Options::default());
        let identity =
            identity(&model, &options, &Link { wire: Wire::Spi, kilohertz: KILOHERTZ, digests: false }).unwrap();
        let engine = || SequencedEngine::of(&self.program);
        let spi = SpiChip::around(engine(), &identity).unwrap();
        let uart = UartChip::around(engine(), &identity, DIVISOR).unwrap();
        let longest = (4 * self.program.output_words as usize).max(14) + 6;
        (Spi { chip: spi, longest }, Uart::new(uart))
    }

    fn identity(&self) -> Vec<u8> {
        let model = self.model();
        let [input, output] = [self.program.input_bytes, 4 * self.program.output_words].map(|bytes| bytes as u16);
        let mut bytes = vec![1, 8];
        bytes.extend([input, output, KILOHERTZ as u16].into_iter().flat_map(u16::to_le_bytes));
        bytes.extend(bitfab_format::digest(model.words()).to_le_bytes());
        bytes.extend([0, model.layer_count() as u8]);
        bytes
    }
}

/// The answer begins with this; SPI reads more bytes than it has.
#[track_caller]
fn assert_answer(host: &mut dyn Host, expected: &[u8]) {
    let answer = host.answer().expect("an answer");
    assert_eq!(&answer[..expected.len()], expected);
}

#[test]
fn requests_are_answered() {
    for seed in 0..4 {
        let case = Case::new(seed);
        let mut random = Random::new(seed);
        for mut host in case.hosts() {
            host.send(&framed(0x11, 1, &[]));
            assert_answer(&mut *host, &framed(0xa0, 1, &case.identity()));
            for sequence in 2..5 {
                let input = case.input(&mut random);
                host.send(&framed(0x12, sequence, &input));
                assert_answer(&mut *host, &framed(0xa0, sequence, &result(&case.program, &input)));
            }
            host.send(&framed(0x13, 9, &[]));
            assert_answer(&mut *host, &framed(0xa0, 9, &[]));
            host.send(&framed(0x77, 10, &[]));
            assert_answer(&mut *host, &framed(0xa2, 10, &[]));
        }
    }
}

#[test]
fn a_frame_that_is_not_whole_is_refused_and_the_next_one_computed() {
    for seed in 0..4 {
        let case = Case::new(seed);
        let mut random = Random::new(seed);
        for mut host in case.hosts() {
            for (round, sequence) in (0..8).zip(1_u8..) {
                let input = case.input(&mut random);
                let mut frame = framed(0x12, sequence, &input);
                match round % 4 {
                    0 => frame.truncate(random.between(2, frame.len() as i32 - 1) as usize),
                    1 => frame.insert(random.between(2, frame.len() as i32 - 1) as usize, random.bits() as u8),
                    2 => frame[2 + random.bits() as usize % input.len()] ^= 1 << (random.bits() % 8),
                    _ => frame.extend([0; 3]),
                }
                host.send(&frame);
                assert_answer(&mut *host, &framed(0xa1, sequence, &[]));
                host.send(&framed(0x12, sequence + 100, &input));
                assert_answer(&mut *host, &framed(0xa0, sequence + 100, &result(&case.program, &input)));
            }
        }
    }
}

/// P-22: what was read of a result cannot be read again; of a header it can.
#[test]
fn a_reading_of_a_result_that_is_cut_ends_the_answer() {
    let case = Case::new(0);
    let mut random = Random::new(5);
    let (mut spi, _) = case.chips();
    for cut in 0..spi.longest {
        let input = case.input(&mut random);
        let expected = framed(0xa0, cut as u8, &result(&case.program, &input));
        spi.send(&framed(0x12, cut as u8, &input));
        while spi.state() == BUSY {}
        let mut request = vec![0; cut + 1];
        request[0] = 0x52;
        let came = spi.transact(&request);
        assert_eq!(came[1..], expected[..cut.min(expected.len())]);
        // A byte counts as read with its first bit.
        if cut <= 2 {
            assert_answer(&mut spi, &expected);
        } else {
            assert!((0..1000).any(|_| spi.state() == IDLE), "idle after {cut} bytes");
        }
        if cut == expected.len() {
            break;
        }
    }
}

/// What the link cannot do is said, before anything is stepped for long.
#[test]
fn what_a_chip_cannot_be_is_refused() {
    let words = arbitrary::draft(Op::Dense, &mut Random::new(1)).emit();
    let model = Model::from_words(&words).unwrap();
    let link = Link { wire: Wire::Spi, kilohertz: KILOHERTZ, digests: false };
    let refused =
        |options: &Options, link: Link| chip(&model, options, &link, &Style::default()).map(|_| ()).unwrap_err();
    let options = Options::default();
    for divisor in [0, 3, 1 << 21] {
        let error = refused(&options, Link { wire: Wire::Uart { divisor }, ..link });
        assert!(error.to_string().contains("choose 4 to 1048576"), "{error}");
    }
    // Digests or a loader that are told of and not there would be noise.
    let program = Arc::new(Program::new(&model, &options).unwrap());
    let own = identity(&model, &options, &link).unwrap();
    let others = [
        Identity { flags: 1, ..own },
        Identity { flags: 2, ..own },
        Identity { lanes: 4, ..own },
        Identity { input: own.input + 1, ..own },
        Identity { output: own.output + 4, ..own },
    ];
    for other in others {
        assert_eq!(SpiChip::around(SequencedEngine::of(&program), &other).err(), Some(HdlError::Identity));
    }
    assert!(SpiChip::around(SequencedEngine::of(&program), &own).is_ok());
    // Without weights an engine never answers.
    let loaded = Arc::new(Program::new(&model, &options.with_weights(Weights::Loaded)).unwrap());
    assert_eq!(SpiChip::around(SequencedEngine::of(&loaded), &own).err(), Some(HdlError::Identity));
    assert!(SpiChip::around(SequencedEngine::of(&loaded), &Identity { flags: 2, ..own }).is_ok());
}

#[test]
fn a_layer_that_is_finished_out_of_order_has_no_digest_and_is_named() {
    let (mut kept, mut refused) = (0, 0);
    for seed in 0..40 {
        let words = arbitrary::chain(3, &mut Random::new(seed)).emit();
        let model = Model::from_words(&words).unwrap();
        let program = Arc::new(Program::new(&model, &Options::default()).unwrap());
        let layers: Vec<_> = model.layers().collect();
        let is_mixed = |layer: &bitfab_format::Layer<'_>| {
            let Tensor { kind, shape, .. } = layer.output;
            kind != Kind::I32 && kind.planes() > 1 && shape.channel_words() > 1
        };
        let mixed = layers[..layers.len() - 1].iter().position(is_mixed);
        match SequencedEngine::with_digests(&program) {
            Ok(_) => kept += 1,
            Err(error) => {
                assert_eq!(error, HdlError::Digests { layer: mixed.unwrap() as u16 });
                refused += 1;
                continue;
            }
        }
        assert_eq!(mixed, None, "seed {seed}");
    }
    assert!(kept > 5 && refused > 2, "{kept} and {refused}");
}

/// Digests that are asked for while an inference is under way are those of that one, not some of it and some of another.
#[test]
fn digests_are_those_of_one_inference() {
    let plans = [Plan::dense(32, Kind::Sign), Plan::dense(64, Kind::Sign), Plan::dense(10, Kind::I32)];
    let words = arbitrary::build(Shape::vector(64), Kind::U8, &plans, &mut Random::new(3)).emit();
    let (model, options) = (Model::from_words(&words).unwrap(), Options::default().with_lanes(1));
    let case = Case { program: Arc::new(Program::new(&model, &options).unwrap()), words: words.clone() };
    let identity = identity(&model, &options, &Link { wire: Wire::Spi, kilohertz: KILOHERTZ, digests: true }).unwrap();
    let chip = || {
        let chip = SpiChip::around(SequencedEngine::with_digests(&case.program).unwrap(), &identity).unwrap();
        Spi { chip, longest: 4 * model.layer_count().max(16) + 6 }
    };
    let mut random = Random::new(1);
    let inputs = [case.input(&mut random), case.input(&mut random)];
    let of = |input: &[u8]| {
        let mut spi = chip();
        spi.send(&framed(0x14, 9, &[]));
        assert_answer(&mut spi, &framed(0xa3, 9, &[])); // there was no inference
        spi.send(&framed(0x12, 1, input));
        spi.answer().unwrap();
        spi.send(&framed(0x14, 2, &[]));
        spi.answer().unwrap()
    };
    assert_ne!(of(&inputs[0]), of(&inputs[1]));
    let mut spi = chip();
    spi.send(&framed(0x12, 0, &inputs[0]));
    spi.answer().unwrap();
    spi.send(&framed(0x12, 1, &inputs[1]));
    spi.send(&framed(0x14, 2, &[]));
    assert_answer(&mut spi, &of(&inputs[1]));
}
