from __future__ import annotations

import hashlib
import pickle
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from skimage import data

from fastdup_nb.embeddings import (
    DEFAULT_MODEL,
    GENERIC_PRESETS,
    MODELS,
    CallableEncoder,
    Descriptors,
    Encoder,
    OnnxEncoder,
    load_encoder,
    presets_for,
)
from fastdup_nb.embeddings._prepare import find_frame, fit_square
from fastdup_nb.errors import FastdupError, ParameterError, ParameterTypeError, SourceNotFoundError

MODEL = MODELS[DEFAULT_MODEL]
# of chelsea, made by tools/export_encoder.py's file
PINNED_VECTOR = [0.3048, 0.0565, 0.0036, -0.0692, -0.0104, -0.0669, -0.0566, -0.0155]
PINNED_DETAILS = [109, 108, 146, 125, 115, 96, 103, 115]


def mean_color(batch):
    return batch.mean(axis=(1, 2)) + 1


def brightest_color(batch):
    return batch.max(axis=(1, 2)) + 1.0


@pytest.fixture(scope="module")
def encoder():
    return load_encoder()


@pytest.fixture(scope="module")
def batch(encoder):
    pictures = [data.chelsea(), data.coffee(), data.rocket(), data.astronaut(), data.camera()]
    return np.stack([encoder.prepare(Image.fromarray(p)) for p in pictures])


# the bundled model


def test_the_model_file_is_the_one_described():
    content = MODEL.path.read_bytes()
    assert len(content) < 8_000_000
    assert hashlib.sha256(content).hexdigest() == MODEL.sha256
    assert MODEL.path.with_name(f"LICENSE.{MODEL.name}").read_text().count("Apache License, Version 2.0") >= 1


def test_a_known_picture_has_the_pinned_descriptor(encoder, batch):
    found = encoder.encode(batch[:1])
    np.testing.assert_allclose(found.vectors[0, :8], PINNED_VECTOR, atol=1e-3)
    np.testing.assert_allclose(found.details[0, :8].astype(int), PINNED_DETAILS, atol=1)


def test_vectors_and_details_have_the_described_form(encoder, batch):
    found = encoder.encode(batch)
    assert found.vectors.shape == (len(batch), MODEL.n_features)
    assert found.vectors.dtype == np.float32
    assert found.details.shape == (len(batch), MODEL.n_details)
    assert found.details.dtype == np.uint8
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_the_size_of_a_batch_does_not_change_descriptors(encoder, batch, size):
    together = encoder.encode(batch)
    parts = [encoder.encode(batch[i : i + size]) for i in range(0, len(batch), size)]
    np.testing.assert_allclose(np.concatenate([p.vectors for p in parts]), together.vectors, atol=1e-3)
    assert np.array_equal(np.concatenate([p.details for p in parts]), together.details)


def test_an_empty_batch_gives_no_rows(encoder, batch):
    found = encoder.encode(batch[:0])
    assert found.vectors.shape == (0, MODEL.n_features)
    assert found.details.shape == (0, MODEL.n_details)


def test_many_threads_get_what_one_gets(batch):
    encoder = pickle.loads(pickle.dumps(load_encoder()))  # noqa: S301  unopened, so that threads race to open it
    expected = load_encoder().encode(batch).vectors
    found = {}

    def work(number):
        found[number] = encoder.encode(batch).vectors

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for vectors in found.values():
        np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_the_details_are_the_picture_in_small(encoder, batch):
    gray = batch[0].astype(float) @ [0.299, 0.587, 0.114]
    small = gray.reshape(16, 8, 16, 8).mean(axis=(1, 3))
    np.testing.assert_allclose(encoder.encode(batch[:1]).details[0].reshape(16, 16), small, atol=1)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((1, 8, 8, 3), np.uint8),
        np.zeros((MODEL.input_size, MODEL.input_size, 3), np.uint8),
        np.zeros((1, MODEL.input_size, MODEL.input_size, 3), np.float32),
        [1, 2],
    ],
)
def test_a_batch_of_the_wrong_form_is_refused(encoder, wrong):
    with pytest.raises(ParameterError, match=r"The .batch. parameter of BundledEncoder\.encode must be a uint8 array"):
        encoder.encode(wrong)


# fitting


def drawn(width=120, height=80):
    return Image.fromarray(np.random.default_rng(0).integers(0, 200, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1", "I;16", "F"])
@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (2000, 1500), (33, 47)])
def test_a_picture_of_any_mode_and_shape_is_fitted(mode, size):
    fitted = fit_square(Image.new(mode, size), 64)
    assert fitted.shape == (64, 64, 3)
    assert fitted.dtype == np.uint8


@pytest.mark.parametrize("fit", ["half", "squash", "crop"])
@pytest.mark.parametrize("width", [5, 77, 331, 1009])
def test_every_fit_takes_every_aspect_ratio(fit, width):
    for height in (3, 64, 173, 500):
        assert fit_square(Image.new("RGB", (width, height)), 48, fit=fit, cut_frame=False).shape == (48, 48, 3)


def test_a_plain_frame_is_found():
    framed = ImageOps.expand(drawn(), border=(13, 20), fill=(243, 243, 247))
    assert find_frame(np.asarray(framed)) == (13, 20, 133, 100)


def test_letterbox_bars_are_found():
    assert find_frame(np.asarray(ImageOps.expand(drawn(), border=(0, 20), fill="black"))) == (0, 20, 120, 100)


def test_a_picture_without_frame_is_left_whole():
    assert find_frame(np.asarray(drawn())) == (0, 0, 120, 80)


def test_a_plain_picture_is_left_whole():
    assert find_frame(np.full((40, 60, 3), 200, np.uint8)) == (0, 0, 60, 40)


def test_a_small_object_on_a_plain_background_keeps_its_background():
    pixels = np.full((100, 100, 3), 255, np.uint8)
    y, x = np.ogrid[:100, :100]
    pixels[(y - 50) ** 2 + (x - 50) ** 2 < 20**2] = 0
    assert find_frame(pixels) == (0, 0, 100, 100)


def test_a_frame_that_is_nearly_all_of_the_picture_is_kept():
    assert find_frame(np.asarray(ImageOps.expand(drawn(20, 20), border=100, fill="white"))) == (0, 0, 220, 220)


def test_a_framed_copy_is_prepared_like_its_original(encoder):
    cat = Image.fromarray(data.chelsea())
    framed = ImageOps.expand(cat, border=40, fill="white")
    difference = encoder.prepare(cat).astype(int) - encoder.prepare(framed)
    assert np.abs(difference).mean() < 1


# what a user may bring


def test_a_name_a_path_an_encoder_and_a_function_are_encoders(encoder):
    for spec in (DEFAULT_MODEL, encoder, mean_color, MODEL.path, str(MODEL.path)):
        assert isinstance(load_encoder(spec), Encoder)
    assert load_encoder(encoder) is encoder


@pytest.mark.parametrize("spec", ["resnet50", "model.pt", Path("model.pt"), 5, None, CallableEncoder])
def test_what_is_no_encoder_is_refused_with_what_would_be(spec):
    with pytest.raises(FastdupError, match="'encoder' parameter must be one of 'efficientnet-lite0', the path of an"):
        load_encoder(spec)


def test_a_missing_onnx_file_is_named():
    with pytest.raises(SourceNotFoundError, match=r"There is no nowhere\.onnx"):
        load_encoder("nowhere.onnx")


def test_a_file_that_is_no_model_is_refused(tmp_path):
    path = tmp_path / "bad.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(ParameterError, match="cannot be opened as an ONNX model"):
        OnnxEncoder(path)


def test_the_bundled_file_as_a_users_model_gives_the_same_vectors(encoder, batch):
    own = OnnxEncoder(MODEL.path)
    assert own.input_size == MODEL.input_size
    found = own.encode(batch)
    assert found.details is None
    np.testing.assert_allclose(found.vectors, encoder.encode(batch).vectors, atol=1e-3)
    assert len(own.encode(batch[:0])) == 0


def test_what_is_set_for_a_users_model_is_part_of_its_key():
    keys = {OnnxEncoder(MODEL.path).key, OnnxEncoder(MODEL.path, fit="crop").key}
    keys.add(OnnxEncoder(MODEL.path, output="vectors").key)
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_size": 64}, "'input_size' parameter of OnnxEncoder is 64, but the model takes 128"),
        ({"layout": "NCHW"}, "'layout' parameter of OnnxEncoder is 'NCHW'"),
        ({"layout": "HWC"}, "'layout' parameter of OnnxEncoder must be one of"),
        ({"mean": 0.5}, "'mean' parameter of OnnxEncoder is of no use"),
        ({"output": "logits"}, "'output' parameter of OnnxEncoder must be one of 'vectors', 'details'"),
        ({"fit": "stretch"}, "'fit' parameter of OnnxEncoder must be one of"),
    ],
)
def test_a_wrong_option_of_a_users_model_is_explained(options, message):
    with pytest.raises(ParameterError, match=message):
        OnnxEncoder(MODEL.path, **options)


def test_a_users_model_of_too_large_pictures_is_refused_at_once(monkeypatch):
    monkeypatch.setattr("fastdup_nb.embeddings._onnx._LARGEST", 64)
    with pytest.raises(ParameterError, match=r"at most 64 pixels a side\. Got 128"):
        OnnxEncoder(MODEL.path)


def test_a_function_encodes_and_is_normalized():
    encoder = CallableEncoder(mean_color, input_size=16)
    found = encoder.encode(np.stack([encoder.prepare(drawn())] * 3))
    assert found.vectors.shape == (3, 3)
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-6)
    assert found.details is None


@pytest.mark.parametrize(
    "function",
    [
        lambda batch: batch.mean(),
        lambda batch: batch,
        lambda batch: np.zeros((len(batch) + 1, 4)),
        lambda batch: np.full((len(batch), 4), np.nan),
        lambda batch: ["a"] * len(batch),
        lambda batch: batch.mean(axis=(1, 2)) * 1j,
    ],
)
def test_a_function_that_gives_no_vectors_is_refused(function):
    with pytest.raises(ParameterError, match="must be"):
        CallableEncoder(function, input_size=16).encode(np.zeros((2, 16, 16, 3), np.uint8))


def test_what_cannot_be_called_is_no_encoder():
    with pytest.raises(ParameterTypeError, match="'function' parameter of CallableEncoder"):
        CallableEncoder(3)


def test_a_plain_function_is_known_by_its_source():
    assert CallableEncoder(mean_color).key == CallableEncoder(mean_color).key
    assert CallableEncoder(mean_color).is_identified
    names = {CallableEncoder(f, name="same").key for f in (mean_color, brightest_color)}
    assert len(names) == 2


def test_a_lambda_or_closure_is_not_taken_for_another_one():
    def make(offset):
        def encode(batch):
            return batch.mean(axis=(1, 2)) + offset

        return encode

    first, second = make(1), make(2)
    assert CallableEncoder(first).key != CallableEncoder(second).key
    assert CallableEncoder(first).key == CallableEncoder(first).key
    assert not CallableEncoder(first).is_identified
    assert not CallableEncoder(lambda batch: batch).is_identified


def test_a_key_identifies_any_callable():
    keyed = CallableEncoder(lambda batch: batch, key="v1")
    assert keyed.is_identified
    assert keyed.key == CallableEncoder(lambda batch: batch + 1, key="v1").key
    assert keyed.key != CallableEncoder(lambda batch: batch, key="v2").key


def test_a_users_encoder_has_the_generic_presets(encoder):
    assert presets_for(CallableEncoder(mean_color)) == GENERIC_PRESETS
    assert presets_for(encoder) == MODEL.presets


def test_rows_are_taken_in_order():
    all_of = Descriptors(np.eye(3, dtype=np.float32), np.arange(6, dtype=np.uint8).reshape(3, 2))
    taken = all_of.take(np.array([2, 0]))
    assert taken.vectors.argmax(axis=1).tolist() == [2, 0]
    assert taken.details.tolist() == [[4, 5], [0, 1]]
    assert len(taken) == 2
