"""Pictograms as RGBA arrays: find every class in every art set and render it once.

The sets come from npm (package.json) as SVG and are drawn with resvg. Art is kept
as one array for each (set, class, variant) at `SIDE` pixels, so that the scene
composer never sees an SVG. Which sets are trained on is decided here, because the
claim "unseen art" stands or falls with it.
"""

import base64
import io
import json
import pickle
from pathlib import Path

import numpy as np
from PIL import Image

from classes import THINGS

SIDE = 160  # largest size an object is drawn at (the README's examples are 256 px scenes)

TRAINED = ("twemoji", "noto", "noto-v1", "fluent-emoji-flat", "fluent-emoji", "fluent-emoji-high-contrast", "fxemoji", "streamline-emojis")
NEAR_UNSEEN = "emojione"  # coloured, no outlines: near the trained sets
FAR_UNSEEN = "openmoji"  # black outlines, flat fills: far from them
# emojione-v1 is by the makers of emojione. Its drawings are others for most classes (contact sheet; mean best
# correlation with emojione's 0.54, against 0.52 for twemoji's), but a few motifs live on: so it is not trained on.
SETS = TRAINED + (NEAR_UNSEEN, "emojione-v1", FAR_UNSEEN)


class Library:
    """The SVG sources under node_modules, looked up by set, code point and slug."""

    def __init__(self, modules: Path):
        self.modules = modules
        self._icons: dict[str, dict] = {}

    def svg(self, art_set: str, code: str, slugs: tuple[str, ...]) -> str | None:
        """The SVG text of one pictogram, or None where the set lacks it."""
        if art_set in ("twemoji", "openmoji"):
            folder = self.modules / ("@twemoji/svg" if art_set == "twemoji" else "openmoji/color/svg")
            for name in (code, code + "-fe0f"):
                name = name.lower() if art_set == "twemoji" else name.upper()
                if (file := folder / f"{name}.svg").exists():
                    return file.read_text()
            return None
        if art_set not in self._icons:
            self._icons[art_set] = json.loads((self.modules / "@iconify-json" / art_set / "icons.json").read_text())
        icons = self._icons[art_set]
        for slug in slugs:
            seen = slug
            while seen in icons.get("aliases", {}) and len(icons["aliases"][seen]) == 1:
                seen = icons["aliases"][seen]["parent"]
            if icon := icons["icons"].get(seen):
                w = icon.get("width", icons.get("width", 16))
                h = icon.get("height", icons.get("height", 16))
                return f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 {w} {h}" color="#202020">{icon["body"]}</svg>'
        return None


def render(svg: str, side: int = SIDE) -> np.ndarray:
    """Draw an SVG at `side` pixels and crop it to its ink, kept square."""
    import resvg_py

    out = resvg_py.svg_to_bytes(svg_string=svg, width=side * 2, height=side * 2)
    raw = base64.b64decode(out) if isinstance(out, str) else bytes(out)
    image = Image.open(io.BytesIO(raw)).convert("RGBA")
    box = image.getchannel("A").point(lambda a: 255 if a > 24 else 0).getbbox()
    if box is None:
        raise ValueError("empty picture")
    image = image.crop(box)
    square = Image.new("RGBA", (max(image.size),) * 2)
    square.paste(image, ((square.width - image.width) // 2, (square.height - image.height) // 2))
    return np.asarray(square.resize((side, side), Image.LANCZOS))


def redden(rgba: np.ndarray) -> np.ndarray:
    """A water drop turned into a drop of blood, for the sets older than that emoji."""
    out = rgba.astype(np.float32)
    light = out[..., :3].max(-1, keepdims=True) / 255
    out[..., :3] = np.array([200.0, 20.0, 30.0]) * (0.35 + 0.65 * light) + 60 * np.clip(light - 0.85, 0, 1)
    return np.clip(out, 0, 255).astype(np.uint8)


def load(modules: Path | None, cache: Path) -> dict[str, list[list[np.ndarray]]]:
    """`art[set][class]` is the list of variants; drawn on first use, then from `cache`.

    Without `modules` the packages are looked for beside the cache, where `setup.sh` puts them.
    """
    if cache.exists():
        return pickle.loads(cache.read_bytes())
    library, art = Library(modules or cache.parent / "node_modules"), {}
    for art_set in SETS:
        art[art_set] = []
        for thing in THINGS:
            found: list[np.ndarray] = []
            for code, slugs in thing.art:
                if svg := library.svg(art_set, code, slugs):
                    picture = render(svg)
                    if not any(np.array_equal(picture, f) for f in found):
                        found.append(picture)
            if thing.name == "blood" and not found:
                found = [redden(render(svg)) for svg in [library.svg(art_set, "1f4a7", ("droplet",))] if svg]
            art[art_set].append(found)
    cache.parent.mkdir(parents=True, exist_ok=True)
    cache.write_bytes(pickle.dumps(art))
    return art


def sheet(art: dict[str, list[list[np.ndarray]]], sets: tuple[str, ...], path: Path, side: int = 40) -> None:
    """A contact sheet: one row a set, one group of columns a class. Look before you train."""
    most = [max(len(art[s][c]) for s in sets) for c in range(len(THINGS))]
    canvas = Image.new("RGB", (sum(most) * side, len(sets) * side), (225, 225, 215))
    for row, s in enumerate(sets):
        for c in range(len(THINGS)):
            for k, picture in enumerate(art[s][c]):
                tile = Image.fromarray(picture).resize((side, side), Image.BILINEAR)
                canvas.paste(tile, ((sum(most[:c]) + k) * side, row * side), tile)
    canvas.save(path)
