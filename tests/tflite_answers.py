#!/usr/bin/env python3
"""Small TFLite models of integers, and what TFLite's own reference kernels answer for them and for models of others.

    tflite_answers.py OUT MODEL.tflite[,DATA...]...

For each model OUT gets NAME.tflite, NAME.x.npy (rows of bytes: those of DATA less 128, then random ones) and NAME.y.npy
(the bytes before a softmax).
"""

import pathlib
import sys

import flatbuffers
import numpy
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

ROWS = 200
TYPES = {"int8": (schema.TensorType.INT8, -128, 127), "uint8": (schema.TensorType.UINT8, 0, 255)}
VERSIONS = {"FULLY_CONNECTED": 5, "RESHAPE": 1}
REAL = {"int8": numpy.int8, "uint8": numpy.uint8}


class Net:
    """A model that is built operator by operator, with random weights."""

    def __init__(self, seed, kind, dims, scale, zero):
        self.random = numpy.random.default_rng(seed)
        self.kind, self.codes = kind, []
        self.buffers = [schema.BufferT()]
        self.tensors, self.operators = [], []
        self.at = self.input = self.tensor("input", dims, scale, zero)

    def tensor(self, name, dims, scale=None, zero=None, data=None, kind=None, axis=0):
        one = schema.TensorT()
        one.name, one.shape, one.buffer = f"{name}{len(self.tensors)}", list(dims), 0
        one.type = {"int32": schema.TensorType.INT32, "float32": schema.TensorType.FLOAT32}.get(kind)
        if one.type is None:
            one.type = TYPES[kind or self.kind][0]
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = numpy.ascontiguousarray(data).reshape(-1).view(numpy.uint8)
            self.buffers.append(buffer)
            one.buffer = len(self.buffers) - 1
        if scale is not None:
            one.quantization = schema.QuantizationParametersT()
            one.quantization.scale = numpy.atleast_1d(numpy.float32(scale))
            one.quantization.zeroPoint = numpy.broadcast_to(zero, one.quantization.scale.shape).astype(numpy.int64)
            one.quantization.quantizedDimension = axis
        self.tensors.append(one)
        return len(self.tensors) - 1

    def op(self, name, inputs, output, options=None, **values):
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), VERSIONS.get(name, 3)
        one = schema.OperatorT()
        one.opcodeIndex, one.inputs, one.outputs = len(self.codes), inputs, [output]
        if options:
            one.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            one.builtinOptions = getattr(schema, options + "T")()
            for key, value in values.items():
                setattr(one.builtinOptions, key, value)
        self.codes.append(code)
        self.operators.append(one)
        self.at = output
        return output

    def scale(self, at=None):
        quant = self.tensors[self.at if at is None else at].quantization
        return float(quant.scale[0]), int(quant.zeroPoint[0])

    def layer(self, name, weights, outputs, dims, zero, options, axis=0, per_channel=True, at=None, out=None, **values):
        """Weights, a bias and the layer itself; the output's scale lets its values fill the range."""
        at = self.at if at is None else at
        source, _ = self.scale(at)
        fan_in = int(numpy.prod(weights)) // outputs
        many = per_channel and self.kind == "int8"
        steps = self.random.uniform(0.002, 0.01, outputs if many else 1).astype(numpy.float32)
        middle = 0 if self.kind == "int8" else 128
        data = (self.random.integers(-127, 128, weights) + middle).astype(REAL[self.kind])
        w = self.tensor("weights", weights, steps, middle, data, axis=axis)
        unit = source * float(steps.mean())
        bias = self.random.integers(-2000, 2000, outputs).astype(numpy.int32)
        b = self.tensor("bias", [outputs], source * steps, 0, bias, kind="int32")
        y = self.tensor(name.lower(), dims, out or unit * 73 * 74 * fan_in**0.5 / 50, zero)
        return self.op(name, [at, w, b], y, options, **values)

    def keep(self, name, dims, options=None, more=(), scale=None, zero=None, **values):
        """An operator whose output has its input's scale unless another is given."""
        old = self.scale()
        y = self.tensor(name.lower(), dims, scale or old[0], old[1] if zero is None else zero)
        return self.op(name, [self.at, *more], y, options, **values)

    def integers(self, values):
        return self.tensor("sizes", numpy.shape(values), data=numpy.array(values, numpy.int32), kind="int32")

    def bytes(self):
        graph, model = schema.SubGraphT(), schema.ModelT()
        graph.tensors, graph.operators, graph.inputs, graph.outputs = self.tensors, self.operators, [self.input], [self.at]
        model.version, model.operatorCodes, model.buffers, model.subgraphs = 3, self.codes, self.buffers, [graph]
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def cnn(last=1):
    """Borders, strides, depthwise filters, pools, a mean, a dense layer; `last` is the activation before the pools."""
    net = Net(1, "int8", [1, 16, 16, 3], 0.02, -3)
    net.keep("PAD", [1, 18, 18, 3], "PadOptions", [net.integers([[0, 0], [1, 1], [1, 1], [0, 0]])])
    move = {"strideH": 2, "strideW": 2, "padding": 1, "fusedActivationFunction": 1}
    net.layer("CONV_2D", [8, 3, 3, 3], 8, [1, 8, 8, 8], -128, "Conv2DOptions", **move)
    move = {"strideH": 1, "strideW": 1, "padding": 0, "depthMultiplier": 2, "fusedActivationFunction": 3}
    out = {"axis": 3, "out": 6 / 255}
    net.layer("DEPTHWISE_CONV_2D", [1, 3, 3, 16], 16, [1, 8, 8, 16], -128, "DepthwiseConv2DOptions", **out, **move)
    window = {"strideH": 2, "strideW": 2, "filterHeight": 2, "filterWidth": 2, "padding": 0}
    net.keep("MAX_POOL_2D", [1, 4, 4, 16], "Pool2DOptions", **window)
    move = {"strideH": 1, "strideW": 1, "padding": 0, "fusedActivationFunction": last}
    net.layer("CONV_2D", [12, 3, 3, 16], 12, [1, 4, 4, 12], -128 if last else 11, "Conv2DOptions", **move)
    if not last:
        net.keep("RELU", [1, 4, 4, 12], scale=net.scale()[0] * 0.6, zero=-128)
    net.keep("AVERAGE_POOL_2D", [1, 2, 2, 12], "Pool2DOptions", **window)
    net.keep("MEAN", [1, 12], "ReducerOptions", [net.integers([1, 2])], scale=net.scale()[0] * 0.7, zero=-100)
    net.layer("FULLY_CONNECTED", [10, 12], 10, [1, 10], 7, "FullyConnectedOptions", per_channel=False)
    net.keep("SOFTMAX", [1, 10], "SoftmaxOptions", scale=1 / 256, zero=-128, beta=1.0)
    return net


def signed():
    """As the first, with a convolution of both signs, whose two roundings no single multiplication has."""
    return cnn(last=0)


def residual():
    """An addition of two branches of one scale, and of one with steps four times as wide."""
    net = Net(2, "int8", [1, 6, 6, 4], 0.05, 10)
    move = {"strideH": 1, "strideW": 1, "padding": 0, "fusedActivationFunction": 1}
    first = net.layer("CONV_2D", [8, 3, 3, 4], 8, [1, 6, 6, 8], -128, "Conv2DOptions", out=0.125, **move)
    second = net.layer("CONV_2D", [8, 1, 1, 8], 8, [1, 6, 6, 8], -128, "Conv2DOptions", out=0.125, **move)
    y = net.tensor("add", [1, 6, 6, 8], 0.21, -128)
    net.op("ADD", [first, second], y, "AddOptions", fusedActivationFunction=1)
    third = net.layer("CONV_2D", [8, 1, 1, 8], 8, [1, 6, 6, 8], -128, "Conv2DOptions", out=0.5, **move)
    y = net.tensor("add", [1, 6, 6, 8], 0.55, -128)
    net.op("ADD", [third, second], y, "AddOptions", fusedActivationFunction=1)
    net.keep("MEAN", [1, 1, 1, 8], "ReducerOptions", [net.integers([1, 2])], keepDims=True)
    net.keep("RESHAPE", [1, 8], "ReshapeOptions", [net.integers([1, 8])], newShape=[1, 8])
    net.layer("FULLY_CONNECTED", [5, 8], 5, [1, 5], -20, "FullyConnectedOptions", at=net.at, per_channel=False)
    return net


def old():
    """Unsigned bytes, as converters made them before int8, with weights of zero point 128."""
    net = Net(3, "uint8", [1, 8, 8, 2], 0.02, 120)
    move = {"strideH": 2, "strideW": 1, "padding": 0, "fusedActivationFunction": 3}
    net.layer("CONV_2D", [6, 3, 3, 2], 6, [1, 4, 8, 6], 0, "Conv2DOptions", out=6 / 255, **move)
    window = {"strideH": 1, "strideW": 2, "filterHeight": 1, "filterWidth": 2, "padding": 1}
    net.keep("AVERAGE_POOL_2D", [1, 4, 4, 6], "Pool2DOptions", **window)
    net.layer("FULLY_CONNECTED", [3, 96], 3, [1, 3], 99, "FullyConnectedOptions")
    net.keep("LOGISTIC", [1, 3], scale=1 / 256, zero=0)
    return net


def uneven():
    """An addition that no integers do exactly."""
    net = Net(4, "int8", [1, 4, 4, 2], 0.05, 0)
    move = {"strideH": 1, "strideW": 1, "padding": 0}
    first = net.layer("CONV_2D", [2, 1, 1, 2], 2, [1, 4, 4, 2], 0, "Conv2DOptions", out=0.11, **move)
    second = net.layer("CONV_2D", [2, 1, 1, 2], 2, [1, 4, 4, 2], 0, "Conv2DOptions", out=0.1, **move)
    net.op("ADD", [first, second], net.tensor("add", [1, 4, 4, 2], 0.2, 0), "AddOptions")
    return net


def repaired(model):
    """The axis of scales of a bias is 3 in some old files, which TFLite refuses since; it has only one."""
    tree = schema.ModelT.InitFromPackedBuf(model, 0)
    for tensor in tree.subgraphs[0].tensors:
        if tensor.quantization is not None and len(tensor.shape) == 1:
            tensor.quantization.quantizedDimension = 0
    builder = flatbuffers.Builder(1024)
    builder.Finish(tree.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def answers(model, given):
    """Rows and what the reference kernels make of them, before a softmax or the like, and before real numbers."""
    resolver = OpResolverType.BUILTIN_REF
    net = Interpreter(model_content=model, experimental_op_resolver_type=resolver, experimental_preserve_all_tensors=True)
    net.allocate_tensors()
    operators = net._get_ops_details()
    source, result = net.get_input_details()[0], net.get_output_details()[0]["index"]
    first = source["index"]
    for one in operators:
        if one["op_name"] == "QUANTIZE" and one["inputs"][0] == first:
            first = one["outputs"][0]
        if one["op_name"] in ("SOFTMAX", "LOGISTIC", "DEQUANTIZE") and one["outputs"][0] == result:
            result = one["inputs"][0]
    details = {one["index"]: one for one in net.get_tensor_details()}
    kind = details[first]["dtype"]
    (scale,), (zero,) = (details[first]["quantization_parameters"][key] for key in ("scales", "zero_points"))
    low, high = numpy.iinfo(kind).min, numpy.iinfo(kind).max
    random = numpy.random.default_rng(5)
    size = int(numpy.prod(source["shape"]))
    count = 256 if size == 1 else ROWS
    rows = numpy.arange(low, high + 1) if size == 1 else random.integers(low, high + 1, (count, size))
    rows = [*given, *rows.reshape(count, size).astype(kind)]
    outputs = []
    for row in rows:
        real = row if source["dtype"] == kind else (row.astype(numpy.float32) - zero) * numpy.float32(scale)
        net.set_tensor(source["index"], real.reshape(source["shape"]).astype(source["dtype"]))
        net.invoke()
        assert (net.get_tensor(first).reshape(-1) == row).all(), "the bytes are not those that were asked for"
        outputs.append(net.get_tensor(result).reshape(-1).astype(numpy.int32))
    return numpy.stack(rows), numpy.stack(outputs)


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    models = {one.__name__: one().bytes() for one in (cnn, signed, residual, old, uneven)}
    given = {}
    for argument in sys.argv[2:]:
        name, *data = map(pathlib.Path, argument.split(","))
        models[name.stem] = repaired(name.read_bytes()) if name.stem == "person_detect" else name.read_bytes()
        rows = [numpy.frombuffer(one.read_bytes(), numpy.uint8) for one in data]
        given[name.stem] = [(row.astype(int) - 128).astype(numpy.int8) for row in rows]
    for name, model in models.items():
        (out / f"{name}.tflite").write_bytes(model)
        rows, outputs = answers(model, given.get(name, []))
        numpy.save(out / f"{name}.x.npy", rows)
        numpy.save(out / f"{name}.y.npy", outputs)
        print(name, rows.shape, outputs.shape, outputs.min(), outputs.max())


if __name__ == "__main__":
    main()
