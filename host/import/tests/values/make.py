"""Writes the two networks of this folder: python3 make.py FOLDER_OF_MAGIC (`bitfab data get magic` says which).

Both take the ten real values of MAGIC's showers as they are: (x - mean) / sd comes first. `floats.onnx` has real
weights and no quantiser; `quantised.onnx` is the same network with weights of 4 bits, its normalised input and its
hidden layer quantised.
"""
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

os.chdir(os.path.dirname(os.path.abspath(__file__)))
lines = [line.split(",") for line in open(os.path.join(sys.argv[1], "magic.dat")).read().split()]
lines = [line for line in lines if len(line) == 11 and not line[0].startswith("@")]
x = np.array([line[:10] for line in lines], np.float32).astype(float)
y = np.array([line[10] == "h" for line in lines], int)
mean, sd = x.mean(0), x.std(0)
rng = np.random.default_rng(1)
order = rng.permutation(len(x))
u, y = ((x - mean) / sd)[order], y[order]

w1, b1 = rng.normal(0, 0.4, (10, 24)), np.zeros(24)
w2, b2 = rng.normal(0, 0.3, (24, 2)), np.zeros(2)
parameters = [w1, b1, w2, b2]
momentum = [np.zeros_like(p) for p in parameters]
for step in range(6000):
    at = rng.integers(0, len(u), 64)
    hidden = np.maximum(u[at] @ w1 + b1, 0)
    scores = hidden @ w2 + b2
    error = np.exp(scores - scores.max(1, keepdims=True))
    error = error / error.sum(1, keepdims=True) - np.eye(2)[y[at]]
    back = (error @ w2.T) * (hidden > 0)
    gradients = [u[at].T @ back, back.sum(0), hidden.T @ error, error.sum(0)]
    for p, g, m in zip(parameters, gradients, momentum):
        m *= 0.9
        m += g / 64
        p -= 0.05 * (1 - step / 6000) * m
right = (np.maximum(u @ w1 + b1, 0) @ w2 + b2).argmax(1) == y
print(f"{100 * right.mean():.2f} % of all rows in floats")


def save(name, nodes, constants):
    tensors = [numpy_helper.from_array(np.asarray(value, np.float32), key) for key, value in constants.items()]
    value = lambda key, width: helper.make_tensor_value_info(key, TensorProto.FLOAT, ["N", width])
    graph = helper.make_graph(nodes, "magic", [value("x", 10)], [value("y", 2)], tensors)
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("qonnx.custom_op.general", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), name)


node = helper.make_node
begin = [node("Sub", ["x", "mean"], ["a"], "centre"), node("Div", ["a", "sd"], ["u"], "scale")]
constants = {"mean": mean, "sd": sd, "w1": w1, "b1": b1, "w2": w2, "b2": b2}
save("floats.onnx", [
    *begin,
    node("Gemm", ["u", "w1", "b1"], ["s"], "first"),
    node("Relu", ["s"], ["h"], "bend"),
    node("Gemm", ["h", "w2", "b2"], ["y"], "last"),
], constants)

quant = lambda x, to, step, bits, signed: node("Quant", [x, step, "zero", bits], [to], to + "_quant", signed=signed, narrow=0, rounding_mode="ROUND", domain="qonnx.custom_op.general")
save("quantised.onnx", [
    *begin,
    quant("u", "q", "step_q", "eight", 1),
    quant("w1", "v1", "step_1", "four", 1),
    quant("w2", "v2", "step_2", "four", 1),
    node("MatMul", ["q", "v1"], ["m"], "first"),
    node("Add", ["m", "b1"], ["s"], "bias"),
    node("Relu", ["s"], ["r"], "bend"),
    quant("r", "h", "step_h", "four", 0),
    node("MatMul", ["h", "v2"], ["l"], "last"),
    node("Add", ["l", "b2"], ["y"], "last_bias"),
], constants | {"step_q": 1 / 16, "step_1": abs(w1).max() / 7.5, "step_2": abs(w2).max() / 7.5, "step_h": 0.5, "zero": 0, "eight": 8, "four": 4})
