"""Bytes to pictures and facts: every format and mode looks as in a viewer, every bad file gives one short reason."""

from __future__ import annotations

import io
import struct
import sys
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile, ImageFilter, features
from skimage import data as pictures

from fastdup_nb._optional import import_optional
from fastdup_nb.errors import ImageError, MissingExtraError
from fastdup_nb.images import FACTS, decode_image, hash_pixels, measure_image, render_thumbnail
from fastdup_nb.images import decode as decode_module

PHOTO = Image.fromarray(pictures.chelsea())
CORNERS = Image.new("RGB", (64, 48), "blue")
CORNERS.paste("red", (0, 0, 32, 24))
CORNERS.paste("lime", (32, 24, 64, 48))


def encode(image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def pixels(data, **options):
    return np.asarray(decode_image(data, **options).image).astype(int)


def reason(data):
    with pytest.raises(ImageError) as caught:
        decode_image(data)
    return str(caught.value)


def png(width, height, bit_depth, color_type, rows, *chunks):
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bit_depth, color_type, 0, 0, 0))
    body = b"".join(chunk(*one) for one in chunks) + chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + header + body + chunk(b"IEND", b"")


def with_exif(orientation=1, size=(64, 48), **tags):
    exif = Image.Exif()
    exif[0x0112] = orientation
    for name, value in tags.items():
        exif[{"make": 0x010F, "model": 0x0110, "time": 0x0132}[name]] = value
    return encode(CORNERS.resize(size), "JPEG", exif=exif)


# Formats


@pytest.mark.parametrize("form", ["PNG", "WEBP", "GIF", "BMP", "TIFF", "JPEG2000", "PPM", "ICO", "TGA", "QOI", "AVIF"])
def test_a_format_that_pillow_reads_gives_the_picture_whatever_the_file_is_called(form):
    Image.init()
    if form not in Image.SAVE or (form == "AVIF" and not features.check("avif")):
        pytest.skip(f"this build of Pillow writes no {form}")
    source = CORNERS.resize((64, 64))  # Windows icons are square
    decoded = decode_image(encode(source, form, **({"lossless": True} if form == "WEBP" else {})))
    assert (decoded.format, decoded.width, decoded.height, decoded.is_reduced) == (form, 64, 64, False)
    assert decoded.image.mode == "RGB"
    assert np.abs(np.asarray(decoded.image).astype(int) - np.asarray(source)).mean() < 5


def test_only_the_first_frame_of_an_animation_is_decoded_and_the_frames_are_counted():
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "lime", "blue")]
    for form in ("GIF", "PNG", "WEBP", "TIFF"):
        options = {"lossless": True} if form == "WEBP" else {}
        decoded = decode_image(encode(frames[0], form, save_all=True, append_images=frames[1:], **options))
        assert decoded.n_frames == 3, form
        assert decoded.image.getpixel((4, 4)) == (255, 0, 0), form


def test_an_mpo_of_a_phone_is_the_jpeg_at_its_front():
    decoded = decode_image(encode(PHOTO, "MPO", save_all=True, append_images=[PHOTO.resize((50, 50))]), at_least=100)
    assert (decoded.format, decoded.width, decoded.is_reduced) == ("JPEG", PHOTO.width, True)


def test_heic_without_its_package_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    assert 'pip install "fastdup-nb[heic]"' in reason(b"\0\0\0\x18ftypheic" + bytes(50))


def test_heic_is_read_without_registering_anything_with_pillow():
    import pillow_heif

    Image.init()
    before = dict(Image.OPEN)
    buffer = io.BytesIO()
    pillow_heif.from_pillow(CORNERS).save(buffer, quality=90)
    decoded = decode_image(buffer.getvalue())
    assert (decoded.format, decoded.image.size) == ("HEIF", (64, 48))
    assert before == Image.OPEN


def test_a_missing_extra_is_named_with_its_install_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(MissingExtraError, match=r'pip install "fastdup-nb\[heic\]"'):
        import_optional("pillow_heif", extra="heic", purpose="Reading HEIC pictures")


# Reduced decoding


@pytest.mark.parametrize(
    ("region", "expected"),
    [((1600, 1200), (400, 300)), ((700, 640), (400, 300)), ((639, 900), (800, 600)), ((100, 90), (1600, 1200))],
)
def test_a_jpeg_is_reduced_no_further_than_a_region_of_it_allows(region, expected):
    data = encode(Image.new("RGB", (1600, 1200), "teal"), "JPEG")
    assert decode_image(data, at_least=160, region=region).image.size == expected


@pytest.mark.parametrize(
    ("at_least", "expected"), [(0, (1600, 1200)), (160, (400, 300)), (150, (200, 150)), (601, (1600, 1200))]
)
def test_a_jpeg_is_decoded_reduced_but_never_below_what_was_asked(at_least, expected):
    decoded = decode_image(encode(Image.new("RGB", (1600, 1200), "teal"), "JPEG"), at_least=at_least)
    assert decoded.image.size == expected
    assert (decoded.width, decoded.height) == (1600, 1200)
    assert decoded.is_reduced is (expected != (1600, 1200))


def test_a_format_that_cannot_be_reduced_is_decoded_whole():
    decoded = decode_image(encode(PHOTO, "PNG"), at_least=10)
    assert decoded.image.size == PHOTO.size
    assert not decoded.is_reduced


# Orientation, time, camera


@pytest.mark.parametrize("at_least", [0, 12])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stored_in_any_orientation_comes_out_upright(orientation, at_least):
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    stored = CORNERS.transpose(Image.Transpose(undo[orientation])) if orientation > 1 else CORNERS
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = decode_image(encode(stored, "JPEG", exif=exif, quality=95), at_least=at_least)
    assert (decoded.width, decoded.height) == CORNERS.size
    assert decoded.is_reduced is (at_least > 0)
    upright = np.asarray(CORNERS.resize(decoded.image.size, Image.Resampling.BOX)).astype(int)
    assert np.abs(np.asarray(decoded.image).astype(int) - upright).mean() < 5


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
def test_orientation_is_applied_once_in_other_formats(form):
    exif = Image.Exif()
    exif[0x0112] = 6
    decoded = decode_image(encode(CORNERS.transpose(Image.Transpose.ROTATE_90), form, exif=exif))
    assert (decoded.width, decoded.height) == decoded.image.size == CORNERS.size
    assert np.abs(np.asarray(decoded.image).astype(int) - np.asarray(CORNERS)).mean() < 8


def test_the_time_of_the_shutter_comes_before_the_time_of_the_last_edit():
    exif = Image.Exif()
    exif[0x0132] = "2024:05:02 08:00:00"
    exif.get_ifd(0x8769)[0x9003] = "2021:12:31 23:59:58"
    assert decode_image(encode(CORNERS, "JPEG", exif=exif)).exif_time == "2021-12-31T23:59:58"


@pytest.mark.parametrize(
    "told", ["0000:00:00 00:00:00", "    :  :     :  :  ", "2021:13:01 00:00:00", "1066:10:14 09:00:00", "soon"]
)
def test_an_absurd_time_is_no_time(told):
    assert decode_image(with_exif(time=told)).exif_time is None


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        ("Canon", "Canon EOS 5D", "Canon EOS 5D"),
        ("NIKON CORPORATION", "NIKON D90", "NIKON D90"),
        ("SONY ", "DSC-1\0\0junk", "SONY DSC-1"),
        ("Evil\x1b[31m\x07", "x" * 500, ("Evil [31m " + "x" * 500)[:64]),
        ("", "", None),
    ],
)
def test_the_camera_is_one_clean_short_line(make, model, camera):
    assert decode_image(with_exif(make=make, model=model)).camera == camera


def test_damaged_exif_does_not_break_a_picture():
    whole = with_exif(6, make="Canon")
    start = whole.index(b"Exif\0\0") + 6
    damaged = whole[:start] + b"\xff" * 30 + whole[start + 30 :]
    decoded = decode_image(damaged)
    assert (decoded.image.size, decoded.camera, decoded.exif_time) == (CORNERS.size, None, None)


# Modes


def test_gray_of_16_bits_keeps_its_tones():
    ramp = np.linspace(0, 65535, 256 * 4).astype(np.uint16).reshape(4, 256).T.copy().T
    for form in ("PNG", "TIFF"):
        shown = pixels(encode(Image.fromarray(ramp), form))[..., 0]
        assert np.abs(shown - ramp / 257).max() <= 1, form


def test_color_of_16_bits_keeps_its_tones():
    row = b"\0" + struct.pack(">6H", 65535, 32768, 0, 0, 257, 65535)
    assert pixels(png(2, 1, 16, 2, row)).tolist() == [[[255, 128, 0], [0, 1, 255]]]


def test_gray_of_16_bits_in_a_pgm_keeps_its_tones():
    data = b"P5 3 1 65535\n" + struct.pack(">3H", 0, 32768, 65535)
    assert pixels(data)[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize("scale", [1.0, 255.0, 65535.0, 1234567.0])
def test_a_float_picture_is_shown_by_the_range_it_seems_to_be_in(scale):
    ramp = np.linspace(0, scale, 256, dtype=np.float32).reshape(1, 256)
    shown = pixels(encode(Image.fromarray(ramp), "TIFF"))[0, :, 0]
    assert np.abs(shown - np.arange(256)).max() <= 1


def test_a_float_picture_may_have_holes_and_negative_values():
    values = np.array([[-1.0, 0.0, 1.0, np.nan, np.inf]], dtype=np.float32)
    assert pixels(encode(Image.fromarray(values), "TIFF"))[0, :, 0].tolist() == [0, 128, 255, 0, 255]


def test_a_tiff_of_16_bits_whose_white_is_zero_is_shown_so():
    ramp = Image.fromarray(np.array([[0, 65535]], dtype=np.uint16))
    data = encode(ramp, "TIFF", tiffinfo={262: 0})
    if Image.open(io.BytesIO(data)).tag_v2[262] != 0:
        pytest.skip("this Pillow overrides the tag")
    assert pixels(data)[0, :, 0].tolist() == [255, 0]


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk_is_not_inverted(form):
    assert np.abs(pixels(encode(CORNERS.convert("CMYK"), form)) - np.asarray(CORNERS)).mean() < 8


@pytest.mark.parametrize("mode", ["L", "1", "P", "LAB"])
def test_other_modes_come_out_as_color(mode):  # compared blurred, which evens out dithering
    source = PHOTO.convert("RGB").convert(mode) if mode != "LAB" else PHOTO.convert("LAB")
    decoded = decode_image(encode(source, "TIFF"))
    assert (decoded.mode, decoded.image.mode) == (mode, "RGB")
    target = PHOTO.convert("L") if mode in ("L", "1") else PHOTO
    smooth = [one.convert("RGB").filter(ImageFilter.BoxBlur(4)) for one in (decoded.image, target)]
    shown, expected = (np.asarray(one).astype(int) for one in smooth)
    assert np.abs(shown - expected).mean() < (15 if mode in ("1", "P") else 3)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF", "ICO"])
def test_transparency_is_shown_over_white(form):
    image = Image.new("RGBA", (32, 32), (255, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, 16, 32))
    image.paste((0, 0, 255, 128), (16, 16, 32, 32))
    shown = decode_image(encode(image, form, **({"lossless": True} if form == "WEBP" else {}))).image
    assert shown.getpixel((4, 4)) == (255, 255, 255)
    assert shown.getpixel((24, 4)) == (255, 0, 0)
    assert shown.getpixel((24, 24)) == (127, 127, 255)


def test_gray_with_alpha_is_shown_over_white():
    image = Image.new("LA", (2, 1), (0, 255))
    image.putpixel((0, 0), (0, 0))
    assert pixels(encode(image, "PNG"))[0, :, 0].tolist() == [255, 0]


def test_a_transparent_entry_of_a_palette_is_shown_white():
    image = Image.new("P", (2, 1), 1)
    image.putpalette([0, 0, 0, 0, 128, 0])
    image.putpixel((0, 0), 0)
    for form, transparency in (("GIF", 0), ("PNG", 0), ("PNG", b"\x00\x80")):
        shown = pixels(encode(image, form, transparency=transparency))
        assert shown[0, 0].tolist() == [255, 255, 255]
        assert shown[0, 1, 1] == (191 if transparency == b"\x00\x80" else 128)


@pytest.mark.parametrize(
    ("bit_depth", "color_type", "row", "key", "expected"),
    [
        (8, 2, bytes([1, 2, 3, 9, 9, 9]), struct.pack(">3H", 1, 2, 3), [255, 9]),
        (16, 2, struct.pack(">6H", 256, 0, 0, 0, 0, 0), struct.pack(">3H", 256, 0, 0), [255, 0]),
        (8, 0, bytes([7, 200]), struct.pack(">H", 7), [255, 200]),
        (16, 0, struct.pack(">2H", 300, 51400), struct.pack(">H", 300), [255, 200]),
        (4, 0, bytes([0x5F]), struct.pack(">H", 5), [255, 255]),
        (4, 0, bytes([0x50]), struct.pack(">H", 5), [255, 0]),
        (2, 0, bytes([0b01000000]), struct.pack(">H", 1), [255, 0]),
        (1, 0, bytes([0b00000000]), struct.pack(">H", 0), [255, 255]),
    ],
)
def test_the_transparent_color_of_a_png_is_told_in_its_own_depth(bit_depth, color_type, row, key, expected):
    data = png(2, 1, bit_depth, color_type, b"\0" + row, (b"tRNS", key))
    assert pixels(data)[0, :, 0].tolist() == expected


def test_an_alpha_channel_of_nothing_but_zeros_in_a_tga_means_none():
    assert pixels(encode(Image.new("RGBA", (4, 4), (10, 20, 30, 0)), "TGA"))[0, 0].tolist() == [10, 20, 30]


# Bad files


def test_an_empty_file_is_called_empty():
    assert reason(b"") == "empty file"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"just some text", "not an image"),
        (b"P6 is a road in Sussex", "not an image"),
        (b"\n<!DOCTYPE html><html>", "HTML"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (bytes(300), "zeros"),
        (b"%PDF-1.7", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript"),
        (b"8BPS\0\1" + bytes(40), "Photoshop"),
    ],
)
def test_what_is_no_image_is_called_so_and_no_other_program_is_started(data, kind, monkeypatch):
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("started a program"))
    assert reason(data).startswith("not an image")
    assert kind in reason(data)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
@pytest.mark.parametrize("part", [0.3, 0.9])
def test_a_truncated_file_is_broken_never_half_a_picture(form, part):
    data = encode(PHOTO, form)
    with pytest.raises(ImageError):
        decode_image(data[: int(len(data) * part)])


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
@pytest.mark.parametrize("at_least", [0, 60])
def test_a_truncated_jpeg_says_truncated(options, at_least):
    data = encode(PHOTO, "JPEG", **options)
    with pytest.raises(ImageError) as caught:
        decode_image(data[: len(data) // 2], at_least=at_least)
    assert str(caught.value) == "truncated"


def test_a_header_alone_that_tells_of_too_many_pixels_is_refused_before_decoding():
    assert reason(png(40_000, 40_000, 8, 0, b"")) == "too large: 40,000 x 40,000 pixels"


def test_a_small_file_that_tells_of_a_huge_picture_is_not_decoded(monkeypatch):
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("decoded"))
    assert reason(png(13_000, 13_000, 8, 2, b"")).startswith("truncated: 13,000 x 13,000 pixels")


def test_of_a_jpeg_that_is_reduced_the_reduced_pixels_count(monkeypatch):
    monkeypatch.setattr(decode_module, "MAX_PIXELS", 10_000)
    baseline, progressive = encode(PHOTO, "JPEG"), encode(PHOTO, "JPEG", progressive=True)
    assert decode_image(baseline, at_least=30).image.size == (57, 38)
    with pytest.raises(ImageError, match="too large: 451 x 300 pixels"):
        decode_image(baseline)
    with pytest.raises(ImageError, match="too large"):  # held in memory whole before it is reduced
        decode_image(progressive, at_least=30)


def test_a_jpeg_whose_many_scans_would_take_minutes_is_refused_before_it_is_decoded(monkeypatch):
    def repeat_last_scan(side, times):
        data = encode(Image.new("L", (side, side), 128), "JPEG", progressive=True)
        last = data.rindex(b"\xff\xda")
        return data[:last] + data[last:-2] * times + data[-2:]

    assert decode_image(repeat_last_scan(64, 3000)).width == 64
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("decoded"))
    assert reason(repeat_last_scan(3000, 2000)) == "too large: 3,000 x 3,000 pixels in 2,005 scans"


def test_text_in_a_png_that_unpacks_to_a_flood_is_refused():
    bomb = b"Comment\0\0" + zlib.compress(bytes(50_000_000))
    assert reason(png(1, 1, 8, 0, b"\0\0", (b"zTXt", bomb)))


def test_a_large_picture_raises_no_warning():
    data = encode(Image.new("1", (10_000, 9_000)), "TIFF", compression="group4")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ImageError, match="10,000 x 9,000"):
            decode_image(data)


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("odd\nthing"), AssertionError(), Image.DecompressionBombWarning("big")]
)
def test_anything_a_decoder_raises_becomes_an_image_error_of_one_line(error, monkeypatch):
    def fail(_):
        raise error

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    assert len(reason(encode(CORNERS, "PNG")).splitlines()) == 1


def test_an_interrupt_is_not_taken_for_a_broken_picture(monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(ImageFile.ImageFile, "load", interrupt)
    with pytest.raises(KeyboardInterrupt):
        decode_image(encode(CORNERS, "PNG"))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "ICO", "TGA", "JPEG2000"])
def test_random_damage_gives_a_picture_or_an_image_error_and_nothing_else(form):
    rng = np.random.default_rng(0)
    whole = np.frombuffer(encode(CORNERS, form), dtype=np.uint8)
    for _ in range(40):
        damaged = whole.copy()
        damaged[rng.integers(0, len(damaged), 5)] = rng.integers(0, 256, 5)
        outcome = picture_or_reason(damaged.tobytes())
        assert outcome == "RGB" or 0 < len(outcome) <= 140


def picture_or_reason(data):
    try:
        return decode_image(data).image.mode
    except ImageError as error:
        return f"broken: {error}"


# Facts


def test_the_facts_are_those_of_the_table_as_plain_numbers():
    facts = measure_image(PHOTO)
    assert list(facts) == [fact.name for fact in FACTS]
    assert {fact.name: fact.dtype for fact in FACTS} == {
        name: "int64" if isinstance(value, int) else "float64" for name, value in facts.items()
    }
    assert all(type(value) in (int, float) and np.isfinite(value) for value in facts.values())


def test_the_facts_of_a_reduced_decode_are_those_of_the_whole():
    for name in ("chelsea", "coffee", "astronaut", "rocket"):
        data = encode(Image.fromarray(getattr(pictures, name)()).resize((900, 640)), "JPEG", quality=90)
        whole, reduced = (measure_image(decode_image(data, at_least=n).image) for n in (0, 160))
        assert reduced["sharpness"] == pytest.approx(whole["sharpness"], abs=0.12)
        assert reduced["colorfulness"] == pytest.approx(whole["colorfulness"], abs=1.5)
        assert reduced["n_unique_colors"] == pytest.approx(whole["n_unique_colors"], rel=0.15)
        assert reduced["entropy"] == pytest.approx(whole["entropy"], abs=0.1)
        for fact in ("brightness", "contrast", "bright_p5", "bright_p50", "bright_p95", "channel_spread"):
            assert reduced[fact] == pytest.approx(whole[fact], abs=0.05), fact


def test_brightness_and_contrast_run_from_0_to_1_and_to_a_half():
    half = Image.new("RGB", (100, 100), "black")
    half.paste("white", (0, 0, 50, 100))
    facts = measure_image(half)
    assert (facts["brightness"], facts["contrast"], facts["entropy"]) == (0.5, 0.5, 1.0)
    assert (facts["bright_p5"], facts["bright_p95"], facts["n_unique_colors"]) == (0.0, 1.0, 2)
    assert (facts["colorfulness"], facts["channel_spread"]) == (0.0, 0.0)


def test_colorfulness_is_that_of_hasler_and_suesstrunk():
    image = PHOTO.resize((160, 160))
    red, green, blue = np.asarray(image.reduce(2)).astype(float).reshape(-1, 3).T  # colors are taken at half size
    rg, yb = red - green, (red + green) / 2 - blue
    expected = np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())
    assert measure_image(image)["colorfulness"] == pytest.approx(expected, rel=1e-4)


def test_sharpness_falls_with_blur_and_not_with_darkness_or_contrast():
    sharp = measure_image(PHOTO)["sharpness"]
    blurred = [measure_image(PHOTO.filter(ImageFilter.GaussianBlur(radius)))["sharpness"] for radius in (2, 4, 8)]
    assert sharp > blurred[0] > blurred[1] > blurred[2]
    assert measure_image(PHOTO.point(lambda v: v * 0.3))["sharpness"] == pytest.approx(sharp, abs=0.1)
    assert measure_image(PHOTO.point(lambda v: v * 0.3 + 90))["sharpness"] == pytest.approx(sharp, abs=0.1)


def test_the_smallest_and_the_longest_pictures_are_measured():
    for size in ((1, 1), (1, 5000), (5000, 1), (20_000, 3), (2, 2)):
        image = Image.new("RGB", size, "orange")
        assert measure_image(image)["n_unique_colors"] == 1
        assert max(Image.open(io.BytesIO(render_thumbnail(image))).size) == min(160, max(size))


# Thumbnails and hashes


def test_a_thumbnail_is_a_small_jpeg_of_the_same_shape_without_metadata():
    thumbnail = Image.open(io.BytesIO(render_thumbnail(decode_image(with_exif(make="Canon", size=(640, 480))).image)))
    assert (thumbnail.format, thumbnail.size) == ("JPEG", (160, 120))
    assert not thumbnail.getexif()
    for form in ("JPEG", "GIF"):
        buffer = io.BytesIO()
        PHOTO.save(buffer, form, comment=b"taken at home")
        image = decode_image(buffer.getvalue()).image
        assert b"taken at home" not in render_thumbnail(image) + render_thumbnail(image, size=max(image.size))
    assert render_thumbnail(PHOTO, size=64) != render_thumbnail(PHOTO, size=96)


def test_a_small_picture_is_not_enlarged_for_its_thumbnail():
    assert Image.open(io.BytesIO(render_thumbnail(CORNERS))).size == CORNERS.size


def test_pixels_hash_alike_in_any_lossless_container_and_only_then():
    hashes = {hash_pixels(decode_image(encode(PHOTO, form)).image) for form in ("PNG", "BMP", "TIFF", "PPM")}
    assert len(hashes) == 1
    changed = PHOTO.copy()
    changed.putpixel((3, 3), (1, 2, 3))
    assert hash_pixels(changed) not in hashes
    assert hash_pixels(Image.new("RGB", (4, 9))) != hash_pixels(Image.new("RGB", (9, 4)))
