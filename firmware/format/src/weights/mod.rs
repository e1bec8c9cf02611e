//! The weights of a layer: eight encodings of one matrix of integers (SPEC.md 6).

mod bits;
pub(crate) mod decode;
#[cfg(feature = "alloc")]
mod encode;
#[cfg(feature = "alloc")]
mod matrix;
mod streams;

pub use bits::BitReader;
#[cfg(feature = "alloc")]
pub use encode::DraftWeights;
#[cfg(feature = "alloc")]
pub use streams::Deal;

/// The kinds of weights; the tag of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum WeightKind {
    /// The operation has none.
    #[default]
    None,
    /// +1 or -1.
    Binary,
    /// One of two integers, of which one is rare.
    SparseBinary,
    /// -1, 0 or +1.
    Ternary,
    /// 0 or plus or minus a power of two.
    PowerOfTwo,
    /// Odd integers as planes of signs, the most significant first.
    Planes,
    /// Two's complement integers of 2 to 8 bits.
    Integer,
    /// Sparse powers of two times a small basis.
    SmartDeal,
}

/// Kinds by code, with the field's names.
const KINDS: [(WeightKind, &str); 8] = [
    (WeightKind::None, "none"),
    (WeightKind::Binary, "binary"),
    (WeightKind::SparseBinary, "sparse-binary"),
    (WeightKind::Ternary, "ternary"),
    (WeightKind::PowerOfTwo, "power-of-two"),
    (WeightKind::Planes, "planes"),
    (WeightKind::Integer, "integer"),
    (WeightKind::SmartDeal, "smart-deal"),
];

impl WeightKind {
    /// The kinds that a weighted layer can have.
    pub const WEIGHTED: [Self; 7] = [
        Self::Binary,
        Self::SparseBinary,
        Self::Ternary,
        Self::PowerOfTwo,
        Self::Planes,
        Self::Integer,
        Self::SmartDeal,
    ];

    /// The code in the file.
    pub const fn code(self) -> u8 {
        self as u8
    }

    pub(crate) const fn from_code(code: u8) -> Option<Self> {
        if (code as usize) < KINDS.len() { Some(KINDS[code as usize].0) } else { None }
    }

    /// The field's name of the kind.
    pub fn name(self) -> &'static str {
        KINDS.get(usize::from(self.code())).map_or("", |(_, name)| name)
    }
}

/// How the positions of the rare weights are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Coder {
    /// The kind has only one way to be stored.
    #[default]
    Plain,
    /// A bit for each weight; for ternary weights a second one for its sign.
    Bitmap,
    /// Golomb-Rice codes of the gaps between them: small.
    Rice,
    /// A byte for each of them: fast.
    List,
    /// Five ternary digits a byte.
    Trits,
}

/// Coders by code, with names.
const CODERS: [(Coder, &str); 5] = [
    (Coder::Plain, "plain"),
    (Coder::Bitmap, "bitmap"),
    (Coder::Rice, "rice"),
    (Coder::List, "list"),
    (Coder::Trits, "trits"),
];

impl Coder {
    /// The code in the file.
    pub const fn code(self) -> u8 {
        self as u8
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        CODERS.get(usize::from(code)).map(|(coder, _)| *coder)
    }

    /// The coder's name.
    pub fn name(self) -> &'static str {
        CODERS.get(usize::from(self.code())).map_or("", |(_, name)| name)
    }
}

/// Coded positions and signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Code<'a> {
    /// How.
    pub coder: Coder,
    /// Low bits of a Rice code, 0 to 31; 0 for other coders.
    pub low_bits: u32,
    /// The section.
    pub words: &'a [u32],
}

/// Planes of signs: the weights of a layer at some precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Planes<'a> {
    pub(crate) file: &'a [u32],
    /// First word of each plane in the file, most significant first.
    pub(crate) starts: [u32; 8],
    pub(crate) count: u32,
    /// Words of one plane.
    pub(crate) words: u32,
}

impl<'a> Planes<'a> {
    /// `count` planes of equal size, one after the other in `words`.
    pub fn new(words: &'a [u32], count: u32) -> Self {
        let size = (words.len() as u32).checked_div(count).unwrap_or(0);
        let mut planes = Self { file: words, starts: [0; 8], count: 0, words: size };
        planes.append(0, count);
        planes
    }

    /// Adds `count` planes that follow each other in the file from word `start`.
    pub(crate) fn append(&mut self, start: u32, count: u32) {
        let mut start = start;
        for _ in 0..count {
            if let Some(slot) = self.starts.get_mut(self.count as usize) {
                *slot = start;
                self.count += 1;
            }
            start = start.wrapping_add(self.words);
        }
    }

    /// The same planes, which begin at word `start` of `file`.
    pub(crate) fn within(&self, file: &'a [u32], start: u32) -> Self {
        let mut planes = Self { file, starts: [0; 8], count: 0, words: self.words };
        planes.append(start, self.count);
        planes
    }

    /// Number of planes, 1 to 8.
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Plane `index`, the most significant being 0, packed as binary rows; empty past the last.
    pub fn plane(&self, index: u32) -> &'a [u32] {
        let start = self.starts.get(index as usize).copied().filter(|_| index < self.count);
        let start = start.unwrap_or(u32::MAX) as usize;
        self.file.get(start..).and_then(|rest| rest.get(..self.words as usize)).unwrap_or(&[])
    }
}

/// The weights of a layer, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Weights<'a> {
    /// The operation has none.
    None,
    /// +1 (bit 1) or -1 (bit 0); one row of [`crate::Layer::row_words`] words an output channel.
    Binary(&'a [u32]),
    /// `ratio` where there is no one, `ratio + 2^shift` where there is a one (SBNN: alpha and beta).
    SparseBinary {
        /// From `-2^shift` to `2^shift - 1`.
        ratio: i32,
        /// 0 to 15.
        shift: u32,
        /// The ones.
        code: Code<'a>,
    },
    /// -1, 0 or +1.
    Ternary(Code<'a>),
    /// Nibbles, eight a word, low first: 0 is zero; else bit 3 is the sign and bits 0 to 2 the exponent plus 1.
    PowerOfTwo(&'a [u32]),
    /// `sum of 2^i s_i`.
    Planes(Planes<'a>),
    /// Two's complement.
    Integer {
        /// 2 to 8.
        bits: u32,
        /// Value `i` of a row is at bits `i * bits` and up; a row begins a word.
        rows: &'a [u32],
    },
    /// Rows of three powers of two times a basis of 3 x 3 bytes for each chunk (SPEC.md 6.12).
    SmartDeal {
        /// Rows of a chunk, at least 1.
        chunk_rows: u32,
        /// The largest sum of magnitudes of a row of rebuilt weights.
        largest_row: u32,
        /// The filters as bits.
        stream: &'a [u32],
    },
}

impl Weights<'_> {
    /// The kind.
    pub const fn kind(&self) -> WeightKind {
        match self {
            Self::None => WeightKind::None,
            Self::Binary(_) => WeightKind::Binary,
            Self::SparseBinary { .. } => WeightKind::SparseBinary,
            Self::Ternary(_) => WeightKind::Ternary,
            Self::PowerOfTwo(_) => WeightKind::PowerOfTwo,
            Self::Planes(_) => WeightKind::Planes,
            Self::Integer { .. } => WeightKind::Integer,
            Self::SmartDeal { .. } => WeightKind::SmartDeal,
        }
    }

    /// The field's name of the kind.
    pub fn name(&self) -> &'static str {
        self.kind().name()
    }

    /// How it is stored.
    pub const fn coder(&self) -> Coder {
        match self {
            Self::SparseBinary { code, .. } | Self::Ternary(code) => code.coder,
            _ => Coder::Plain,
        }
    }

    /// Whether the weights are bits in rows that meet the planes of a window, rather than values that meet its bytes.
    pub const fn is_bit_rows(&self) -> bool {
        match self {
            Self::Binary(_) | Self::Planes(_) => true,
            Self::SparseBinary { code, .. } | Self::Ternary(code) => matches!(code.coder, Coder::Bitmap),
            _ => false,
        }
    }

    /// The largest magnitude that a weight of this kind can have; that of [`Weights::SmartDeal`] depends on the rows.
    pub const fn largest(&self) -> u32 {
        match *self {
            Self::None => 0,
            Self::Binary(_) | Self::Ternary(_) => 1,
            _ if !cfg!(feature = "kinds") => 0,
            Self::SparseBinary { ratio, shift, .. } => {
                let (zero, one) = (ratio.unsigned_abs(), ratio.wrapping_add(1 << shift).unsigned_abs());
                if zero > one { zero } else { one }
            }
            Self::PowerOfTwo(_) => 64,
            Self::Planes(planes) => (1 << planes.count) - 1,
            Self::Integer { bits, .. } => 1 << (bits - 1),
            Self::SmartDeal { .. } => 3 * 64 * 128,
        }
    }

    /// Words of the section, as shipped.
    pub const fn words(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Binary(rows) | Self::PowerOfTwo(rows) | Self::Integer { rows, .. } => rows.len(),
            _ if !cfg!(feature = "kinds") => 0,
            Self::SparseBinary { code, .. } | Self::Ternary(code) => code.words.len(),
            Self::Planes(planes) => planes.count as usize * planes.words as usize,
            Self::SmartDeal { stream, .. } => stream.len() + 1,
        }
    }
}
