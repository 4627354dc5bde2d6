"""How well edited copies of photographs are found, and how seldom two photographs are taken for one.

    python -m benchmarks.copies PHOTOS [--seed 0] [--limit 400] [--copies 6] [--into FOLDER] [--against CSV]

PHOTOS is a folder of photographs, no two of one picture. Three quarters of them get --copies edited copies each, drawn
from EDITS; the rest distract. Of ``duplicates`` down to a similarity of 0.4, all pairs of one photograph count, copy
with copy too: average precision, recall at precision 0.99, and at each preset precision, recall, and false pairs per
thousand pictures; then, among the photographs alone, the false pairs per thousand photographs and the pairs that come
nearest, to look at: a folder may hold a true duplicate that nobody knew of.

--against takes the ranked pairs of another tool (columns a, b, similarity: paths below FOLDER/images), run on the
pictures that an earlier call with the same seed, limit and --into left there, and scores them in the same way.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

import fastdup_nb as fd

from ._report import print_machine

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
LOOSEST = 0.4
LONG_SIDE = 640
PRESETS = ("strict", "default", "loose")

Picture = Image.Image
Edit = Callable[[Picture, np.random.Generator], Picture]


def compress(image: Picture, quality: int) -> Picture:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def scale(image: Picture, factor: float) -> Picture:
    return image.resize([max(24, round(side * factor)) for side in image.size], Image.Resampling.LANCZOS)


def crop(image: Picture, rng: np.random.Generator, area: float) -> Picture:
    """Keep a share of the area, of a slightly other shape, anywhere in the picture."""
    shape = rng.uniform(0.9, 1.1)
    width, height = (
        min(side, round(side * area**0.5 * by)) for side, by in zip(image.size, (shape, 1 / shape), strict=True)
    )
    left, top = rng.integers(0, image.width - width + 1), rng.integers(0, image.height - height + 1)
    return image.crop((left, top, left + width, top + height))


def rotate(image: Picture, rng: np.random.Generator, degrees: float) -> Picture:
    return image.rotate(degrees * rng.choice([-1, 1]), Image.Resampling.BICUBIC, expand=bool(rng.random() < 0.5))


def write_over(image: Picture, rng: np.random.Generator) -> Picture:
    """Put a line of text on a plain band along the lower edge, or right across the middle."""
    image = image.copy()
    draw, height = ImageDraw.Draw(image), max(14, image.height // 9)
    top = int(rng.choice([image.height - height, (image.height - height) // 2]))
    if rng.random() < 0.5:
        draw.rectangle((0, top, image.width, top + height), fill=(0, 0, 0))
    draw.text((image.width // 12, top), "When nobody looks", fill=(255, 255, 255), font_size=round(height * 0.8))
    return image


def stamp_logo(image: Picture, rng: np.random.Generator) -> Picture:
    """Put a round mark into a corner."""
    image, side = image.copy(), min(image.size) // 5
    left, top = (int(rng.choice([side // 4, long - side - side // 4])) for long in image.size)
    draw = ImageDraw.Draw(image)
    draw.ellipse((left, top, left + side, top + side), fill=tuple(rng.integers(0, 255, 3).tolist()))
    draw.text((left + side // 4, top + side // 4), "fd", fill=(255, 255, 255), font_size=side // 2)
    return image


def frame(image: Picture, rng: np.random.Generator, share: float) -> Picture:
    shade = int(rng.choice([0, 255, 128]))
    return ImageOps.expand(image, border=round(share * min(image.size)), fill=(shade,) * 3)


def change_tone(image: Picture, rng: np.random.Generator, strength: float) -> Picture:
    for kind in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = kind(image).enhance(float(np.exp(rng.uniform(-strength, strength))))
    return image


def warm_up(image: Picture, rng: np.random.Generator) -> Picture:
    """Shift the white balance, as a filter does."""
    gains = np.exp(rng.uniform(-0.25, 0.25, 3))
    return Image.fromarray(np.clip(np.asarray(image) * gains, 0, 255).astype(np.uint8))


def add_noise(image: Picture, rng: np.random.Generator) -> Picture:
    return Image.fromarray(
        np.clip(np.asarray(image) + rng.normal(0, 18, (*image.size[::-1], 3)), 0, 255).astype("uint8")
    )


def photograph_screen(image: Picture, rng: np.random.Generator) -> Picture:
    """Put the picture on the page of a phone: a bar above, an uneven margin below."""
    width, height = image.width + 2 * int(rng.integers(0, 20)), round(image.height * rng.uniform(1.3, 1.9))
    page = Image.new("RGB", (width, height), (250, 250, 250) if rng.random() < 0.5 else (18, 18, 22))
    bar = height // 16
    ImageDraw.Draw(page).rectangle((0, 0, width, bar), fill=(60, 90, 160))
    page.paste(image, ((width - image.width) // 2, int(rng.integers(bar, height - image.height + 1))))
    return page


EDITS: dict[str, Edit] = {
    "jpeg 50": lambda i, _: compress(i, 50),
    "jpeg 15": lambda i, _: compress(i, 15),
    "half size": lambda i, _: scale(i, 0.5),
    "fifth of size": lambda i, _: scale(i, 0.2),
    "crop 90 %": lambda i, r: crop(i, r, 0.9),
    "crop 70 %": lambda i, r: crop(i, r, 0.7),
    "crop 50 %": lambda i, r: crop(i, r, 0.5),
    "rotated 3": lambda i, r: rotate(i, r, 3),
    "rotated 10": lambda i, r: rotate(i, r, 10),
    "mirrored": lambda i, _: ImageOps.mirror(i),
    "text": write_over,
    "logo": stamp_logo,
    "thin border": lambda i, r: frame(i, r, 0.04),
    "wide border": lambda i, r: frame(i, r, 0.2),
    "light blur": lambda i, _: i.filter(ImageFilter.GaussianBlur(max(i.size) / 300)),
    "strong blur": lambda i, _: i.filter(ImageFilter.GaussianBlur(max(i.size) / 100)),
    "light tone": lambda i, r: change_tone(i, r, 0.2),
    "strong tone": lambda i, r: change_tone(i, r, 0.5),
    "white balance": warm_up,
    "gray": lambda i, _: ImageOps.grayscale(i).convert("RGB"),
    "noise": add_noise,
    "screenshot": photograph_screen,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, default=400, help="at most so many photographs")
    parser.add_argument("--copies", type=int, default=6, help="edited copies of each original; 0 for none at all")
    parser.add_argument("--into", type=Path, help="an empty folder to keep the pictures and the truth in")
    parser.add_argument("--against", type=Path, help="ranked pairs of another tool, with columns a, b, similarity")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as spare:
        folder = args.into or Path(spare)
        truth = read_or_make(args, folder)
        dataset = fd.Dataset(folder / "images", cache=None, random_state=args.seed)
        pairs = name_pairs(dataset.duplicates(LOOSEST).pairs)
        bounds = {preset: dataset.duplicates(preset).min_similarity for preset in PRESETS}
    report("fastdup_nb", pairs, truth, bounds)
    if args.against:
        report(args.against.name, pd.read_csv(args.against), truth, {})


def read_or_make(args: argparse.Namespace, folder: Path) -> pd.DataFrame:
    """Return the truth: a row per picture with its origin and edit; make the pictures if they are not there."""
    kept = folder / "truth.csv"
    if not kept.exists():
        make_pictures(args, folder / "images").to_csv(kept, index=False)
    truth = pd.read_csv(kept).set_index("path")
    n_photos = int(truth["edit"].isin(["original", "distractor"]).sum())
    print_machine(
        ("numpy", "pandas", "pillow", "onnxruntime"), photographs=n_photos, pictures=len(truth), seed=args.seed
    )
    return truth


def make_pictures(args: argparse.Namespace, images: Path) -> pd.DataFrame:
    found = sorted(path for path in args.photos.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        sys.exit(f"There are no photographs in {args.photos}.")
    images.mkdir(parents=True)
    order = np.random.default_rng(args.seed).permutation(len(found))[: args.limit]
    n_copied = len(order) * 3 // 4 if args.copies else 0
    rows: list[tuple[str, int, str]] = []
    for origin, place in enumerate(order):
        rng = np.random.default_rng([args.seed, origin])  # so that --limit changes no picture
        image = ImageOps.exif_transpose(Image.open(found[place])).convert("RGB")
        image.thumbnail((LONG_SIDE, LONG_SIDE))
        edits = rng.permutation(list(EDITS))[: args.copies].tolist() if origin < n_copied else []
        made = {"original" if origin < n_copied else "distractor": image}
        made |= {edit: EDITS[edit](image, rng) for edit in edits}
        rows += [(save(picture, images, rng), origin, edit) for edit, picture in made.items()]
    return pd.DataFrame(rows, columns=["path", "origin", "edit"])


def save(picture: Picture, images: Path, rng: np.random.Generator) -> str:
    """Write a picture under a name that tells nothing, mostly as JPEG."""
    suffix = str(rng.choice(["jpg", "jpg", "jpg", "jpg", "jpg", "png", "webp"]))
    name = f"{rng.integers(2**40):011x}.{suffix}"
    picture.save(images / name, **({} if suffix == "png" else {"quality": int(rng.integers(75, 96))}))
    return name


def name_pairs(pairs: pd.DataFrame) -> pd.DataFrame:
    return pairs.rename(columns={"image_id_a": "a", "image_id_b": "b"})[["a", "b", "similarity"]]


def report(tool: str, pairs: pd.DataFrame, truth: pd.DataFrame, bounds: dict[str, float]) -> None:
    """Print how well ranked pairs agree with the truth; with no bounds, at the one of precision 0.99 only."""
    pairs, possible = judge(pairs, truth), count_possible(truth)
    found = pairs["is_copy"].cumsum().to_numpy()
    precision = found / np.arange(1, len(pairs) + 1)
    ap = float((precision * pairs["is_copy"]).sum() / possible) if possible else float("nan")
    good = np.flatnonzero(precision >= 0.99)
    at = float(pairs["similarity"].iloc[good[-1]]) if len(good) else 1.0
    recall = float(found[good[-1]] / possible) if possible and len(good) else 0.0
    print(f"\n{tool}: {len(pairs):,} pairs given, {possible:,} true ones")
    print(f"average precision {ap:.4f}, recall at precision 0.99 {recall:.4f} (similarity {at:.4f})")
    bounds = {**bounds, "precision 0.99": at}
    rows = {name: at_bound(pairs[pairs["similarity"] >= bound], truth, possible) for name, bound in bounds.items()}
    print(pd.DataFrame(rows).T.assign(bound=bounds).round(4).to_string())
    if possible:
        print("\nshare of copies linked to their original")
        print(pd.DataFrame({n: linked(pairs[pairs["similarity"] >= b], truth) for n, b in bounds.items()}).to_string())
    nearest = pairs[~pairs["is_copy"] & pairs["are_photographs"]].head(10)
    print(
        "\nphotographs that come nearest to each other; look at them\n" + nearest[["a", "b", "similarity"]].to_string()
    )


def judge(pairs: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs, best first and each once, with what they are."""
    pairs = pairs[["a", "b", "similarity"]].copy()
    pairs[["a", "b"]] = np.sort(pairs[["a", "b"]].to_numpy(dtype=object), axis=1)
    pairs = pairs[pairs["a"] != pairs["b"]].sort_values("similarity", ascending=False, kind="stable")
    pairs = pairs.drop_duplicates(["a", "b"]).reset_index(drop=True)
    unknown = set(pairs["a"]).union(pairs["b"]) - set(truth.index)
    if unknown:
        sys.exit(f"The pairs name {len(unknown):,} pictures that are not among ours, such as {min(unknown)!r}.")
    is_photograph = truth["edit"].isin(["original", "distractor"])
    pairs["is_copy"] = truth["origin"].loc[pairs["a"]].to_numpy() == truth["origin"].loc[pairs["b"]].to_numpy()
    pairs["are_photographs"] = is_photograph.loc[pairs["a"]].to_numpy() & is_photograph.loc[pairs["b"]].to_numpy()
    return pairs


def count_possible(truth: pd.DataFrame) -> int:
    sizes = truth.groupby("origin").size()
    return int((sizes * (sizes - 1) // 2).sum())


def at_bound(kept: pd.DataFrame, truth: pd.DataFrame, possible: int) -> dict[str, float]:
    n_photos = int(truth["edit"].isin(["original", "distractor"]).sum())
    n_false, n_plain = int((~kept["is_copy"]).sum()), int((~kept["is_copy"] & kept["are_photographs"]).sum())
    return {
        "precision": kept["is_copy"].mean() if len(kept) else float("nan"),
        "recall": kept["is_copy"].sum() / possible if possible else float("nan"),
        "false per 1000 pictures": 1000 * n_false / len(truth),
        "false pairs of photographs": n_plain,
        "per 1000 photographs": 1000 * n_plain / n_photos,
    }


def linked(kept: pd.DataFrame, truth: pd.DataFrame) -> pd.Series:
    """Return, for each edit, the share of the copies that are in a pair with their original."""
    edit = truth["edit"]
    a, b = edit.loc[kept["a"]].to_numpy(), edit.loc[kept["b"]].to_numpy()
    other = np.where(a == "original", b, np.where(b == "original", a, ""))[kept["is_copy"].to_numpy()]
    return (pd.Series(other, dtype=object).value_counts() / edit.value_counts()).reindex(list(EDITS)).fillna(0).round(3)


if __name__ == "__main__":
    main()
