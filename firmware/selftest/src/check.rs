//! The self-test and the check of the link.

use core::fmt::{self, Write};
use core::num::NonZeroU32;

use bitfab_link::{Accelerator, Link, Wire};
use bitfab_runtime::{Checked, Inference, Machine, Model, ModelFile, digest};

/// How often the accelerator gets each input.
const ROUNDS: usize = 5;

/// A model, and what the laptop computed of it while the program was built (`build`).
///
/// `INPUT` are the bytes of an input, `LAYERS` the layers, `ARENA` the words of the arena, `WORDS` those of the output.
pub struct SelfTest<const INPUT: usize, const LAYERS: usize, const ARENA: usize, const WORDS: usize> {
    /// The name of the board.
    pub board: &'static str,
    /// The model.
    pub model: ModelFile,
    /// Inputs, and the digest of every layer's output.
    pub rows: &'static [([u8; INPUT], [u32; LAYERS])],
}

impl<const INPUT: usize, const LAYERS: usize, const ARENA: usize, const WORDS: usize>
    SelfTest<INPUT, LAYERS, ARENA, WORDS>
{
    /// Whether the model, the software and the accelerator behind `wire` are well; `out` gets a line of each, or what
    /// is wrong first.
    pub fn is_well<W: Wire>(&self, wire: W, out: &mut impl Write) -> bool
    where
        W::Error: fmt::Debug,
    {
        self.check(wire, out).is_ok()
    }

    /// All that is checked, as lines of `out`.
    fn check<W: Wire>(&self, wire: W, out: &mut impl Write) -> fmt::Result
    where
        W::Error: fmt::Debug,
    {
        let model = self.model.model();
        // Why is not told: the texts of all that can be wrong with a file take 3 KB, and the compiler has read this one.
        let model = model.map_err(|_| wrong(out, format_args!("the model is damaged in flash")))?;
        let (version, number) = (env!("CARGO_PKG_VERSION"), digest(model.words()));
        write!(out, "bitfab {version} {} model {number:08x}\r\n", self.board)?;
        let machine = Machine::<ARENA>::new(model).map_err(|error| wrong(out, format_args!("model: {error}")))?;
        let machine = self.check_software(machine, out)?;
        self.check_link(model, machine, wire, out)
    }

    /// Every layer of every input has the digest that the laptop computed.
    fn check_software<'m>(
        &self,
        mut machine: Machine<'m, ARENA>,
        out: &mut impl Write,
    ) -> Result<Machine<'m, ARENA>, fmt::Error> {
        let mut digests = [0; LAYERS];
        for (row, (input, expected)) in self.rows.iter().enumerate() {
            if let Err(error) = machine.infer(input, &mut digests) {
                return Err(wrong(out, format_args!("input {row}: {error}")));
            }
            let mut pairs = digests.iter().zip(expected).enumerate();
            if let Some((layer, (found, expected))) = pairs.find(|(_, (found, expected))| found != expected) {
                return Err(wrong(out, format_args!("input {row} layer {layer}: {found:08x}, not {expected:08x}")));
            }
        }
        write!(out, "self-test ok {} inputs {} digests\r\n", self.rows.len(), self.rows.len() * LAYERS)?;
        Ok(machine)
    }

    /// The accelerator computes what the software on this core does.
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
        let accelerator = accelerator.map_err(|error| wrong(out, format_args!("link: {error}")))?;
        if let Some(who) = accelerator.link().identity() {
            let (lanes, input, output) = (who.lanes, who.input, who.output);
            write!(out, "link {lanes} lanes {input} in {output} out model {:08x}\r\n", who.model)?;
        }
        let both = Checked::<_, _, 0>::new(accelerator, machine, NonZeroU32::MIN);
        let mut both = both.map_err(|error| wrong(out, format_args!("link: {error}")))?;
        let mut equal = 0;
        for (input, _) in core::iter::repeat_n(self.rows, ROUNDS).flatten() {
            if let Err(error) = both.infer(input, &mut []) {
                return Err(wrong(out, format_args!("link: after {equal} equal: {error}")));
            }
            equal += 1;
        }
        write!(out, "link ok {equal} equal\r\n")
    }
}

/// Says what is wrong; whoever cannot be told finds it in the LED.
fn wrong(out: &mut impl Write, what: fmt::Arguments<'_>) -> fmt::Error {
    let _ = write!(out, "{what}\r\n");
    fmt::Error
}
