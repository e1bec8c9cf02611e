//! The window that a convolution or a pool slides over its input.

use crate::{Kind, Reason, Shape};

/// What a convolution sees outside its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PadValue {
    /// True zero: taps outside contribute nothing.
    Zero,
    /// Every channel outside is -1; sign tensors only.
    MinusOne,
    /// Every channel outside is +1; sign tensors only.
    PlusOne,
    /// Every channel outside is this level, which is not 0: unsigned tensors and bytes only.
    Level(i32),
}

impl PadValue {
    #[cfg(feature = "alloc")]
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Zero => 0,
            Self::MinusOne => 1,
            Self::PlusOne => 2,
            Self::Level(_) => 3,
        }
    }

    /// Of the code and the level, which other codes leave alone.
    pub(crate) const fn from_code(code: u8, level: i32) -> Option<Self> {
        match code {
            0 => Some(Self::Zero),
            1 => Some(Self::MinusOne),
            2 => Some(Self::PlusOne),
            3 => Some(Self::Level(level)),
            _ => None,
        }
    }

    /// What every value outside the input is.
    pub const fn value(self) -> i32 {
        match self {
            Self::Zero => 0,
            Self::MinusOne => -1,
            Self::PlusOne => 1,
            Self::Level(level) => level,
        }
    }

    /// Whether plane `plane` is all ones outside the input, of signs or of unsigned values.
    pub const fn is_one(self, plane: u32) -> bool {
        match self {
            Self::Zero | Self::MinusOne => false,
            Self::PlusOne => true,
            Self::Level(level) => level.wrapping_shr(plane) & 1 == 1,
        }
    }

    /// Whether a convolution over values of `kind` (never accumulators) may have it; true zero suits every operation.
    pub(crate) const fn suits(self, kind: Kind) -> bool {
        // Signs have codes of their own, all others a level; what stands for a zero has its code.
        let (is_sign, is_level) = (matches!(kind, Kind::Sign), matches!(self, Self::Level(_)));
        let ((low, high), value) = (kind.range(), self.value());
        matches!(self, Self::Zero) || (is_sign != is_level && low <= value && value <= high && value != 0)
    }
}

/// Kernel, stride and padding, in rows then columns.
///
/// A dense layer is the window that covers the whole input once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Window {
    /// Kernel height and width, at least 1.
    pub kernel: [u32; 2],
    /// Steps down and right, 1 to 255.
    pub stride: [u32; 2],
    /// Rows above, columns left, rows below, columns right; each at most 255 and smaller than
    /// the kernel.
    pub padding: [u32; 4],
}

impl Window {
    /// The window of a dense layer over `input`.
    pub const fn whole(input: Shape) -> Self {
        Self { kernel: [input.height, input.width], stride: [1, 1], padding: [0; 4] }
    }

    /// A window of 1 x 1 without padding.
    pub const fn unit() -> Self {
        Self { kernel: [1, 1], stride: [1, 1], padding: [0; 4] }
    }

    /// Taps of one window.
    pub const fn taps(&self) -> u32 {
        self.kernel[0].wrapping_mul(self.kernel[1])
    }

    /// Whether a tap can lie outside the input.
    pub const fn is_padded(&self) -> bool {
        let [top, left, bottom, right] = self.padding;
        top | left | bottom | right != 0
    }

    /// Output height and width over `input`.
    ///
    /// # Errors
    /// [`Reason::Window`] where the kernel is empty, exceeds the padded input, or the padding is not smaller than the kernel.
    pub fn output(&self, input: Shape) -> Result<[u32; 2], Reason> {
        let [top, left, bottom, right] = self.padding;
        let rows = steps(input.height, self.kernel[0], self.stride[0], top, bottom);
        let columns = steps(input.width, self.kernel[1], self.stride[1], left, right);
        rows.zip(columns).map(|(rows, columns)| [rows, columns]).ok_or(Reason::Window)
    }
}

/// Positions of a kernel along one axis.
fn steps(size: u32, kernel: u32, stride: u32, before: u32, after: u32) -> Option<u32> {
    let (limit, most) = (0xffff, 0xff);
    let is_empty = kernel == 0 || stride == 0 || before >= kernel || after >= kernel;
    if is_empty || kernel > limit || size > limit || stride.max(before).max(after) > most {
        return None;
    }
    let room = (size + before + after).checked_sub(kernel)?;
    Some(room.checked_div(stride)? + 1)
}
