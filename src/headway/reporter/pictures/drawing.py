"""What Pillow does: decoding, making smaller, turning upright, encoding. Importing this needs Pillow."""

from __future__ import annotations

import io

from PIL import Image, ImageOps, WebPImagePlugin
from PIL.Image import Resampling, Transpose

from headway.errors import PictureRefused
from headway.reporter.pictures.options import PictureOptions
from headway.reporter.pictures.structure import PictureInfo, Structure, damaged

assert WebPImagePlugin  # imported to be registered: else Pillow would import every format that it knows

_GAP = 3.0
"""How many times larger than the thumbnail, per side, the cheap first step of making it smaller leaves the picture.
From three on nobody can see that there was such a step."""

_TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
"""What undoes each orientation; 1 needs nothing."""


def draw(structure: Structure, options: PictureOptions) -> bytes:
    """A thumbnail as JPEG. Raises PictureRefused."""
    info = structure.info
    _check_pillows_limit(info)
    try:
        file = io.BytesIO(b"".join(structure.essence))
        with Image.open(file, formats=[info.format.upper()]) as image:
            _check_agreement(image, info)
            return _encoded(_upright(_small(image, info, options), info.orientation), options.quality)
    except PictureRefused:
        raise
    except Exception as error:  # Pillow's decoders raise many kinds for damaged content, MemoryError among them
        raise damaged(f"it cannot be decoded ({type(error).__name__}: {error})") from error


def _check_pillows_limit(info: PictureInfo) -> None:
    # Ours is stricter than Pillow's own; who has set that lower still, or to fail, means it. Comparing here, before
    # Pillow would warn, leaves alone its limit and the filters of warnings, which belong to the whole process.
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and info.width * info.height > limit:
        raise PictureRefused(f"it has more pixels than Pillow is allowed here ({limit:,})", reason="size")


def _check_agreement(image: Image.Image, info: PictureInfo) -> None:
    if image.size != (info.width, info.height):
        raise damaged("its size is not the one in its header")


def _small(image: Image.Image, info: PictureInfo, options: PictureOptions) -> Image.Image:
    box = (options.width, options.height) if info.orientation < 5 else (options.height, options.width)
    size = fit(info.width, info.height, box)
    image.draft(None, (int(size[0] * _GAP), int(size[1] * _GAP)))  # a JPEG is decoded at an eighth if that is enough
    smooth = _blendable(image)
    return smooth if smooth.size == size else smooth.resize(size, Resampling.LANCZOS, reducing_gap=_GAP)


def fit(width: int, height: int, box: tuple[int, int]) -> tuple[int, int]:
    """The largest size of that aspect within the box: no larger than the picture, at least one pixel a side."""
    scale = min(1.0, box[0] / width, box[1] / height)
    return max(1, min(box[0], round(width * scale))), max(1, min(box[1], round(height * scale)))


def _blendable(image: Image.Image) -> Image.Image:
    """The picture in a mode whose pixels can be averaged."""
    if image.mode == "I;16":
        return image
    if image.has_transparency_data:
        return image if image.mode in ("RGBA", "LA") else image.convert("RGBA")
    return image if image.mode in ("L", "RGB", "CMYK") else image.convert("RGB")


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image


def _encoded(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    _on_white(image).save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode == "I;16":
        return image.point(lambda value: value * (1 / 256)).convert("L")  # converting alone would clip at 255
    if image.mode not in ("RGBA", "LA"):
        return image.convert("RGB")
    ground = Image.new("RGB", image.size, "white")
    ground.paste(image.convert("RGB"), mask=image.getchannel("A"))
    return ground


def png(image: Image.Image) -> bytes:
    """An image as PNG, upright; what PNG has no mode for becomes red, green and blue. Raises PictureRefused."""
    out = io.BytesIO()
    try:
        _writable(ImageOps.exif_transpose(image)).save(out, "PNG")
    except Exception as error:  # encoders raise many kinds
        raise PictureRefused(f"it cannot be kept as PNG ({type(error).__name__}: {error})", reason="content") from error
    return out.getvalue()


def _writable(image: Image.Image) -> Image.Image:
    if image.mode in ("1", "L", "LA", "I;16", "P", "RGB", "RGBA"):
        return image
    if image.mode in ("I", "I;16B", "I;16L", "I;16N"):  # greys of 16 bits, in the other ways that Pillow has for them
        return image.convert("I").convert("I;16")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")
