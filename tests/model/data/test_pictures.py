"""Whatever a PNG can carry: read as what is seen, or refused by name; nothing is dropped."""

import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from prunus_data import message_of
from prunus_model.common.errors import DataError
from prunus_model.data.images import read_images
from prunus_model.data.pictures import SIGNATURE, read_picture

#: 7 x 7, light on black; a multiple of 85, which 2 bits can have.
DIGIT = np.zeros((7, 7), np.uint8)
DIGIT[2:5, 3] = [85, 170, 255]
DIGIT[1, 1] = 255
FLAT = DIGIT.ravel().tolist()
#: Opaque where the digit is drawn.
INK = np.where(DIGIT > 0, 255, 0).astype(np.uint8)
DARK = "looks dark on light; networks expect light on dark: --invert"


def chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def raw_png(
    path: Path,
    rows: list[bytes],
    *,
    depth: int,
    colour: int,
    size: tuple[int, int] = (7, 7),
    more: bytes = b"",
) -> Path:
    """Write a PNG by its specification: what Pillow does not write."""
    header = struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, 0)
    packed = zlib.compress(b"".join(b"\0" + row for row in rows))
    path.write_bytes(
        SIGNATURE + chunk(b"IHDR", header) + more + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )
    return path


def save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)  # type: ignore[arg-type]
    return path


def bits(values: np.ndarray, depth: int) -> list[bytes]:
    """Pack rows of small numbers into bytes."""
    wide = ((values[..., None] >> np.arange(depth - 1, -1, -1)) & 1).reshape(len(values), -1)
    return [np.packbits(row).tobytes() for row in wide.astype(np.uint8)]


@pytest.mark.parametrize("depth", [2, 4, 8])
def test_every_depth_of_grey_has_the_same_levels(tmp_path: Path, depth: int) -> None:
    values = DIGIT // (255 // (2**depth - 1))
    path = raw_png(tmp_path / "a.png", bits(values, depth), depth=depth, colour=0)
    pixels, hints = read_picture(path, 49)
    assert (pixels.tolist(), hints) == (FLAT, [])
    assert pixels.dtype == np.uint8


@pytest.mark.parametrize("channels", [1, 2, 3, 4], ids=["grey", "grey, alpha", "RGB", "RGBA"])
def test_16_bits_have_the_levels_of_8(tmp_path: Path, channels: int) -> None:
    deep = np.repeat((DIGIT.astype(">u2") * 257)[..., None], channels, axis=2)
    if channels % 2 == 0:
        deep[..., -1] = 65535
    path = raw_png(
        tmp_path / "a.png",
        [row.astype(">u2").tobytes() for row in deep],
        depth=16,
        colour={1: 0, 2: 4, 3: 2, 4: 6}[channels],
    )
    assert read_picture(path, 49)[0].tolist() == FLAT


def test_bits_and_palettes_are_black_and_white(tmp_path: Path) -> None:
    expected = INK.ravel().tolist()
    one = save(tmp_path / "1.png", Image.fromarray(INK).convert("1"))
    palette = save(tmp_path / "p.png", Image.fromarray(INK).convert("P"))
    assert read_picture(one, 49)[0].tolist() == expected
    assert read_picture(palette, 49)[0].tolist() == expected


def test_colours_become_their_luma(tmp_path: Path) -> None:
    colours = np.zeros((7, 7, 3), np.uint8)
    colours[3, 3], colours[3, 4], colours[3, 5] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    pixels, _ = read_picture(save(tmp_path / "a.png", Image.fromarray(colours)), 49)
    assert pixels.reshape(7, 7)[3, 3:6].tolist() == [76, 150, 29]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize(
    ("ink", "ground", "expected"), [(0, "white", 255 - INK), (255, "black", INK)]
)
def test_transparent_picture_is_laid_where_its_ink_is_seen(
    tmp_path: Path, mode: str, ink: int, ground: str, expected: np.ndarray
) -> None:
    image = Image.merge("LA", (Image.new("L", (7, 7), ink), Image.fromarray(INK))).convert(mode)
    path = save(tmp_path / "a.png", image)
    pixels, hints = read_picture(path, 49)
    assert pixels.tolist() == expected.ravel().tolist()
    dark = [f"Image {path} {DARK}"] if ground == "white" else []
    assert hints == [f"Image {path} is transparent; it is laid on {ground}", *dark]
    # As the hint has it.
    inverted = read_images([str(path)], size=49, invert=True)
    assert inverted.hints == tuple(hints[:1])
    if ground == "white":
        assert inverted.pixels[0].tolist() == INK.ravel().tolist()


def test_half_transparent_ink_is_mixed_with_the_ground(tmp_path: Path) -> None:
    half = Image.merge("LA", (Image.new("L", (7, 7), 200), Image.fromarray(INK // 255 * 51)))
    pixels, _ = read_picture(save(tmp_path / "a.png", half), 49)
    assert sorted(set(pixels.tolist())) == [0, 40]
    # 201 x 128 / 255 is 100.9.
    half = Image.merge("LA", (Image.new("L", (7, 7), 201), Image.fromarray(INK // 255 * 128)))
    pixels, _ = read_picture(save(tmp_path / "b.png", half), 49)
    assert sorted(set(pixels.tolist())) == [0, 101]


@pytest.mark.parametrize(
    "sides", [(np.s_[0], np.s_[:, 0]), (np.s_[0], np.s_[:, -1]), (np.s_[-1], np.s_[:, -1])]
)
def test_ground_is_what_all_four_sides_are(
    tmp_path: Path, sides: tuple[tuple[int, ...], ...]
) -> None:
    """Two sides, and a corner of each of the others, are more than half of the border."""
    grey = np.zeros((7, 7), np.uint8)
    for side in sides:
        grey[side] = 255
    path = save(tmp_path / "a.png", Image.fromarray(grey))
    assert read_picture(path, 49)[1] == [f"Image {path} {DARK}"]
    assert read_picture(save(path, Image.fromarray(255 - grey)), 49)[1] == []


@pytest.mark.parametrize(
    ("mode", "clear"), [("L", 0), ("RGB", (0, 0, 0)), ("P", 0), ("P", bytes([0])), ("1", 0)]
)
def test_transparent_colour_is_transparent(tmp_path: Path, mode: str, clear: object) -> None:
    image = Image.fromarray(INK).convert(mode)
    path = save(tmp_path / "a.png", image, transparency=clear)
    pixels, hints = read_picture(path, 49)
    assert hints == [f"Image {path} is transparent; it is laid on black"]
    assert pixels.tolist() == INK.ravel().tolist()


def test_transparent_colour_of_16_bits(tmp_path: Path) -> None:
    grey = [(row.astype(">u2") * 257).tobytes() for row in 255 - INK]
    clear = chunk(b"tRNS", struct.pack(">H", 65535))
    path = raw_png(tmp_path / "grey.png", grey, depth=16, colour=0, more=clear)
    pixels, hints = read_picture(path, 49)
    assert pixels.tolist() == (255 - INK).ravel().tolist()
    assert hints[0] == f"Image {path} is transparent; it is laid on white"
    colours = [np.repeat(row.astype(">u2") * 257, 3).tobytes() for row in INK]
    clear = chunk(b"tRNS", struct.pack(">HHH", 0, 0, 0))
    path = raw_png(tmp_path / "rgb.png", colours, depth=16, colour=2, more=clear)
    assert message_of(lambda: read_picture(path, 49)) == (
        f"Image {path} must have an alpha channel or 8 bits, for transparency"
    )


@pytest.mark.parametrize("level", [0, 200])
def test_single_grey_is_told(tmp_path: Path, level: int) -> None:
    path = save(tmp_path / "a.png", Image.new("L", (7, 7), level))
    assert read_picture(path, 49)[1] == [f"Image {path} is one single grey, {level} of 255"]
    nothing = save(tmp_path / "b.png", Image.new("RGBA", (7, 7), (0, 0, 0, 0)))
    assert read_picture(nothing, 49)[1] == [
        f"Image {nothing} is transparent; it is laid on white",
        f"Image {nothing} is one single grey, 255 of 255",
    ]


@pytest.mark.parametrize(
    ("side", "size"), [(7, (49, 1)), (7, (1, 49)), (28, (56, 14)), (28, (784, 1))]
)
def test_picture_of_another_shape_is_refused(
    tmp_path: Path, side: int, size: tuple[int, int]
) -> None:
    path = save(tmp_path / "a.png", Image.new("L", size))
    assert message_of(lambda: read_picture(path, side * side)) == (
        f"Image {path} must be of {side} x {side} pixels for this network, "
        f"not {size[0]} x {size[1]}"
    )


def test_any_shape_serves_a_network_that_is_not_square(tmp_path: Path) -> None:
    assert len(read_picture(save(tmp_path / "a.png", Image.new("L", (3, 2))), 6)[0]) == 6


def test_turned_picture_is_turned_back(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # To be turned by 90 degrees, clockwise.
    path = save(tmp_path / "a.png", Image.fromarray(DIGIT), exif=exif)
    assert read_picture(path, 49)[0].tolist() == np.rot90(DIGIT, -1).ravel().tolist()


def test_animation_is_refused(tmp_path: Path) -> None:
    frames = [Image.fromarray(DIGIT // k) for k in (1, 2, 3)]
    path = save(tmp_path / "a.png", frames[0], save_all=True, append_images=frames[1:])
    assert message_of(lambda: read_picture(path, 49)) == (
        f"Image {path} must be one picture, not 3 that move"
    )


def test_interlaced_picture_is_read(tmp_path: Path) -> None:
    """The passes of Adam7 by their definition."""
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
    rows = [
        DIGIT[y, first::across].tobytes()
        for top, first, down, across in [*passes, (1, 0, 2, 1)]
        for y in range(top, 7, down)
    ]
    header = struct.pack(">IIBBBBB", 7, 7, 8, 0, 0, 0, 1)
    packed = zlib.compress(b"".join(b"\0" + row for row in rows if row))
    path = tmp_path / "a.png"
    path.write_bytes(
        SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )
    assert read_picture(path, 49)[0].tolist() == FLAT


def test_chunk_that_is_longer_than_the_file_takes_no_memory(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Image.fromarray(DIGIT))
    content = bytearray(path.read_bytes())
    at = content.index(b"IEND") - 4
    content[at : at + 4] = struct.pack(">I", 1 << 30)
    path.write_bytes(content)
    tracemalloc.start()
    try:
        assert message_of(lambda: read_picture(path, 49)) == (
            f"File {path} must be a PNG image that can be read"
        )
        assert tracemalloc.get_traced_memory()[1] < 50 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "size", [(6, 8), (7, 6), (20_000, 20_000), (12_000, 12_000), (2**31 - 1, 2**31 - 1)]
)
def test_picture_of_another_size_is_refused_before_it_is_unpacked(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    path = raw_png(tmp_path / "a.png", [bytes(7)], depth=8, colour=0, size=size)
    assert message_of(lambda: read_picture(path, 49)).startswith(
        f"Image {path} must have 49 pixels for this network, not "
    )


def test_text_bomb_is_one_line(tmp_path: Path) -> None:
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(100 << 20)))
    path = raw_png(tmp_path / "a.png", [bytes(7)] * 7, depth=8, colour=0, more=text)
    assert len(path.read_bytes()) < 200_000
    assert message_of(lambda: read_picture(path, 49)) == (
        f"File {path} must be a PNG image that can be read"
    )


@pytest.mark.parametrize("format", ["EPS", "TIFF", "JPEG", "GIF", "BMP", "PPM"])
def test_no_other_decoder_is_reached(
    tmp_path: Path, format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pillow starts Ghostscript for an EPS, whatever its name is."""
    path = tmp_path / "a.png"
    Image.new("L", (7, 7)).save(path, format=format)
    opened: list[str] = []
    Image.init()
    for other in Image.OPEN.keys() - {"PNG"}:

        def decode(*_: object, name: str = other) -> Image.Image:
            opened.append(name)
            raise SyntaxError

        monkeypatch.setitem(Image.OPEN, other, (decode, None))
    assert message_of(lambda: read_picture(path, 49)) == (
        f"File {path} must be a PNG image that can be read"
    )
    assert opened == []


@pytest.mark.parametrize("cut", [8, 30, 60, -13, -12, -1])
def test_damaged_picture_is_one_line(tmp_path: Path, cut: int) -> None:
    path = save(tmp_path / "a.png", Image.fromarray(DIGIT))
    path.write_bytes(path.read_bytes()[:cut])
    assert message_of(lambda: read_picture(path, 49)) == (
        f"File {path} must be a PNG image that can be read"
    )


def test_no_bit_of_a_picture_may_be_damaged(tmp_path: Path) -> None:
    """Pillow reads damaged pixels without a word: 1 in 140 of such faults gave other pixels."""
    path = save(tmp_path / "a.png", Image.fromarray(DIGIT))
    whole = path.read_bytes()
    for at in range(8 * len(SIGNATURE), 8 * len(whole)):
        damaged = bytearray(whole)
        damaged[at // 8] ^= 1 << at % 8
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"^(File|Image) "):
            read_picture(path, 49)


def test_picture_is_known_by_its_content_too(tmp_path: Path) -> None:
    path = save(tmp_path / "digit", Image.fromarray(DIGIT), format="PNG")
    images = read_images([str(path)], size=49)
    assert (images.names, images.pixels.tolist()) == (("digit",), [FLAT])


@pytest.mark.parametrize(("name", "format"), [("a.jpg", "JPEG"), ("a.bmp", "BMP")])
def test_other_picture_is_told(tmp_path: Path, name: str, format: str) -> None:
    path = save(tmp_path / name, Image.fromarray(DIGIT))
    assert message_of(lambda: read_images([str(path)], size=49)).endswith(
        f": it is a {format} picture; pictures must be PNG"
    )
