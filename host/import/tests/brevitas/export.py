#!/usr/bin/env python3
"""Writes small nets by Brevitas' exporters of QONNX, with rows and the answers of Brevitas itself.

    python export.py FOLDER PREFIX [--dynamo]

The files beside this script are of Brevitas 0.13.4 and

- `one_*`: Debian's PyTorch 1.13.0, NumPy 1.26.4 (its only exporter);
- `two_*`: PyTorch 2.15.0, NumPy 1.26.4, the exporter of TorchScript;
- `dyn_*`: the same with `--dynamo`.

All with onnx 1.17.0, onnxoptimizer 0.4.2 and qonnx 1.0.0, on a CPU; another PyTorch draws other weights.
Weights are random, and a hundred batches of random rows set the scales and norms, as learning would.
Each net gives FOLDER/PREFIX_NET.onnx, .rows.npy (the integers of its first quantiser) and .scores.npy (32-bit floats).
"""

import argparse

import brevitas.nn as qnn
import numpy as np
import onnx
import torch
from brevitas.export import export_qonnx
from brevitas.quant import (
    Int8Bias,
    Int8WeightPerChannelFloat,
    Int8WeightPerTensorFloat,
    Int16Bias,
    Int32Bias,
    SignedBinaryActPerTensorConst,
    SignedBinaryWeightPerTensorConst,
    TruncTo8bit,
    Uint8ActPerTensorFloat,
)
from brevitas.quant_tensor import QuantTensor
from torch import nn

ROWS = 64


def plain(x):
    """The numbers alone; while exporting there is nothing else."""
    return x.value if isinstance(x, QuantTensor) else x


def dense(inputs, outputs, bits, bias=True, **keys):
    keys.setdefault("weight_quant", Int8WeightPerTensorFloat)
    return qnn.QuantLinear(inputs, outputs, bias=bias, weight_bit_width=bits, **keys)


def conv(inputs, outputs, size, bits, **keys):
    quant = Int8WeightPerChannelFloat
    return qnn.QuantConv2d(inputs, outputs, size, bias=False, weight_quant=quant, weight_bit_width=bits, **keys)


def mlp():
    """Two-bit weights, biases of floats, norms, four-bit relus."""
    return nn.Sequential(
        qnn.QuantIdentity(bit_width=8),
        *(dense(20, 24, 2), nn.BatchNorm1d(24), qnn.QuantReLU(bit_width=4)),
        *(dense(24, 16, 2), nn.BatchNorm1d(16), qnn.QuantReLU(bit_width=4)),
        dense(16, 5, 2),
    )


def binary():
    """Weights and activations of one bit."""
    sign = lambda: qnn.QuantIdentity(act_quant=SignedBinaryActPerTensorConst, scaling_init=1.0)
    keys = dict(bias=False, weight_quant=SignedBinaryWeightPerTensorConst, weight_scaling_init=0.5)
    linear = lambda inputs, outputs: qnn.QuantLinear(inputs, outputs, **keys)
    return nn.Sequential(
        qnn.QuantIdentity(bit_width=8),
        *(linear(20, 32), nn.BatchNorm1d(32), sign()),
        *(linear(32, 32), nn.BatchNorm1d(32), sign()),
        *(linear(32, 5), nn.BatchNorm1d(5)),
    )


class Convolutions(nn.Module):
    """Depthwise and pointwise, padding, a scale for each channel, eight-bit and four-bit relus, both pools."""

    def __init__(self):
        super().__init__()
        self.start = qnn.QuantIdentity(bit_width=8)
        self.first = nn.Sequential(conv(2, 8, 3, 4, padding=1), nn.BatchNorm2d(8), qnn.QuantReLU(bit_width=4))
        self.pool = nn.MaxPool2d(2)
        self.wise = nn.Sequential(
            *(conv(8, 8, 3, 4, padding=1, groups=8), nn.BatchNorm2d(8), qnn.QuantReLU(bit_width=4)),
            *(conv(8, 12, 1, 4), nn.BatchNorm2d(12)),
            qnn.QuantReLU(bit_width=8, act_quant=Uint8ActPerTensorFloat, return_quant_tensor=True),
        )
        self.average = qnn.TruncAvgPool2d(kernel_size=2, trunc_quant=TruncTo8bit)
        self.scores = dense(48, 5, 4)

    def forward(self, x):
        x = self.average(self.wise(self.pool(self.first(self.start(x)))))
        return self.scores(torch.flatten(plain(x), 1))


class Residual(nn.Module):
    """Two branches behind one quantiser, whose sum is quantised."""

    def __init__(self):
        super().__init__()
        self.start = qnn.QuantIdentity(bit_width=8)
        self.one = nn.Sequential(conv(2, 6, 3, 4, padding=1), nn.BatchNorm2d(6))
        self.two = nn.Sequential(qnn.QuantReLU(bit_width=4), conv(6, 6, 3, 4, padding=1), nn.BatchNorm2d(6))
        shared = qnn.QuantIdentity(bit_width=4, return_quant_tensor=True)
        self.add = qnn.QuantEltwiseAdd(input_quant=shared.input_quant, output_quant=None)
        self.shared, self.after = shared, qnn.QuantReLU(bit_width=4)
        self.scores = dense(6 * 36, 5, 4)

    def forward(self, x):
        one = self.shared(self.one(self.start(x)))
        two = self.shared(self.two(plain(one)))
        return self.scores(torch.flatten(self.after(one + two), 1))


def biases():
    """Biases of 8, 16 and 32 bits, in the scale of the sums or one of their own."""
    keys = dict(return_quant_tensor=True)
    return nn.Sequential(
        qnn.QuantIdentity(bit_width=8, **keys),
        *(dense(20, 16, 4, bias_quant=Int8Bias), qnn.QuantReLU(bit_width=4, **keys)),
        *(dense(16, 16, 4, bias_quant=Int16Bias), qnn.QuantReLU(bit_width=4, **keys)),
        dense(16, 5, 4, bias_quant=Int32Bias),
    )


NETS = {
    "mlp": (mlp, (20,)),
    "binary": (binary, (20,)),
    "conv": (Convolutions, (2, 8, 8)),
    "residual": (Residual, (2, 6, 6)),
    "bias": (biases, (20,)),
}


def learned(model, shape):
    """Scales and running statistics as after learning; factors and offsets of norms that are not 1 and 0."""
    with torch.no_grad():
        for layer in model.modules():
            if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)):
                layer.weight.copy_(0.5 + torch.rand_like(layer.weight))
                layer.weight[0] *= -1.0
                layer.bias.copy_(0.5 * torch.randn_like(layer.bias))
        model.train()
        for _ in range(100):
            model(torch.randn(32, *shape))
    return model.eval()


def bare(path):
    """Drops what is for people, such as the paths of the machine that exported."""
    model = onnx.load(path)
    for thing in [model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.initializer]:
        for field in ("metadata_props", "doc_string"):
            if any(known.name == field for known in thing.DESCRIPTOR.fields):
                thing.ClearField(field)
    del model.functions[:]
    onnx.save(model, path)


def export(name, said):
    make, shape = NETS[name]
    torch.manual_seed(7)
    model = learned(make(), shape)
    start = model.start if hasattr(model, "start") else model[0]
    scale = start.act_quant.scale() if hasattr(start, "act_quant") else start.quant_act_scale()
    rows = np.random.default_rng(5).integers(-127, 128, (ROWS, *shape))
    with torch.no_grad():
        scores = model(torch.tensor(rows.tolist(), dtype=torch.float32) * scale)
    scores = np.array(plain(scores).tolist(), np.float32)
    path = f"{said.folder}/{said.prefix}_{name}"
    options = dict(dynamo=True, optimize=True) if said.dynamo else dict(dynamo=False)
    export_qonnx(model, args=torch.randn(1, *shape), export_path=f"{path}.onnx", **options)
    bare(f"{path}.onnx")
    # The device's bytes come with channels last.
    np.save(f"{path}.rows.npy", (np.moveaxis(rows, 1, -1) if len(shape) > 1 else rows).reshape(ROWS, -1).astype(np.int8))
    np.save(f"{path}.scores.npy", scores)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("prefix")
    parser.add_argument("--dynamo", action="store_true")
    parser.add_argument("--only", choices=NETS)
    said = parser.parse_args()
    for name in [said.only] if said.only else NETS:
        export(name, said)


if __name__ == "__main__":
    main()
