//! The self-test and the check of the link.

use core::fmt::{self, Write};
use core::num::NonZeroU32;

use bitfab_link::{Accelerator, Identity, Link, LinkError, Wire};
use bitfab_runtime::{Checked, Inference, Machine, Model, ModelFile, digest};

use crate::Health;

/// After so many inputs there is a word.
const TOLD: usize = 25;
/// How often an accelerator is asked that fetches its weights from a flash since it began: some 60 ms, beside what a frame
/// takes over SPI.
const TRIES_WHILE_LOADING: u32 = 60;

/// A model, and what the laptop computed of it while the program was built (`build`).
///
/// `LAYERS` are its layers, `ARENA` the words of the arena, `WORDS` those of the output, `FRAME` the bytes of the longest
/// frame of the link ([`bitfab_link::server::frame_bytes`]).
pub struct SelfTest<const LAYERS: usize, const ARENA: usize, const WORDS: usize, const FRAME: usize> {
    /// The name of the board.
    pub board: &'static str,
    /// The model.
    pub model: ModelFile,
    /// Inputs, one behind the other.
    pub inputs: &'static [u8],
    /// The digest of every layer's output, for each input.
    pub digests: &'static [[u32; LAYERS]],
    /// How often the accelerator gets each input.
    pub rounds: usize,
}

impl<const LAYERS: usize, const ARENA: usize, const WORDS: usize, const FRAME: usize>
    SelfTest<LAYERS, ARENA, WORDS, FRAME>
{
    /// How the model, the software and the accelerator behind `wire` are; `out` gets a line of each, a sign of life now
    /// and then, or what is wrong first.
    pub fn check<W: Wire>(&self, wire: W, out: &mut impl Write) -> Health
    where
        W::Error: fmt::Debug,
    {
        let Ok((model, machine)) = self.check_model(out) else { return Health::Ill };
        match self.check_link(model, machine, wire, out) {
            Ok(()) => Health::Well,
            Err(fmt::Error) => Health::Alone,
        }
    }

    /// The model is whole, and the software computes it.
    fn check_model(&self, out: &mut impl Write) -> Result<(Model<'_>, Machine<'_, ARENA>), fmt::Error> {
        let model = self.model.model();
        // Why is not told: the texts of all that can be wrong with a file take 3 KB, and the compiler has read this one.
        let model = model.map_err(|_| wrong(out, format_args!("the model is damaged in flash")))?;
        let (version, number) = (env!("CARGO_PKG_VERSION"), digest(model.words()));
        write!(out, "bitfab {version} {} model {number:08x}\r\n", self.board)?;
        let machine = Machine::<ARENA>::new(model).map_err(|error| wrong(out, format_args!("model: {error}")))?;
        Ok((model, self.check_software(machine, out)?))
    }

    /// Each input with the digests that the laptop computed.
    fn rows(&self) -> impl Iterator<Item = (&'static [u8], &'static [u32; LAYERS])> + Clone {
        self.inputs.chunks_exact(self.model.input_bytes().max(1)).zip(self.digests)
    }

    /// Every layer of every input has the digest that the laptop computed.
    fn check_software<'m>(
        &self,
        mut machine: Machine<'m, ARENA>,
        out: &mut impl Write,
    ) -> Result<Machine<'m, ARENA>, fmt::Error> {
        let (mut digests, mut rows) = ([0; LAYERS], 0);
        for (input, expected) in self.rows() {
            tell("self-test", rows, out)?;
            if let Err(error) = machine.infer(input, &mut digests) {
                return Err(wrong(out, format_args!("input {rows}: {error}")));
            }
            let mut pairs = digests.iter().zip(expected).enumerate();
            if let Some((layer, (found, expected))) = pairs.find(|(_, (found, expected))| found != expected) {
                return Err(wrong(out, format_args!("input {rows} layer {layer}: {found:08x}, not {expected:08x}")));
            }
            rows += 1;
        }
        write!(out, "self-test ok {rows} inputs {} digests\r\n", rows * LAYERS)?;
        Ok(machine)
    }

    /// The accelerator computes what the software on this core does, in every layer if it has digests.
    fn check_link<W: Wire>(
        &self,
        model: Model<'_>,
        machine: Machine<'_, ARENA>,
        wire: W,
        out: &mut impl Write,
    ) -> fmt::Result
    where
        W::Error: fmt::Debug,
    {
        let accelerator = Accelerator::<_, WORDS>::new(Link::new(wire), model);
        let mut accelerator = accelerator.map_err(|error| wrong(out, format_args!("link: {error}")))?;
        if let Some(who) = accelerator.link().identity() {
            let (lanes, input, output) = (who.lanes, who.input, who.output);
            write!(out, "link {lanes} lanes {input} in {output} out model {:08x}\r\n", who.model)?;
        }
        self.wait_for_weights(&mut accelerator);
        match accelerator.link().identity().is_some_and(Identity::has_digests) {
            true => self.check_all::<_, LAYERS>(accelerator, machine, out),
            false => self.check_all::<_, 0>(accelerator, machine, out),
        }
    }

    /// An FPGA that is switched on with this board may still read its weights; whatever else is wrong is told later.
    fn wait_for_weights<W: Wire>(&self, accelerator: &mut Accelerator<'_, W, WORDS>)
    where
        W::Error: fmt::Debug,
    {
        let has_loader = accelerator.link().identity().is_some_and(Identity::has_loader);
        let Some((input, _)) = self.rows().next().filter(|_| has_loader) else { return };
        for _ in 0..TRIES_WHILE_LOADING {
            if !matches!(accelerator.infer(input, &mut []), Err(LinkError::NoWeights)) {
                return;
            }
        }
    }

    /// Every answer, and the digest of the first `COMPARED` layers, is that of the software, which was compared with the
    /// laptop before.
    fn check_all<W: Wire, const COMPARED: usize>(
        &self,
        accelerator: Accelerator<'_, W, WORDS>,
        machine: Machine<'_, ARENA>,
        out: &mut impl Write,
    ) -> fmt::Result
    where
        W::Error: fmt::Debug,
    {
        let both = Checked::<_, _, COMPARED>::new(accelerator, machine, NonZeroU32::MIN);
        let mut both = both.map_err(|error| wrong(out, format_args!("link: {error}")))?;
        let mut equal = 0;
        for (input, _) in (0..self.rounds).flat_map(|_| self.rows()) {
            tell("link", equal, out)?;
            if let Err(error) = both.infer(input, &mut []) {
                return Err(wrong(out, format_args!("link: after {equal} equal: {error}")));
            }
            equal += 1;
        }
        match COMPARED {
            0 => write!(out, "link ok {equal} equal no digests\r\n"),
            _ => write!(out, "link ok {equal} equal {} digests\r\n", equal * COMPARED),
        }
    }
}

/// A sign of life now and then.
fn tell(what: &str, done: usize, out: &mut impl Write) -> fmt::Result {
    let is_told = done != 0 && done.is_multiple_of(TOLD);
    if is_told { write!(out, "{what} {done}\r\n") } else { Ok(()) }
}

/// Says what is wrong; whoever cannot be told finds it in the LED.
fn wrong(out: &mut impl Write, what: fmt::Arguments<'_>) -> fmt::Error {
    let _ = write!(out, "{what}\r\n");
    fmt::Error
}
