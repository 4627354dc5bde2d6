"""Quality issues are found from facts alone: good pictures have none, spoiled ones have theirs."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter
from skimage import data as pictures

from fastdup_nb.errors import ParameterError, ParameterTypeError
from fastdup_nb.findings.quality import QUALITY_BOUNDS, QUALITY_ISSUES, find_quality_issues
from fastdup_nb.images import measure_image

PHOTOS = {name: Image.fromarray(getattr(pictures, name)()) for name in ("chelsea", "coffee", "astronaut", "rocket")}


def blur(image, share):
    return image.filter(ImageFilter.GaussianBlur(max(image.size) * share))


def smear(image):
    """Return *image* as a camera moved sideways by 4 % would have taken it."""
    values, steps = np.asarray(image).astype(float), int(image.width * 0.04)
    return Image.fromarray((sum(np.roll(values, step, 1) for step in range(steps)) / steps).astype(np.uint8))


def bokeh(image):
    blurred, (wide, high) = blur(image, 0.02), image.size
    box = (wide // 3, high // 3, wide * 2 // 3, high * 2 // 3)
    blurred.paste(image.crop(box), box[:2])
    return blurred


def jpeg(image):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    return Image.open(file)


def page():
    image = Image.new("RGB", (600, 800), "white")
    draw = ImageDraw.Draw(image)
    for line in range(40, 760, 16):
        draw.text((40, line), "The quick brown fox jumps over the lazy dog, again and again.", fill="black")
    return image


def stripes():
    return Image.fromarray(np.tile(np.repeat([20, 230], 12), (300, 20)).astype(np.uint8)).convert("RGB")


def horizon():
    image = Image.new("RGB", (600, 400), (120, 170, 230))
    image.paste((20, 60, 90), (0, 200, 600, 400))
    return image


def night():
    image = Image.new("RGB", (600, 400), (8, 8, 14))
    draw = ImageDraw.Draw(image)
    for x in range(20, 600, 45):
        draw.rectangle((x, 200 + x % 60, x + 14, 214 + x % 60), fill=(250, 220, 160))
    return image


SPOILED = {
    "dark": lambda image: ImageEnhance.Brightness(image).enhance(0.2),
    "bright": lambda image: Image.blend(image, Image.new("RGB", image.size, "white"), 0.85),
    "blurry": lambda image: blur(image, 0.01),
    "low_information": lambda image: ImageEnhance.Contrast(image).enhance(0.03),
    "grayscale": lambda image: image.convert("L").convert("RGB"),
    "odd_aspect_ratio": lambda image: image.crop((0, 0, image.width, image.height // 8)),
    "odd_size": lambda image: image.resize((image.width // 12, image.height // 12)),
}


def facts_of(**images):
    rows = [
        {"width": image.width, "height": image.height, "is_broken": False, **measure_image(image)}
        for image in images.values()
    ]
    return pd.DataFrame(rows, index=pd.Index(list(images), name="image_id"))


def issues_of(issues, image_id):
    return {issue for issue in QUALITY_ISSUES if issues.loc[image_id, f"is_{issue}"]}


def with_broken(facts):
    broken = pd.DataFrame({"is_broken": True}, index=pd.Index(["broken.jpg"], name="image_id"))
    return pd.concat([facts, broken])


def test_good_photographs_have_no_issue():
    issues = find_quality_issues(facts_of(**PHOTOS))
    assert not any(issues_of(issues, name) for name in PHOTOS)


@pytest.mark.parametrize("photo", PHOTOS)
@pytest.mark.parametrize("issue", SPOILED)
def test_a_spoiled_photograph_has_its_issue_and_scores_worse(issue, photo):
    issues = find_quality_issues(facts_of(**PHOTOS, spoiled=SPOILED[issue](PHOTOS[photo])))
    assert issue in issues_of(issues, "spoiled")
    assert issues.loc["spoiled", f"{issue}_score"] < issues.loc[photo, f"{issue}_score"]


@pytest.mark.parametrize("photo", PHOTOS)
def test_a_picture_smeared_by_motion_is_blurry_although_it_is_sharp_across(photo):
    facts = facts_of(sharp=PHOTOS[photo], smeared=smear(PHOTOS[photo]))
    assert facts.loc["smeared", "sharpness"] < facts.loc["sharp", "sharpness"] * 0.8


@pytest.mark.parametrize("draw", [page, stripes, horizon, night])
def test_a_sharp_picture_of_large_even_parts_is_not_blurry(draw):
    issues = find_quality_issues(facts_of(**PHOTOS, sharp=draw(), blurred=blur(draw(), 0.015)))
    assert not issues.loc["sharp", "is_blurry"]
    assert issues.loc["blurred", "is_blurry"]


@pytest.mark.parametrize("photo", PHOTOS)
def test_a_sharp_subject_before_a_blurred_background_is_not_blurry(photo):
    assert not find_quality_issues(facts_of(portrait=bokeh(PHOTOS[photo])))["is_blurry"].any()


@pytest.mark.parametrize("photo", ["chelsea", "coffee", "astronaut"])
def test_a_picture_with_burnt_out_lights_is_bright_although_its_shadows_are_dark(photo):
    issues = find_quality_issues(facts_of(**PHOTOS, burnt=ImageEnhance.Brightness(PHOTOS[photo]).enhance(4)))
    assert issues.index[issues["is_bright"]].tolist() == ["burnt"]


def test_a_white_ground_a_white_sky_and_a_red_wall_are_not_overexposed():
    product, sky, wall = Image.new("RGB", (640, 640), "white"), PHOTOS["coffee"].copy(), Image.new("RGB", (600, 400))
    product.paste(PHOTOS["coffee"].resize((320, 213)), (160, 213))
    sky.paste("white", (0, 0, sky.width, sky.height // 2))
    wall.paste((255, 30, 20), (0, 0, 600, 300))
    facts = facts_of(**PHOTOS, product=product, sky=sky, wall=wall, page=page())
    assert (facts["overexposure"] < 0.7).all()
    assert not find_quality_issues(facts).loc[["product", "sky", "page"], "is_bright"].any()


@pytest.mark.parametrize("ground", [(255, 248, 220), (255, 200, 210), (255, 220, 60), (150, 205, 255), (190, 255, 215)])
def test_a_photograph_on_a_plain_pastel_ground_is_not_bright(ground):
    circle = Image.new("L", (300, 300))
    ImageDraw.Draw(circle).ellipse((0, 0, 299, 299), fill=255)
    image = Image.new("RGB", (520, 520), ground)
    image.paste(PHOTOS["coffee"].resize((300, 300)), (110, 110), circle)
    assert measure_image(jpeg(image))["overexposure"] == 0
    assert not find_quality_issues(facts_of(image=jpeg(image)))["is_bright"].any()


def test_a_map_in_plain_light_colors_is_not_bright():
    image = Image.new("RGB", (640, 480), (190, 225, 255))
    draw = ImageDraw.Draw(image)
    for x, color in zip(range(40, 600, 70), [(255, 240, 170), (255, 210, 160), (90, 140, 80)] * 3, strict=False):
        draw.polygon([(x, 60), (x + 70, 90), (x + 70, 400), (x, 430)], fill=color, outline=(120, 90, 60))
        draw.text((x + 10, 200 + x % 90), "Town", fill="black")
    assert measure_image(jpeg(image))["overexposure"] == 0
    assert not find_quality_issues(facts_of(image=jpeg(image)))["is_bright"].any()


def test_where_next_to_all_is_burnt_out_there_is_no_rest_to_be_light():
    values = np.full((200, 200, 3), 255, dtype=np.uint8)
    values[::4, :, 2] = 240
    assert measure_image(Image.fromarray(values))["overexposure"] == 0


def test_color_is_seen_in_the_dark():
    dark = {name: ImageEnhance.Brightness(photo).enhance(0.08) for name, photo in PHOTOS.items()}
    gray = ImageEnhance.Brightness(PHOTOS["chelsea"].convert("L").convert("RGB")).enhance(0.08)
    issues = find_quality_issues(facts_of(**dark, gray=gray))
    assert issues.index[issues["is_grayscale"]].tolist() == ["gray"]


def test_a_page_of_text_has_no_issue():
    assert issues_of(find_quality_issues(facts_of(page=page())), "page") == set()


def test_a_picture_of_one_tone_is_of_low_information_and_not_blurry():
    noise = np.random.default_rng(0).integers(118, 122, (300, 300, 3)).astype(np.uint8)
    issues = find_quality_issues(
        facts_of(flat=Image.new("RGB", (300, 300), (90, 120, 60)), noise=Image.fromarray(noise))
    )
    assert issues["is_low_information"].all()
    assert not issues["is_blurry"].any()


def test_gray_pictures_are_an_issue_only_among_pictures_in_color():
    gray = {f"gray {name}": image.convert("L").convert("RGB") for name, image in PHOTOS.items()}
    all_gray = find_quality_issues(facts_of(**gray))
    assert not all_gray["is_grayscale"].any()
    assert (all_gray["grayscale_score"] == 1).all()
    one_gray = find_quality_issues(facts_of(**PHOTOS, gray=gray["gray coffee"]))
    assert one_gray.index[one_gray["is_grayscale"]].tolist() == ["gray"]


def test_a_size_is_odd_only_beside_the_usual_spread():
    facts = facts_of(**{str(n): PHOTOS["coffee"] for n in range(9)})
    mixed = facts.assign(width=[60, 120, 240, 480, 960, 1920, 2400, 3000, 4000], height=[50 * 2**n for n in range(9)])
    assert not find_quality_issues(mixed)["is_odd_size"].any()
    alike = facts.assign(width=[500] * 8 + [64], height=[400] * 8 + [64])
    assert find_quality_issues(alike)["is_odd_size"].tolist() == [False] * 8 + [True]


def test_a_broken_picture_has_that_issue_alone_and_no_other_score():
    issues = find_quality_issues(with_broken(facts_of(**PHOTOS)))
    assert issues_of(issues, "broken.jpg") == {"broken"}
    scores = issues.loc["broken.jpg", [f"{issue}_score" for issue in QUALITY_ISSUES]]
    assert scores["broken_score"] == 0
    assert scores.drop("broken_score").isna().all()
    assert (issues.loc[list(PHOTOS), "broken_score"] == 1).all()


def test_a_broken_picture_changes_no_score_of_the_others():
    facts = facts_of(**PHOTOS)
    pd.testing.assert_frame_equal(find_quality_issues(with_broken(facts)).iloc[:-1], find_quality_issues(facts))


@pytest.mark.parametrize("rows", [[], ["broken.jpg"], ["coffee"], ["broken.jpg", "coffee"]])
def test_few_or_no_pictures_give_a_frame_of_the_same_columns(rows):
    facts = with_broken(facts_of(coffee=PHOTOS["coffee"])).loc[rows]
    issues = find_quality_issues(facts)
    assert issues.index.equals(facts.index)
    assert list(issues) == [
        f"{kind}{issue}{end}" for issue in QUALITY_ISSUES for kind, end in (("is_", ""), ("", "_score"))
    ]
    assert {str(dtype) for dtype in issues.dtypes} == {"bool", "float64"}
    assert issues.filter(like="is_").drop(columns="is_broken").to_numpy().sum() == 0


def test_scores_are_between_0_and_1_and_flags_are_scores_below_the_bounds():
    issues = find_quality_issues(
        facts_of(**PHOTOS, **{name: spoil(PHOTOS["coffee"]) for name, spoil in SPOILED.items()})
    )
    scores = issues.filter(like="_score")
    assert scores.min().min() >= 0
    assert scores.max().max() <= 1
    for issue, bound in QUALITY_BOUNDS.items():
        below = issues[f"{issue}_score"] < bound
        expected = below & ~issues["is_low_information"] if issue == "blurry" else below
        assert issues[f"is_{issue}"].equals(expected.rename(f"is_{issue}")), issue


def test_a_larger_bound_finds_more_and_leaves_the_other_issues():
    facts = facts_of(**PHOTOS)
    usual, strict = find_quality_issues(facts), find_quality_issues(facts, bounds={"dark": 1.0})
    assert strict["is_dark"].sum() > usual["is_dark"].sum()
    pd.testing.assert_frame_equal(strict.drop(columns="is_dark"), usual.drop(columns="is_dark"))


@pytest.mark.parametrize(
    ("bounds", "error", "words"),
    [
        ({"blury": 0.2}, ParameterError, "'blury'"),
        ({"broken": 0.5}, ParameterError, "'broken'"),
        ({"dark": 1.5}, ParameterError, "1.5"),
        ({"dark": float("nan")}, ParameterError, "nan"),
        ({"dark": "very"}, ParameterTypeError, "'very'"),
        (0.5, ParameterTypeError, "mapping"),
    ],
)
def test_a_wrong_bound_is_named_with_what_came(bounds, error, words):
    with pytest.raises(error, match=f"find_quality_issues must.*{words}"):
        find_quality_issues(facts_of(coffee=PHOTOS["coffee"]), bounds=bounds)


def test_a_missing_column_is_named():
    with pytest.raises(ParameterError, match="entropy, channel_spread"):
        find_quality_issues(facts_of(coffee=PHOTOS["coffee"]).drop(columns=["entropy", "channel_spread"]))


def test_every_issue_is_explained_and_every_bound_belongs_to_one():
    assert all(QUALITY_ISSUES.values())
    assert set(QUALITY_ISSUES) == {"broken", *QUALITY_BOUNDS}
