from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageEnhance, ImageOps
from skimage import data

from fastdup_nb.embeddings import (
    GENERIC_PRESETS,
    PRESETS,
    Descriptors,
    load_encoder,
    score_edges,
    score_pairs,
    turn_upright,
)
from fastdup_nb.embeddings._aligning import align_details

PICTURES = ["chelsea", "coffee", "rocket", "astronaut", "camera", "coins", "hubble_deep_field", "page"]


def compressed(image):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=30)
    return Image.open(buffer).convert("RGB")


def covered(box):
    """Return what covers a part of a picture, given in shares of its sides, with one color and a word."""

    def cover(image):
        sides = np.array([*image.size, *image.size])
        left, top, right, bottom = (int(side) for side in sides * box)
        image = image.copy()
        draw = ImageDraw.Draw(image)
        draw.rectangle((left, top, right, bottom), fill=(250, 220, 40))
        draw.text(
            ((left + right) / 2, (top + bottom) / 2), "SALE", fill="black", font_size=image.height // 10, anchor="mm"
        )
        return image

    return cover


EDITS = {
    "mirrored": ImageOps.mirror,
    "upside down": ImageOps.flip,
    "turned": lambda i: i.transpose(Image.Transpose.ROTATE_90),
    "compressed": compressed,
    "reduced": lambda i: i.resize((i.width // 3, i.height // 3)),
    "framed": lambda i: ImageOps.expand(i, border=(60, 40), fill="white"),
    "cropped": lambda i: ImageOps.crop(i, border=(i.width // 20, i.height // 20)),
    "cropped to two thirds": lambda i: i.crop((i.width // 6, i.height // 6, i.width, i.height)),
    "turned a little": lambda i: i.rotate(7, Image.Resampling.BICUBIC),
    "cropped and mirrored": lambda i: ImageOps.mirror(ImageOps.crop(i, border=(i.width // 14, i.height // 12))),
    "covered in the middle": covered((0.3, 0.35, 0.7, 0.7)),
    "captioned": covered((0, 0.8, 1, 1)),
    "gray": lambda i: ImageOps.grayscale(i).convert("RGB"),
    "brighter": lambda i: ImageEnhance.Brightness(i).enhance(1.3),
}


@pytest.fixture(scope="module")
def images():
    return [Image.fromarray(getattr(data, name)()).convert("RGB") for name in PICTURES]


def encode(images):
    encoder = load_encoder()
    return encoder.encode(np.stack([encoder.prepare(i) for i in images]))


@pytest.fixture(scope="module")
def originals(images):
    return encode(images)


def random_descriptors(seed, n=6, with_details=True):
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(n, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Descriptors(vectors, random.integers(0, 256, (n, 256), dtype=np.uint8) if with_details else None)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 10_000), st.booleans())
def test_a_score_is_symmetric_and_between_0_and_1(first, second, with_details):
    a, b = (random_descriptors(s, with_details=with_details) for s in (first, second))
    scores = score_pairs(a, b)
    assert scores.dtype == np.float32
    assert ((scores >= 0) & (scores <= 1)).all()
    np.testing.assert_allclose(scores, score_pairs(b, a), atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(-3, 3), st.booleans())
def test_a_score_is_symmetric_where_structure_is_laid_over(seed, shift, is_mirrored):
    a = random_descriptors(seed)
    side = np.kron(np.random.default_rng(seed).integers(0, 256, (6, 4, 4)), np.ones((4, 4))).astype(np.uint8)
    moved = np.roll(side, shift, axis=2)[:, :, :: -1 if is_mirrored else 1]
    one, other = (Descriptors(a.vectors, pictures.reshape(6, 256)) for pictures in (side, moved))
    turned = Descriptors(np.roll(a.vectors, 1, axis=1) * 0.4 + a.vectors, other.details)
    np.testing.assert_allclose(score_pairs(one, turned), score_pairs(turned, one), atol=1e-5)


def test_structure_is_found_again_in_a_part_of_the_picture_and_not_in_another_picture():
    random = np.random.default_rng(0)
    wide, other = (
        Image.fromarray(random.integers(0, 256, (6, 6), dtype=np.uint8)).resize((64, 64), Image.Resampling.BICUBIC)
        for _ in range(2)
    )
    whole, part, stranger = (
        np.asarray(i.resize((16, 16))).reshape(1, 256) for i in (wide, wide.crop((10, 4, 62, 56)), other)
    )
    pictures = np.concatenate([whole, part, stranger])
    found, strange = align_details(pictures, np.array([0, 0]), np.array([1, 2]), noise=2.0)
    assert found > 0.95
    assert found > np.corrcoef(whole, part)[0, 1] + 0.1  # laid over as they are, they agree less
    assert strange < 0.8


def test_pictures_too_small_to_be_laid_over_say_nothing():
    rows = np.arange(2)
    assert align_details(np.eye(2, 9, dtype=np.uint8), rows, rows, noise=2.0).tolist() == [0, 0]


def test_a_picture_is_identical_to_itself(originals):
    np.testing.assert_allclose(score_pairs(originals, originals), 1, atol=1e-3)


def test_structure_never_lowers_a_score(originals):
    rows, others = np.triu_indices(len(originals), 1)
    without = score_edges(Descriptors(originals.vectors), rows, others)
    assert (score_edges(originals, rows, others) >= without - 1e-6).all()


def test_a_nearer_vector_or_a_more_alike_structure_scores_higher():
    base = random_descriptors(0, n=1)
    noise = np.random.default_rng(1).normal(size=(4, 256))
    strengths = np.array([0, 10, 30, 90])[:, None]
    details = np.clip(base.details + strengths * noise, 0, 255).astype(np.uint8)
    vectors = np.repeat(random_descriptors(0, n=1).vectors, 4, axis=0)
    other = np.roll(vectors, 1, axis=1) * 0.3 + vectors
    other /= np.linalg.norm(other, axis=1, keepdims=True)
    repeated = Descriptors(vectors, np.repeat(base.details, 4, axis=0))
    assert (np.diff(score_pairs(repeated, Descriptors(other, details))) < 0).all()
    assert (
        score_pairs(repeated, Descriptors(other, details))[0] < score_pairs(repeated, Descriptors(vectors, details))[0]
    )


def test_different_photographs_score_below_loose(originals):
    assert score_edges(originals, *np.triu_indices(len(originals), 1)).max() < PRESETS["loose"]


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_copy_scores_above_default(images, originals, edit):
    photographs = [0, 1, 3]
    copies = encode([EDITS[edit](images[i]) for i in photographs])
    assert score_pairs(originals.take(np.array(photographs)), copies).min() > PRESETS["default"]


def test_plain_pictures_have_no_structure_to_agree_in():
    vectors = random_descriptors(3, n=2).vectors
    noise = np.random.default_rng(0).integers(127, 129, (2, 256), dtype=np.uint8)
    a, b = Descriptors(vectors[:1], noise[:1]), Descriptors(vectors[1:], noise[:1])
    bare = score_pairs(Descriptors(vectors[:1]), Descriptors(vectors[1:]))
    np.testing.assert_allclose(score_pairs(a, b), bare, atol=0.01)


def test_without_details_the_score_is_the_cosine():
    vectors = np.array([[1, 0], [0.6, 0.8], [-1, 0]], np.float32)
    first = np.repeat(vectors[:1], 3, axis=0)
    np.testing.assert_allclose(score_pairs(Descriptors(first), Descriptors(vectors)), [1, 0.6, 0], atol=1e-6)


def test_edges_are_scored_like_their_pairs():
    descriptors = random_descriptors(0, n=50)
    random = np.random.default_rng(0)
    rows, others = random.integers(0, 50, (2, 10_000))
    expected = score_pairs(descriptors.take(rows), descriptors.take(others))
    np.testing.assert_array_equal(score_edges(descriptors, rows, others), expected)


@pytest.mark.parametrize("presets", [PRESETS, GENERIC_PRESETS])
def test_presets_run_from_strict_to_loose(presets):
    assert 1 > presets["strict"] > presets["default"] > presets["loose"] > 0


def page_of(seed, words=280):
    """Return a page of black words of random lengths on white, in lines of full width."""
    random, page = np.random.default_rng(seed), Image.new("RGB", (620, 877), "white")
    draw, x, y = ImageDraw.Draw(page), 50, 60
    for length in random.integers(12, 70, words):
        if x + length > 570:
            x, y = 50, y + 22 * (1 + int(random.random() < 0.15))
        draw.rectangle((x, y, x + int(length), y + 9), fill=(60, 60, 60))
        x += int(length) + 8
    return page


def test_pages_of_text_are_alike_only_where_their_lines_are():
    pages = [page_of(seed) for seed in range(8)]
    copies = [compressed(page).resize((413, 585)) for page in pages]
    encoded = encode([*pages, *copies])
    one, other = np.nonzero(np.triu(np.ones((8, 8)), 1))
    assert np.median(1 - score_edges(Descriptors(encoded.vectors), one, other)) < 1 - PRESETS["default"]  # told apart
    assert score_edges(encoded, one, other).max() < PRESETS["default"]  # by nothing but structure
    assert score_edges(encoded, np.arange(8), 8 + np.arange(8)).min() >= PRESETS["default"]


def test_a_texture_of_little_contrast_is_no_plain_ground():
    brick = Image.fromarray(data.brick()).convert("RGB")
    crops = [EDITS[name](brick) for name in ("cropped", "cropped and mirrored", "cropped to two thirds")]
    encoded = encode([brick, *crops])
    assert score_edges(encoded, np.zeros(3, np.int64), np.arange(1, 4)).min() > PRESETS["default"]


def test_blank_pictures_of_different_brightness_are_not_alike():
    encoder = load_encoder()
    gray = [
        Image.fromarray(np.random.default_rng(0).normal(level, 2, (300, 300)).astype(np.uint8))
        for level in (70, 71, 115)
    ]
    found = encoder.encode(np.stack([encoder.prepare(picture.convert("RGB")) for picture in gray]))
    one, same, other = (found.take(np.array([i])) for i in range(3))
    assert score_pairs(one, same)[0] > PRESETS["default"] > score_pairs(one, other)[0]


def cloud_of(seed):
    """Return one of many clouds alone in the dark: bright in the middle, and of its own grain."""
    down, right = np.mgrid[-1:1:256j, -1:1:256j]
    grain = Image.fromarray(np.random.default_rng(seed).uniform(0, 1, (8, 8)).astype(np.float32))
    light = 400 * np.exp(-(down**2 + right**2) / 0.2) * np.asarray(grain.resize((256, 256), Image.Resampling.BICUBIC))
    return Image.fromarray(np.clip(light, 0, 255).astype(np.uint8)).convert("RGB")


def test_objects_alone_in_the_dark_are_alike_only_where_their_parts_are():
    clouds = [cloud_of(seed) for seed in range(10)]
    edits = [compressed, *(EDITS[name] for name in ("mirrored", "brighter", "reduced", "cropped"))]
    encoded = encode([*clouds, *(edit(cloud) for edit in edits for cloud in clouds)])
    one, other = np.nonzero(np.triu(np.ones((10, 10)), 1))
    assert np.median(align_details(encoded.details, one, other, noise=2)) > 0.9  # of one rough shape
    assert np.mean(score_edges(encoded, one, other) >= PRESETS["default"]) < 0.05
    copies = 10 + np.arange(50)
    assert score_edges(encoded, copies % 10, copies).min() >= PRESETS["default"]


def test_upright_pictures_are_the_same_however_they_were_turned(originals):
    pictures = originals.details.reshape(-1, 16, 16)
    turned = [turn for picture in (pictures, pictures.swapaxes(1, 2)) for turn in (picture, picture[:, ::-1])]
    found = [turn_upright(turn.reshape(-1, 256)) for turn in [*turned, *(turn[:, :, ::-1] for turn in turned)]]
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found[0], axis=1), 1, rtol=1e-5)
    likeness = found[0] @ found[0].T
    assert likeness[~np.eye(len(likeness), dtype=bool)].max() < 0.85
    assert not turn_upright(np.full((1, 256), 90, dtype=np.uint8)).any()
