//! The types of the crates below that the functions here take and give, by room; what is not here is theirs alone.

/// Compilation: options, what is rounded, and what scores are worth.
pub mod compile {
    pub use bitfab_compile::{CompileError, CompileOptions, Compiled, Prefer, Rounded, Worth, bytes, update};
}

/// Tables, arrays and data sets: rows in, coded and split rows out.
pub mod data {
    pub use bitfab_data::*;
}

/// The model file.
pub mod format {
    pub use bitfab_format::{
        FormatError, Kind, Layer, Layers, Model, OutputScale, Reason, Region, Shape, Tensor, WeightKind, align, digest,
    };
}

/// The network between "learned" and "packed".
pub mod graph {
    pub use bitfab_graph::*;
}

/// The accelerator: its options, its size and its cycles.
pub mod hdl {
    pub use bitfab_hdl::{
        Chip, Cycles, HdlError, Interface, Memories, MemoryFile, MemorySize, ModuleName, Options, Program, Purpose,
        Sources, Style, TopPort, Weights, Wire, cycles,
    };
}

/// Other people's models.
pub mod import {
    pub use bitfab_import::{
        Array, Attribute, Change, Channels, Cure, Entry, Folded, ImportError, ImportOptions, Imported, Input, InputMap,
        Prepared, Ranges, Source, SourceNode, Start, Tie, layers, onnx, operators, tflite,
    };
}

/// Tables and pictures.
pub mod report {
    pub use bitfab_report::*;
}

/// Engines, and the tools that build the accelerator.
pub mod sim {
    pub use bitfab_sim::{CodedRow, Engine, Evidence, Rows, Run, SimError, board, qemu, software, synth, verify};

    /// The accelerator's circuit, simulated by rust-hdl.
    pub mod rtl {
        pub use bitfab_sim::rtl::{CycleModel, RustHdl, Stalls, run_with_waveform};
    }
}

/// Learning: settings, methods, a run and what it tells.
pub mod train {
    pub use bitfab_train::{
        Architecture, Best, CHECKPOINT_MAGIC, Choice, ClassWeights, Dataset, EpochReport, Evaluation, InputCoding,
        Keep, LayerMethod, OptimizerKind, Outcome, Progress, Silent, Split, Standing, TrainConfig, TrainError, Trainer,
        Watch, digits, forms, methods,
    };
}
