//! What tests of imported models share.

use bitfab_format::Model;
use bitfab_kernels::{reference, values};

/// Plain values of every layer by name, by the reference kernels.
pub fn run(model: &Model<'_>, bytes: &[u8]) -> Vec<(String, Vec<i32>)> {
    let mut input = vec![0; bytes.len()];
    values::unpack(&model.input(), bytes, &[], &mut input);
    let mut tensors = vec![(String::new(), input)];
    for layer in model.layers() {
        let mut output = vec![0; layer.output.shape.volume() as usize];
        let residual = layer.residual.map_or(&[][..], |from| &tensors[usize::from(from.index)].1);
        reference::run(&layer, &tensors[usize::from(layer.input_index)].1, residual, &mut output);
        tensors.push((layer.name.to_string(), output));
    }
    tensors
}
