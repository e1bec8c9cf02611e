//! The executor against hand-made values and against the cases of ONNX itself.

mod node_cases;
mod random;
mod readme;
mod values;
