//! Where the sequencer is, and what it sees of the other blocks.

/// What the sequencer sees of its neighbours.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Status {
    /// A patch is complete.
    pub patch_ready: bool,
    /// The sender has room for a whole group.
    pub room: bool,
    /// The array has finished everything that was issued.
    pub idle: bool,
    /// The word after the last one that was issued is the last of its list.
    pub list_end: bool,
    /// The weights of the group have been made.
    pub rebuilt: bool,
}

/// Where the sequencer is; the numbers are those of the Verilog.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// Take over a row of the table.
    #[default]
    Load = 0,
    /// Wait for a patch, or for room at the sender.
    Wait = 1,
    /// Walk the window.
    Run = 2,
    /// Add the residual.
    Residual = 3,
    /// Add the biases.
    Bias = 4,
    /// Emit the accumulators, lane by lane.
    Emit = 5,
    /// Finish the group.
    Done = 6,
    /// Wait until all outputs are written.
    Drain = 7,
    /// Double the accumulators and add the sum of the window; in depthwise rows double all channels before their next
    /// plane, or take what they have counted.
    Scale = 8,
    /// Wait until the rebuilder has made the weights of the group.
    Rebuild = 9,
}
