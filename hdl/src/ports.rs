//! What the ports of the accelerator carry in a cycle.

/// A byte of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamByte {
    /// The byte.
    pub value: u8,
    /// The last byte of its frame or result.
    pub last: bool,
}

/// What the inputs carry at a rising edge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stimulus {
    /// Returns every register to its start; nothing that is offered is taken.
    pub reset: bool,
    /// The byte of the input that is offered.
    pub input: Option<StreamByte>,
    /// The byte of the result is taken.
    pub out_ready: bool,
    /// The byte of the weights' image that is offered, where they are loaded.
    pub load: Option<StreamByte>,
}

impl Stimulus {
    /// An edge without reset.
    pub const fn new(input: Option<StreamByte>, out_ready: bool) -> Self {
        Self { reset: false, input, out_ready, load: None }
    }

    /// The same with a byte at the load port.
    pub const fn with_load(self, load: Option<StreamByte>) -> Self {
        Self { load, ..self }
    }

    /// An edge with reset, at which nothing is offered.
    pub const RESET: Self = Self { reset: true, input: None, out_ready: false, load: None };
}

/// What the outputs show in a cycle, before its rising edge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// A byte of the input is taken, if one is offered.
    pub in_ready: bool,
    /// The byte of the result that is offered.
    pub out: Option<StreamByte>,
    /// The last frame had a wrong length and was dropped.
    pub frame_error: bool,
    /// What the load port shows, where weights are loaded.
    pub load: Option<LoadPorts>,
}

/// What the load port shows in a cycle, before its rising edge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadPorts {
    /// A byte of the image is taken, if one is offered.
    pub ready: bool,
    /// The image has come, and its CRC was right: frames are taken.
    pub loaded: bool,
    /// The load was too short, too long or damaged; until the next one begins.
    pub error: bool,
}
