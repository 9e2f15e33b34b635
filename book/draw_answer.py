"""Draws the figure of the README, book/answer.svg: the front page's answer, from the same code.

    python book/draw_answer.py

A test draws it again and compares.
"""

from pathlib import Path

import yaml

from smoothrelu import SMOOTH_RELUS
from smoothrelu.book import figures, tables
from smoothrelu.files import write_atomically

HERE = Path(__file__).parent


def drawing() -> str:
    published = yaml.safe_load((HERE / "params.yml").read_text())["00_front_page"]
    flows = tables.kernel_flows(SMOOTH_RELUS, published["temperatures"], depth=published["depth"])
    return figures.kernel_against_temperature(flows)._repr_svg_()


if __name__ == "__main__":
    write_atomically(HERE / "answer.svg", drawing().encode())
