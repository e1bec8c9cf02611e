//! Why there is no answer, and what to do about it.

use core::fmt;

/// Why there is no answer; `E` is the error of the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum LinkError<E> {
    /// The bus itself failed.
    Bus(E),
    /// Nothing answered: no power, no bitstream, wrong pins, or a wire that is cut.
    Silent {
        /// Requests that were sent.
        tries: u8,
    },
    /// The other side says that an answer will come, and none does.
    Busy {
        /// Requests that were sent.
        tries: u8,
    },
    /// Something answered, but never a whole answer to the request.
    Corrupt {
        /// Requests that were sent.
        tries: u8,
    },
    /// The other side does not know the command.
    UnknownCommand {
        /// The command.
        command: u8,
    },
    /// The other side speaks another version of the protocol.
    WrongVersion {
        /// Its version.
        found: u8,
    },
    /// The other side computes another model.
    WrongModel {
        /// CRC-32 of the words of the caller's model.
        expected: u32,
        /// CRC-32 of the words of the other side's model.
        found: u32,
    },
    /// The other side has the model's checksum, and inputs or results of another length.
    WrongShape {
        /// Bytes of an input that it takes.
        input: u16,
        /// Bytes of a result that it gives.
        output: u16,
        /// Layers of which it gives digests.
        layers: u8,
    },
    /// Nobody asked yet who is there.
    NotConnected,
    /// The input has the wrong length; nothing was sent.
    WrongInput {
        /// Bytes of an input.
        expected: usize,
        /// Bytes that the caller gave.
        found: usize,
    },
    /// The room for the result has the wrong length; nothing was sent.
    WrongOutput {
        /// Bytes of a result.
        expected: usize,
        /// Bytes of the caller's room.
        found: usize,
    },
    /// The digests that are asked for are not one a layer; nothing was sent.
    WrongDigests {
        /// Layers of the model.
        expected: usize,
        /// Digests that the caller asked for.
        found: usize,
    },
    /// The other side has no weights (yet), wrong ones, or an engine that failed.
    NoWeights,
    /// The other side was built without digests.
    NoDigests,
    /// The other side has no inference to give digests of: it was reset, or a damaged request came between.
    NoInference,
}

impl<E: fmt::Debug> fmt::Display for LinkError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bus(error) => write!(f, "the bus failed: {error:?}"),
            Self::Silent { tries } => {
                write!(f, "no answer in {tries} tries: is the FPGA configured, are the pins right?")
            }
            Self::Busy { tries } => {
                write!(f, "busy in {tries} tries: wait longer for an answer, or configure the FPGA anew")
            }
            Self::Corrupt { tries } => {
                write!(f, "no whole answer in {tries} tries: use a slower clock or shorter wires")
            }
            Self::UnknownCommand { command } => {
                write!(f, "the other side does not know command {command:#04x}: build its bitstream anew")
            }
            Self::WrongVersion { found } => {
                write!(f, "the other side speaks version {found} of the protocol: build it from the same bitfab")
            }
            Self::WrongModel { expected, found } => {
                write!(f, "the other side holds model {found:08x}, not {expected:08x}: build it from the same file")
            }
            Self::WrongShape { input, output, layers } => write!(
                f,
                "the other side takes {input} bytes, gives {output}, of {layers} layers, and the model does not: \
                 build it anew from the same file"
            ),
            Self::NotConnected => f.write_str("nobody asked who is there: connect first"),
            Self::WrongInput { expected, found } => write!(f, "the input has {found} bytes, not {expected}"),
            Self::WrongOutput { expected, found } => write!(f, "the result has {expected} bytes, its room {found}"),
            Self::WrongDigests { expected, found } => {
                write!(f, "the model has {expected} layers, and as many digests, not {found}")
            }
            Self::NoWeights => f.write_str(
                "the other side has no weights, or wrong ones: wait for its loader, then write its flash anew",
            ),
            Self::NoDigests => f.write_str("the other side gives no digests: build it with them, or ask for none"),
            Self::NoInference => f.write_str("the other side has no inference to give digests of: infer again"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for LinkError<E> {}
