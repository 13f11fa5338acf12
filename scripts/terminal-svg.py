#!/usr/bin/env python3
"""Draws a terminal session as an SVG picture.

    terminal-svg.py TRANSCRIPT PICTURE

The transcript is what a terminal showed: lines that begin with `$ ` are commands, the rest is their output. Of the escape
sequences, colours and bold are drawn, and all others left out. The same transcript gives the same picture.
"""
import re
import sys
from html import escape

FONT_SIZE = 13
COLUMN = 7.83  # the width of a character in the fonts below
LINE = 19
PADDING = 18
BAR = 34
COLOURS = ["#484f58", "#ff7b72", "#3fb950", "#d29922", "#58a6ff", "#bc8cff", "#39c5cf", "#b1bac4"]
BRIGHT = ["#6e7681", "#ffa198", "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#ffffff"]
TEXT, DIM, COMMAND, BACKGROUND = "#c9d1d9", "#8b949e", "#ffffff", "#0d1117"
SGR = re.compile(r"\x1b\[([0-9;]*)m")
OTHER_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-ln-z]|\][^\x07]*\x07|[()][A-Z0-9]|[=>78])")


class Style:
    """Colour and weight, as SGR sequences change them."""

    def __init__(self):
        self.colour, self.bold, self.dim = TEXT, False, False

    def apply(self, parameters):
        for code in [int(part or 0) for part in parameters.split(";")]:
            if code == 0:
                self.__init__()
            elif code in (1, 2):
                self.bold, self.dim = code == 1, code == 2
            elif code == 22:
                self.bold = self.dim = False
            elif 30 <= code <= 37:
                self.colour = COLOURS[code - 30]
            elif code == 39:
                self.colour = TEXT
            elif 90 <= code <= 97:
                self.colour = BRIGHT[code - 90]

    def attributes(self):
        colour = DIM if self.dim else self.colour
        return f'fill="{colour}"' + (' font-weight="bold"' if self.bold else "")


def spans(line, style):
    """A line of output as pieces (column, text, attributes)."""
    column = 0
    for index, piece in enumerate(SGR.split(line)):
        if index % 2:
            style.apply(piece)
        elif piece:
            text = piece.strip()
            if text:
                yield column + piece.index(text), text, style.attributes()
            column += len(piece)


def draw(transcript):
    lines = []
    style = Style()
    for line in OTHER_ESCAPES.sub("", transcript).expandtabs().splitlines():
        if line.startswith("$ "):
            if lines:
                lines.append([])
            lines.append([(0, "$", f'fill="{COLOURS[2]}"'), (2, line[2:], f'fill="{COMMAND}" font-weight="bold"')])
            style = Style()
        else:
            lines.append(list(spans(line, style)))
    columns = max((column + len(text) for line in lines for column, text, _ in line), default=0)
    width = round(2 * PADDING + columns * COLUMN)
    height = BAR + PADDING + len(lines) * LINE
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" font-size="{FONT_SIZE}">',
        f'<rect width="{width}" height="{height}" rx="8" fill="{BACKGROUND}"/>',
    ]
    for index, colour in enumerate(("#ff5f57", "#febc2e", "#28c840")):
        out.append(f'<circle cx="{PADDING + 4 + 20 * index}" cy="{BAR / 2:g}" r="6" fill="{colour}"/>')
    for number, line in enumerate(lines):
        y = BAR + (number + 1) * LINE - 5
        for column, text, attributes in line:
            # The length is given, so that columns stay columns whatever font there is.
            x, length = PADDING + column * COLUMN, len(text) * COLUMN
            out.append(
                f'<text x="{x:.2f}" y="{y}" textLength="{length:.2f}" lengthAdjust="spacingAndGlyphs"'
                f' xml:space="preserve" {attributes}>{escape(text)}</text>'
            )
    return "\n".join([*out, "</svg>", ""])


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        picture = draw(file.read())
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        file.write(picture)


main()
