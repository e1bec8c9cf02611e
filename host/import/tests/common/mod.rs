//! What tests of imported models share.

use bitfab_compile::{Rounded, Worth};
use bitfab_format::Model;
use bitfab_import::{Said, Stated};
use bitfab_kernels::{reference, values};

/// What a user is told of a model: what its output stands for, and where levels may be neighbouring ones.
pub fn said(model: &Model<'_>, rounded: &[Rounded]) -> Said {
    let mut said = Said::default();
    let mut error = 0;
    for one in rounded {
        match one {
            Rounded::Levels { node, levels: 1, .. } => drop(said.neighbours.insert(node.clone())),
            Rounded::Scores { units, .. } => error = *units,
            other => panic!("{other}"),
        }
    }
    said.output = Worth::of(model).map(|Worth { unit, constant }| Stated { unit, constant, error });
    said
}

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
