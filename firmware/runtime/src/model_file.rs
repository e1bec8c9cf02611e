//! A model file in the program, checked when the program is built.

use bitfab_format::{FormatError, Head, Model, Reason, TransformKind, VERSION, WeightKind};
use bitfab_kernels::{Feature, feature_of_transform, feature_of_weights};

use crate::text::Text;

/// A model file that [`model!`](crate::model) put into the program.
#[derive(Clone, Copy, Debug)]
pub struct ModelFile {
    words: &'static [u32],
    arena_words: usize,
    input_bytes: usize,
}

impl ModelFile {
    /// Words of the arena that one inference needs.
    pub const fn arena_words(&self) -> usize {
        self.arena_words
    }

    /// Bytes of one input.
    pub const fn input_bytes(&self) -> usize {
        self.input_bytes
    }

    /// The words of the file.
    pub const fn words(&self) -> &'static [u32] {
        self.words
    }

    /// The model, checked to its last weight.
    ///
    /// # Errors
    /// A [`FormatError`] for a file that the build could not see through: one whose checksum fits and whose layers do
    /// not. No file of this version's compiler is one.
    pub fn model(&self) -> Result<Model<'static>, FormatError> {
        Model::from_words(self.words)
    }
}

/// Puts a model file into flash, as words, and checks it while the program is compiled: a [`ModelFile`].
///
/// The path is relative to the source file, as that of [`include_bytes!`].
/// A file that is no model, is truncated or damaged, is of another version, or needs a kind of weights or a transform
/// that this crate's features leave out, does not compile, and the error says so.
///
/// ```ignore
/// const MODEL: ModelFile = model!("imu.bfab");
/// let mut machine: Machine<{ MODEL.arena_words() }, { MODEL.input_bytes() }> = Machine::new(MODEL.model()?)?;
/// ```
#[macro_export]
macro_rules! model {
    ($path:expr $(,)?) => {{
        const BYTES: &[u8] = include_bytes!($path);
        // Every byte is read, which takes long if there are millions.
        #[allow(long_running_const_eval)]
        static WORDS: [u32; BYTES.len().div_ceil(4)] = $crate::built_in::words(BYTES);
        #[allow(long_running_const_eval)]
        const FILE: $crate::ModelFile = $crate::built_in::file(&WORDS, BYTES.len(), $path);
        FILE
    }};
}

/// The bytes of a file as words, the last one filled up with zeros; `N` words hold them.
pub const fn words<const N: usize>(bytes: &[u8]) -> [u32; N] {
    let (mut words, mut at) = ([0; N], 0);
    let (whole, rest) = bytes.as_chunks::<4>();
    // Without calls: a compiler counts those of a constant, and warns of many.
    while at < whole.len() {
        let [a, b, c, d] = whole[at];
        words[at] = a as u32 | (b as u32) << 8 | (c as u32) << 16 | (d as u32) << 24;
        at += 1;
    }
    let mut byte = 0;
    while byte < rest.len() {
        words[at] |= (rest[byte] as u32) << (byte * 8);
        byte += 1;
    }
    words
}

/// Checks a file of `bytes` bytes, as far as constant evaluation goes.
///
/// # Panics
/// In constant evaluation, with what is wrong with the file and what to do about it.
pub const fn file(words: &'static [u32], bytes: usize, path: &str) -> ModelFile {
    let head = match Head::new(words, bytes) {
        Ok(head) => head,
        Err(error) => refuse(path, &why(words, bytes, error.reason)),
    };
    if let Some(text) = left_out(&head) {
        refuse(path, &text);
    }
    if let Err(error) = head.check_blocks(bytes) {
        refuse(path, &why_blocks(&head, bytes, error));
    }
    ModelFile { words, arena_words: head.arena_words() as usize, input_bytes: head.input.shape.volume() as usize }
}

/// Ends the build.
const fn refuse(path: &str, text: &Text) -> ! {
    let whole = Text::new().text(path).text(": ").text(text.as_str());
    panic!("{}", whole.as_str())
}

/// Other files that get into this place, by their first two words.
const OTHERS: &[(&[u8; 8], u32, &str)] = &[
    (b"BFGRAPH\0", 0x00ff_ffff, "this is a bitfab graph, which no device runs: run `bitfab compile` on it"),
    (b"version ", u32::MAX, "this is a pointer of Git LFS, not the file that it stands for: run `git lfs pull`"),
];

/// What is wrong with a head.
const fn why(words: &[u32], bytes: usize, reason: Reason) -> Text {
    let stated = if bytes >= 12 { words[2] as usize } else { 0 };
    let version = if words.len() > 1 { words[1] & 0xffff } else { 0 };
    match reason {
        Reason::NotAModel if bytes == 0 => Text::new().text("the file is empty"),
        Reason::NotAModel => not_a_model(words),
        Reason::Truncated if stated > bytes => {
            let here = Text::new().text("the file ends early: ").number(bytes).text(" bytes are here, ");
            here.number(stated).text(" are stated; copy it again")
        }
        Reason::Truncated => Text::new().text("the file ends early: ").number(bytes).text(" bytes are no whole model"),
        Reason::TrailingBytes => trailing(stated, bytes),
        Reason::Version => {
            let found = Text::new().text("the file has version ").number(version as usize).text(" of the format, ");
            found.text("this crate reads version ").number(VERSION as usize).text(": compile the graph again")
        }
        Reason::Checksum => Text::new().text("the file is damaged: its CRC-32 does not match; copy it again"),
        _ => Text::new().text("the header is not one that this version writes: compile the graph again"),
    }
}

const fn not_a_model(words: &[u32]) -> Text {
    let mut other = 0;
    while other < OTHERS.len() && words.len() > 1 {
        let (start, mask, text) = OTHERS[other];
        let [a, b, c, d, e, f, g, h] = *start;
        let (first, second) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        if words[0] == first && words[1] & mask == second & mask {
            return Text::new().text(text);
        }
        other += 1;
    }
    Text::new().text("this is not a bitfab model (no `bfab` at its start): give the file that `bitfab compile` wrote")
}

const fn trailing(stated: usize, bytes: usize) -> Text {
    let more = Text::new().text("the file is ").number(bytes.saturating_sub(stated)).text(" bytes longer than the ");
    more.number(stated).text(" that it states, and no block of further planes follows; copy it again")
}

/// What is wrong with what follows the model.
const fn why_blocks(head: &Head<'_>, bytes: usize, error: FormatError) -> Text {
    match error.reason {
        Reason::TrailingBytes if error.at == head.bytes() => trailing(head.bytes() as usize, bytes),
        Reason::TrailingBytes => Text::new().text("what follows byte ").number(error.at as usize).text(" is no block"),
        Reason::Checksum => {
            let at = Text::new().text("the block of further planes at byte ").number(error.at as usize);
            at.text(" is damaged: its CRC-32 does not match; append it again")
        }
        _ => {
            let at = Text::new().text("the block of further planes at byte ").number(error.at as usize);
            at.text(" does not fit what comes before it")
        }
    }
}

/// What a layer may need that can be left out, in words.
const WEIGHTS: [(WeightKind, &str); 6] = [
    (WeightKind::SparseBinary, " has sparse-binary weights"),
    (WeightKind::Ternary, " has ternary weights"),
    (WeightKind::PowerOfTwo, " has weights that are powers of two"),
    (WeightKind::Planes, " has weights in planes"),
    (WeightKind::Integer, " has integer weights"),
    (WeightKind::SmartDeal, " has smart-deal weights"),
];

/// As [`WEIGHTS`].
const TRANSFORMS: [(TransformKind, &str); 2] =
    [(TransformKind::Requant, " scales its outputs"), (TransformKind::Affine, " scales its scores")];

/// Which layers need what the features leave out: for each feature the first layer; `None` where none does.
const fn left_out(head: &Head<'_>) -> Option<Text> {
    let (mut says, mut asks, mut found) = (Text::new(), Text::new(), 0);
    let mut index = 0;
    while index < WEIGHTS.len() + TRANSFORMS.len() {
        let (feature, words) = needs(index);
        if let (false, Some(layer)) = (feature.is_on, first(head, index)) {
            let (comma, and) = if found == 0 { ("", "") } else { (", ", ", ") };
            says = says.text(comma).text("layer ").number(layer as usize).text(words);
            asks = asks.text(and).text("`").text(feature.name).text("`");
            found += 1;
        }
        index += 1;
    }
    if let Some(layer) = unknown(head) {
        let says = Text::new().text("layer ").number(layer as usize);
        return Some(says.text(" has a kind of weights or outputs that this version of bitfab-runtime does not know"));
    }
    let features = if found == 1 { ": enable the feature " } else { ": enable the features " };
    if found == 0 { None } else { Some(says.text(features).text(asks.as_str()).text(" of bitfab-runtime")) }
}

/// Entry `index` of both tables: its feature, and what is said of a layer that needs it.
const fn needs(index: usize) -> (Feature, &'static str) {
    if index < WEIGHTS.len() {
        (feature_of_weights(WEIGHTS[index].0), WEIGHTS[index].1)
    } else {
        let (kind, words) = TRANSFORMS[index - WEIGHTS.len()];
        (feature_of_transform(kind), words)
    }
}

/// The first layer that needs entry `index` of both tables.
const fn first(head: &Head<'_>, index: usize) -> Option<u16> {
    let mut layer = 0;
    while layer < head.layers {
        if let Ok((weights, transform)) = head.kinds(layer) {
            let is_hit = if index < WEIGHTS.len() {
                weights as u8 == WEIGHTS[index].0 as u8
            } else {
                transform as u8 == TRANSFORMS[index - WEIGHTS.len()].0 as u8
            };
            if is_hit {
                return Some(layer);
            }
        }
        layer += 1;
    }
    None
}

/// The first layer with a code that this version does not know.
const fn unknown(head: &Head<'_>) -> Option<u16> {
    let mut layer = 0;
    while layer < head.layers {
        if head.kinds(layer).is_err() {
            return Some(layer);
        }
        layer += 1;
    }
    None
}
