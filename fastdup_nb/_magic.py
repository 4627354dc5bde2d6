"""What a file is, as far as its name and its first bytes tell; for listing, where no picture is decoded."""

from __future__ import annotations

import os
import re

IMAGE_SUFFIXES = frozenset(
    ".apng .avif .avifs .bmp .dib .gif .heic .heif .hif .ico .j2c .j2k .jfif .jp2 .jpc .jpe .jpeg .jpf .jpg .jpx .mpo "
    ".pbm .pfm .pgm .png .pnm .ppm .qoi .tga .tif .tiff .webp".split()
)
#: Suffixes that tell of something else: such files are never opened. Raw files of cameras are among them, for they
#: begin like TIFF and hold a preview only.
OTHER_SUFFIXES = frozenset(
    # text, tables, settings
    ".cfg .conf .csv .env .geojson .htm .html .ini .ipynb .json .jsonl .log .md .ndjson .rst .rtf .tex .toml .tsv .txt "
    ".xhtml .xml .yaml .yml "
    # programs
    ".asm .bat .c .cc .class .cmake .cmd .cpp .cs .css .cu .cxx .dll .dylib .exe .gitignore .go .gradle .h .hpp .java "
    ".jar .js .jsx .lib .lock .lua .m .map .o .obj .php .pl .ps1 .py .pyc .pyd .pyi .pyx .r .rb .rs .scss .sh .so .sql "
    ".swift .ts .tsx .vue .wasm "
    # documents and vector drawings
    ".ai .dmg .doc .docx .eps .epub .fig .iso .key .numbers .odp .ods .odt .pages .pdf .ppt .pptx .ps .svg .svgz .xls "
    ".xlsx "
    # archives
    ".7z .apk .bz2 .deb .gz .lz4 .rar .rpm .tar .tbz2 .tgz .whl .xz .zip .zst "
    # sound and film
    ".3gp .aac .aif .aiff .avi .flac .flv .m2ts .m4a .m4v .mid .mkv .mov .mp3 .mp4 .mpeg .mpg .mts .ogg .ogv .opus "
    ".srt .vtt .wav .webm .wma .wmv "
    # data, models, fonts
    ".arrow .avro .bson .ckpt .db .feather .fits .h5 .hdf5 .idx .joblib .lmdb .mat .msgpack .nii .npy .npz .onnx .orc "
    ".otf .parquet .pb .pickle .pkl .pt .pth .safetensors .sqlite .sqlite3 .tfrecord .tflite .ttf .woff .woff2 "
    # what cameras and viewers leave beside pictures
    ".aae .lnk .lrcat .url .xmp "
    # pictures of kinds that are not read
    ".arw .cr2 .cr3 .dcm .dng .exr .ff .hdr .jxl .nef .nrw .orf .pef .psb .psd .raf .raw .rw2 .sr2 .srw .xcf".split()
)
#: Names without a suffix that are text in every project, and never a picture.
TEXT_NAMES = frozenset("authors changelog copying dockerfile license licence makefile notice readme version".split())

_FIRST_BYTES = 32
_MAGIC = re.compile(
    rb"\xff\xd8\xff"  # JPEG
    rb"|\x89PNG\r\n\x1a\n"
    rb"|GIF8[79]a"
    rb"|RIFF....WEBP"
    rb"|II\*\0|MM\0\*|II\+\0\x08\0|MM\0\+\0\x08"  # TIFF, BigTIFF
    rb"|BM....\0\0\0\0....[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0"  # BMP, with the length of one of its headers
    rb"|....ftyp(avi[fs]|hei[cxms]|hev[cxms]|mif1|msf1)"  # AVIF, HEIC
    rb"|\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"  # JPEG 2000
    rb"|qoif"
    rb"|P[1-6]\s(#|\d+\s)",  # PBM, PGM, PPM
    re.DOTALL,
)


def kind_by_name(name: str) -> str:
    """Return "image", "other" or "unknown" for a file's name; one without a suffix is taken for an image."""
    suffix = os.path.splitext(name)[1].lower()
    if suffix in IMAGE_SUFFIXES:
        return "image"
    if not suffix:
        return "other" if name.lower() in TEXT_NAMES else "image"
    return "other" if suffix in OTHER_SUFFIXES else "unknown"


def begins_like_image(path: str) -> bool:
    """Return whether a file begins like an image of a kind that is read; False where it cannot be opened."""
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)  # a pipe is not waited for
    try:
        file = os.open(path, flags)
        try:
            return _MAGIC.match(os.read(file, _FIRST_BYTES)) is not None
        finally:
            os.close(file)
    except OSError:
        return False
