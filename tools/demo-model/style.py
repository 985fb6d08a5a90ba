"""Style augmentation of one pictogram: what makes art sets that were never seen readable.

A set differs from another in outline, palette, shading and proportion far more than
in subject. So each picture is redrawn in many ways: black outlines (openmoji,
streamline), flat colours, shifted hues, ink on white, small turns and squeezes, and
the softness that comes from resizing.
"""

import numpy as np
from PIL import Image, ImageFilter
from scipy import ndimage

from classes import INDEX

# Colour is part of what these are: a blue drop is water, not blood.
COLOUR_BOUND = {INDEX[n] for n in ("blood", "fire", "beer", "wine", "apple", "tree")}
COLOUR_FREE = {INDEX[n] for n in ("car", "house", "flower", "cake", "ball", "gun", "pill", "knife", "cat", "dog", "bomb", "skull")}
INKS = np.array([[20, 20, 20], [35, 35, 45], [60, 40, 30], [20, 40, 80], [30, 60, 35]], np.float32)


def hue_matrix(degrees: float, saturation: float) -> np.ndarray:
    """A 3x3 matrix that turns hue and scales saturation while it keeps luminance."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    w = np.array([0.299, 0.587, 0.114], np.float32)
    grey = np.tile(w, (3, 1))
    k = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], np.float32) / np.sqrt(3)
    turn = grey + (np.eye(3) - grey) * c + k @ (np.eye(3) - grey) * s
    return (grey + saturation * (turn - grey)).astype(np.float32)


def colourful_ink(rgba: np.ndarray, cls: int, rng: np.random.Generator) -> np.ndarray:
    """One-colour icons get an ink and, half of the time, a filled body behind the lines."""
    out = rgba.astype(np.float32)
    alpha = out[..., 3:] / 255
    ink = INKS[rng.integers(len(INKS))]
    if cls == INDEX["blood"]:
        ink = np.array([190, 20, 30], np.float32) + rng.normal(0, 12, 3)
    elif cls == INDEX["fire"]:
        ink = np.array([[230, 90, 20], [40, 20, 10]], np.float32)[rng.integers(2)]
    if rng.random() < 0.6:
        fill = rng.uniform(150, 255, 3)
        if cls == INDEX["fire"]:
            fill = np.array([250, 180, 40])
        elif cls == INDEX["beer"]:
            fill = np.array([245, 190, 60])
        body = ndimage.binary_fill_holes(alpha[..., 0] > 0.4)[..., None]
        rgb = fill * (1 - alpha) + ink * alpha
        return np.concatenate([rgb, 255 * np.maximum(alpha, body)], -1).clip(0, 255).astype(np.uint8)
    return np.concatenate([np.broadcast_to(ink, out[..., :3].shape), out[..., 3:]], -1).clip(0, 255).astype(np.uint8)


def outlined(rgba: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A dark line around the shape and, often, along its inner edges."""
    alpha = rgba[..., 3]
    wide = ndimage.maximum_filter(alpha, size=3 if rng.random() < 0.6 else 5)
    ink = INKS[rng.integers(len(INKS))]
    rgb = rgba[..., :3].astype(np.float32)
    if rng.random() < 0.7:
        light = rgb @ np.array([0.299, 0.587, 0.114], np.float32)
        edge = np.hypot(ndimage.sobel(light, 0), ndimage.sobel(light, 1)) / 4
        line = np.clip((edge - rng.uniform(12, 30)) / 20, 0, 1)[..., None]
        rgb = rgb * (1 - line) + ink * line
    a = (alpha / 255.0)[..., None]
    return np.concatenate([rgb * a + ink * (1 - a), wide[..., None]], -1).astype(np.uint8)


def new_palette(rgba: np.ndarray, cls: int, rng: np.random.Generator) -> np.ndarray:
    """Few flat colours, each moved on its own: the same drawing by another hand."""
    image = Image.fromarray(rgba[..., :3]).quantize(int(rng.integers(3, 9)), Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    colours = np.array(image.getpalette(), np.float32).reshape(-1, 3)
    spread = 12 if cls in COLOUR_BOUND else 55 if cls in COLOUR_FREE else 25
    colours = (colours + rng.normal(0, spread, colours.shape) + rng.normal(0, spread / 2, (len(colours), 1))).clip(0, 255)
    return np.concatenate([colours[np.asarray(image)], rgba[..., 3:]], -1).astype(np.uint8)


def bend(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Shear and perspective: each corner moves a little."""
    w, h = image.size
    move = rng.normal(0, 0.07, (4, 2)) * (w, h)
    corners = np.array([(0, 0), (0, h), (w, h), (w, 0)]) + move
    return image.transform((w, h), Image.QUAD, tuple(corners.ravel()), Image.BILINEAR)


def sprite(picture: np.ndarray, cls: int, mono: bool, size: int, rng: np.random.Generator, plain: bool = False) -> np.ndarray:
    """One redrawing of `picture` about `size` pixels large, as uint8 RGBA.

    `plain` keeps the art as it is (mirroring and size aside): scenes for tests and examples.
    """
    if mono and not plain:
        picture = colourful_ink(picture, cls, rng)
    image = Image.fromarray(picture)
    if rng.random() < 0.5:
        image = image.transpose(Image.FLIP_LEFT_RIGHT)
    if plain:
        return np.asarray(image.resize((size, size), Image.BILINEAR))
    if rng.random() < 0.25:
        image = Image.fromarray(new_palette(np.asarray(image), cls, rng))
    if rng.random() < 0.4:
        image = bend(image, rng)
    if rng.random() < 0.75:
        image = image.rotate(rng.normal(0, 12), Image.BILINEAR, expand=True)
    w, h = (max(12, int(size * np.exp(rng.normal(0, 0.09)))) for _ in range(2))
    if rng.random() < 0.3:  # softness of an image that was small once
        image = image.resize((max(10, int(w * 0.6)), max(10, int(h * 0.6))), Image.BILINEAR)
    image = image.resize((w, h), (Image.BILINEAR, Image.BICUBIC, Image.LANCZOS, Image.BOX)[rng.integers(4)])
    if rng.random() < 0.15:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 0.9)))
    rgba = np.array(image)
    rgb = rgba[..., :3].astype(np.float32)
    spread = 8 if cls in COLOUR_BOUND else 60 if cls in COLOUR_FREE else 25
    if rng.random() < 0.7:
        rgb = rgb @ hue_matrix(rng.normal(0, spread), 1 if rng.random() < 0.3 else rng.uniform(0.3 if cls not in COLOUR_BOUND else 0.8, 1.5)).T
    if cls not in COLOUR_BOUND and rng.random() < 0.14:  # two tones between which the light runs
        light = (rgb @ np.array([0.299, 0.587, 0.114], np.float32))[..., None] / 255
        dark, bright = rng.uniform(0, 130, 3), rng.uniform(130, 255, 3)
        rgb = dark + light * (bright - dark) if cls in COLOUR_FREE or rng.random() < 0.5 else light * np.full(3, 255.0)
    if rng.random() < 0.3:
        rgb = 255 * (rgb.clip(0, 255) / 255) ** np.exp(rng.normal(0, 0.4, 3 if cls not in COLOUR_BOUND else 1))
    if rng.random() < 0.2:  # flat colours
        step = rng.uniform(40, 90)
        rgb = np.round(rgb / step) * step
    if rng.random() < 0.7:
        rgb = (rgb - 128) * rng.uniform(0.7, 1.3) + 128 + rng.normal(0, 18) + rng.normal(0, 6, 3)
    rgba[..., :3] = rgb.clip(0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        rgba = outlined(np.pad(rgba, ((2, 2), (2, 2), (0, 0))), rng)
    return rgba
