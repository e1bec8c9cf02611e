//! From a layer's record and section to its weights, and what must hold for the contents of the section.

use super::streams;
use crate::file::record::{Fault, Record, field};
use crate::limits::{MAX_LEFT_SHIFT, MAX_WEIGHT_BITS};
use crate::tensor::words_of;
use crate::{Code, Coder, Layer, Op, Packing, Planes, Reason, WORD_BITS, WeightKind, Weights};

/// Reads the weights as the record states them, but not what their section holds, into the layer.
pub(crate) fn weights<'a>(reader: &Record<'a>, layer: &mut Layer<'a>) -> Result<(), Fault> {
    let nibble = |index| reader.nibble(field::CODES, index);
    let [code, coder, bits] = [nibble(1), nibble(4), nibble(5)];
    let unknown = Fault::new(field::CODES, Reason::UnknownCode);
    let kind = WeightKind::from_code(code).ok_or(unknown)?;
    if (kind == WeightKind::None) == layer.op.is_weighted() {
        return Err(unknown);
    }
    if !cfg!(feature = "kinds") && !matches!(kind, WeightKind::None | WeightKind::Binary) {
        return Err(Fault::new(field::CODES, Reason::LeftOut));
    }
    let [.., parameter] = reader.bytes(field::CODES);
    // That byte is another parameter of an encoding.
    let parameter = if layer.op == Op::Encode { 0 } else { u32::from(parameter) };
    let wrong = Fault::new(field::CODES, Reason::Coder);
    let coder = Coder::from_code(coder).ok_or(wrong)?;
    let [ratio, _] = reader.signed_halves(field::NUMBERS);
    let words = reader.slice(reader.word(field::SECTIONS), reader.word(field::WEIGHT_WORDS));
    let words = words.ok_or(Fault::new(field::SECTIONS, Reason::Section))?;
    layer.weights = view(kind, coder, [u32::from(bits), parameter], ratio, words).ok_or(wrong)?;
    if layer.weight_count() > u64::from(u32::MAX) {
        return Err(Fault::new(field::OUTPUT_CHANNELS, Reason::Shape));
    }
    if implied_words(layer).is_some_and(|words| words != layer.weights.words() as u64) {
        return Err(Fault::new(field::WEIGHT_WORDS, Reason::Section));
    }
    Ok(())
}

/// The view that kind, coder and parameters describe; `None` if they do not fit each other.
pub(crate) fn view(
    kind: WeightKind,
    coder: Coder,
    [bits, parameter]: [u32; 2],
    ratio: i32,
    words: &[u32],
) -> Option<Weights<'_>> {
    if !cfg!(feature = "kinds") {
        let is_plain = coder == Coder::Plain && [bits, parameter] == [0; 2] && ratio == 0;
        return is_plain.then_some(if kind == WeightKind::None { Weights::None } else { Weights::Binary(words) });
    }
    let is_rice = coder == Coder::Rice;
    let code = Code { coder, low_bits: if is_rice { parameter } else { 0 }, words };
    let is_coded = matches!(kind, WeightKind::SparseBinary | WeightKind::Ternary);
    let coder_fits = match coder {
        Coder::Plain => !is_coded,
        Coder::Bitmap | Coder::List => is_coded,
        Coder::Rice => is_coded && parameter <= 31,
        Coder::Trits => kind == WeightKind::Ternary,
    };
    let parameter_fits = is_rice || parameter == 0 || kind == WeightKind::SmartDeal;
    let ratio_fits = match kind {
        WeightKind::SparseBinary => bits <= MAX_LEFT_SHIFT && ratio >= -(1 << bits) && ratio < 1 << bits,
        _ => ratio == 0,
    };
    let bits_fit = match kind {
        WeightKind::SparseBinary => true,
        WeightKind::Planes => (1..=MAX_WEIGHT_BITS).contains(&bits),
        WeightKind::Integer => (2..=MAX_WEIGHT_BITS).contains(&bits),
        _ => bits == 0,
    };
    if !(coder_fits && parameter_fits && ratio_fits && bits_fit) {
        return None;
    }
    Some(match kind {
        WeightKind::None => Weights::None,
        WeightKind::Binary => Weights::Binary(words),
        WeightKind::SparseBinary => Weights::SparseBinary { ratio, shift: bits, code },
        WeightKind::Ternary => Weights::Ternary(code),
        WeightKind::PowerOfTwo => Weights::PowerOfTwo(words),
        WeightKind::Planes => Weights::Planes(Planes::new(words, bits)),
        WeightKind::Integer => Weights::Integer { bits, rows: words },
        WeightKind::SmartDeal => {
            let (&largest_row, stream) = words.split_first().filter(|_| parameter != 0)?;
            Weights::SmartDeal { chunk_rows: parameter, largest_row, stream }
        }
    })
}

/// The length that the shapes imply for a section of rows; `None` for streams.
pub(crate) fn implied_words(layer: &Layer<'_>) -> Option<u64> {
    // A row has at most 2^28 values of at most 8 bits, or 8 planes.
    let (bits, values) = (layer.row_words(), layer.fan_in());
    let row = match layer.weights {
        Weights::None => 0,
        Weights::Binary(_) => bits,
        _ if !cfg!(feature = "kinds") => return None,
        Weights::Planes(planes) => bits.wrapping_mul(planes.count()),
        Weights::PowerOfTwo(_) => words_of(values.wrapping_mul(4)),
        Weights::Integer { bits, .. } => words_of(values.wrapping_mul(bits)),
        Weights::SparseBinary { code, .. } if code.coder == Coder::Bitmap => bits,
        Weights::Ternary(code) => match code.coder {
            Coder::Bitmap => bits.wrapping_mul(2),
            Coder::Trits => trit_words(values),
            _ => return None,
        },
        Weights::SparseBinary { .. } | Weights::SmartDeal { .. } => return None,
    };
    Some(u64::from(layer.output.shape.channels).wrapping_mul(u64::from(row)))
}

/// Words of a row of trits.
pub(crate) const fn trit_words(fan_in: u32) -> u32 {
    fan_in.div_ceil(20)
}

/// Reads the whole section and checks it.
pub(crate) fn check(layer: &Layer<'_>) -> Result<(), Reason> {
    match layer.weights {
        Weights::None => Ok(()),
        Weights::Binary(rows) => bit_rows(rows, layer),
        _ if !cfg!(feature = "kinds") => Ok(()),
        Weights::Planes(planes) => (0..planes.count()).try_for_each(|index| bit_rows(planes.plane(index), layer)),
        Weights::SparseBinary { code, .. } | Weights::Ternary(code) => match code.coder {
            Coder::Bitmap if matches!(layer.weights, Weights::Ternary(_)) => ternary_rows(code.words, layer),
            Coder::Bitmap => bit_rows(code.words, layer),
            Coder::Trits => trits(code.words, layer),
            _ => streams::each_one(layer, &mut |_, _| {}),
        },
        Weights::PowerOfTwo(rows) => values(rows, layer, 4, 0),
        Weights::Integer { bits, rows } => values(rows, layer, bits, 0),
        Weights::SmartDeal { largest_row, .. } => deals(layer, largest_row),
    }
}

/// Bits past the end of each run (a tap's channels, or a whole row) are zero.
fn bit_rows(rows: &[u32], layer: &Layer<'_>) -> Result<(), Reason> {
    let run = match layer.packing() {
        Packing::Tap => layer.group_channels(),
        Packing::Patch | Packing::Bytes => layer.fan_in(),
    };
    let used = run % WORD_BITS;
    let mut runs = rows.chunks_exact(words_of(run).max(1) as usize);
    let is_padded = used == 0 || runs.all(|words| words.last().is_some_and(|last| last >> used == 0));
    if is_padded { Ok(()) } else { Err(Reason::PadBits) }
}

/// As [`bit_rows`], and no sign without a weight.
fn ternary_rows(rows: &[u32], layer: &Layer<'_>) -> Result<(), Reason> {
    let words = layer.row_words().max(1) as usize;
    bit_rows(rows, layer)?;
    let mut pairs = rows.chunks_exact(words.saturating_mul(2));
    let is_subset = pairs.all(|pair| pair.iter().zip(pair.get(words..).unwrap_or(&[])).all(|(m, s)| s & !m == 0));
    if is_subset { Ok(()) } else { Err(Reason::WeightCode) }
}

/// The largest sum of magnitudes of a row of rebuilt weights is as stated.
fn deals(layer: &Layer<'_>, stated: u32) -> Result<(), Reason> {
    let (mut largest, mut sum, mut row) = (0u64, 0u64, 0u32);
    let fan_in = layer.fan_in().max(1);
    streams::each_deal(layer, &mut |index, weight| {
        // A division that the compiler cannot see to be safe would keep a panic path.
        let of = index.checked_div(fan_in).unwrap_or(0);
        if of != row {
            (sum, row) = (0, of);
        }
        sum += u64::from(weight.unsigned_abs());
        largest = largest.max(sum);
    })?;
    if largest == u64::from(stated) { Ok(()) } else { Err(Reason::Bound) }
}

/// Every byte holds five digits, and digits past the end of a row are zero weights.
fn trits(rows: &[u32], layer: &Layer<'_>) -> Result<(), Reason> {
    let (row, used) = (trit_words(layer.fan_in()).max(1) as usize, layer.fan_in());
    let are_valid = rows.chunks_exact(row).all(|row| are_trits(bytemuck::cast_slice(row), used));
    if are_valid { Ok(()) } else { Err(Reason::WeightCode) }
}

/// Whether the bytes of a row hold `left` digits, and zero weights behind them.
fn are_trits(row: &[u8], mut left: u32) -> bool {
    row.iter().all(|&byte| {
        let mut digits = byte;
        (0..left.min(5)).for_each(|_| digits /= 3);
        let pad = [121, 40, 13, 4, 1].get(left as usize).copied().unwrap_or(0);
        left = left.saturating_sub(5);
        byte < 243 && digits == pad
    })
}

/// Values of `bits` bits: those past the end of a row are `pad`.
fn values(rows: &[u32], layer: &Layer<'_>, bits: u32, pad: u32) -> Result<(), Reason> {
    let used = layer.fan_in().wrapping_mul(bits) % WORD_BITS;
    let words = words_of(layer.fan_in().wrapping_mul(bits)).max(1) as usize;
    let is_padded = |row: &[u32]| used == 0 || row.last().is_some_and(|last| last >> used == pad);
    if !rows.chunks_exact(words).all(is_padded) {
        return Err(Reason::PadBits);
    }
    // The nibble of "negative zero" means nothing.
    let is_minus_zero = |word: u32| (0..8).any(|nibble| word >> (4 * nibble) & 15 == 8);
    if matches!(layer.weights, Weights::PowerOfTwo(_)) && rows.iter().any(|&word| is_minus_zero(word)) {
        return Err(Reason::WeightCode);
    }
    Ok(())
}
