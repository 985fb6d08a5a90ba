#!/usr/bin/env python3
"""The picture in the README: each example image with its verdict, from praetor's own JSON lines.

    target/release/praetor judge models/demo/examples -c constitutions/demo.yaml --format jsonl \
        | tools/contact_sheet.py docs/images/demo.png

Needs Pillow.
"""

import json
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

COLUMNS, SIDE, GAP, TEXT = 4, 200, 16, 62
COLOURS = {"unsafe": "#b3261e", "safe": "#1b6e3c", "undetermined": "#8a5a00", "failed": "#8a5a00"}


def font(size: int, bold: bool = False):
    for path in (
        f"/usr/share/fonts/truetype/dejavu/DejaVuSans{'-Bold' if bold else ''}.ttf",
        "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
    ):
        if Path(path).exists():
            return ImageFont.truetype(path, size)
    return ImageFont.load_default(size)


def main() -> None:
    verdicts = [json.loads(line) for line in sys.stdin]
    rows = -(-len(verdicts) // COLUMNS)
    width = COLUMNS * (SIDE + GAP) + GAP
    sheet = Image.new("RGB", (width, rows * (SIDE + TEXT + GAP) + GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for index, verdict in enumerate(verdicts):
        x = GAP + index % COLUMNS * (SIDE + GAP)
        y = GAP + index // COLUMNS * (SIDE + TEXT + GAP)
        colour = COLOURS[verdict["verdict"]]
        image = Image.open(verdict["image"]).convert("RGB").resize((SIDE, SIDE), Image.LANCZOS)
        sheet.paste(image, (x, y))
        draw.rectangle((x - 3, y - 3, x + SIDE + 2, y + SIDE + 2), outline=colour, width=3)
        headline = f"{verdict['verdict']}  {verdict.get('score', 0):.3f}"
        draw.text((x, y + SIDE + 6), headline, fill=colour, font=font(15, bold=True))
        open_rules = [r["rule"] for r in verdict["rules"] if r["outcome"] == "undetermined"]
        reasons = verdict["violated"] or [f"{rule} ?" for rule in open_rules]
        for line, reason in enumerate(reasons[:2]):
            draw.text((x, y + SIDE + 25 + 16 * line), reason, fill="#333333", font=font(13))
    Path(sys.argv[1]).parent.mkdir(parents=True, exist_ok=True)
    sheet.save(sys.argv[1])


if __name__ == "__main__":
    main()
