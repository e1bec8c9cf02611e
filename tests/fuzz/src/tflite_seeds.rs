//! Writes a starting corpus of small valid TFLite files, as the reader's own tests build them.

use std::path::Path;

#[path = "../../../host/import/src/tflite/tests/build.rs"]
#[allow(dead_code)]
mod build;

fn main() {
    let folder = std::env::args().nth(1).expect("a folder");
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder).expect("a folder");
    let graph = build::small();
    let mut unsigned = build::small();
    for at in [0, 1, 3, 4, 5] {
        let tensor = &mut unsigned.tensors[at];
        (tensor.kind, tensor.scales, tensor.zeros) = (build::UINT8, vec![0.5], vec![100]);
        tensor.data.iter_mut().for_each(|byte| *byte = byte.wrapping_add(100));
    }
    // A pool and a softmax instead of the dense layer.
    let mut pooled = build::small();
    let window = [build::byte(0), build::word(1), build::word(1), build::word(2), build::word(1)];
    pooled.tensors.drain(4..);
    pooled.tensors.push(build::Tensor::new("p", &[1, 1, 2, 2], build::INT8, 1.0, -128));
    let (inputs, outputs, options) = (vec![3], vec![4], window.to_vec());
    pooled.operators[1] = build::Operator { code: 17, inputs, outputs, kind: 5, options };
    for (name, graph) in [("signed", graph), ("unsigned", unsigned), ("pooled", pooled)] {
        std::fs::write(folder.join(name), graph.file()).expect("a file");
    }
}
