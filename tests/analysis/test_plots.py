"""How figures look: colors that stay, lines that are told apart, bands that are what they say."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

import conf
from analysis import align, load_runs, plots, seed_scores
from analysis.plots.style import (
    BUILT_IN,
    COLORS,
    LINES,
    ON_DARK,
    THIN_ON_DARK,
    colors_of,
    ink,
    line_of,
    use_style,
)
from analysis.report.page import page
from tests.analysis.synthetic import ppo_curves, write_run

DARK_PAPER, WHITE = "#17171a", "#ffffff"


def luminance(color: str) -> float:
    """Relative luminance of sRGB, as WCAG 2 defines it."""
    parts = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def blended(color: str, paper: str, opacity: float) -> str:
    """`color` on `paper`, as a half-transparent line looks."""
    pairs = [(int(color[i : i + 2], 16), int(paper[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(opacity * over + (1 - opacity) * under):02x}" for over, under in pairs)


def grey(color: str) -> float:
    """What a printer without color makes of it, 0 to 255 (luma of ITU-R BT.601)."""
    return float(np.dot([0.299, 0.587, 0.114], [int(color[i : i + 2], 16) for i in (1, 3, 5)]))


def test_every_color_can_be_seen_on_both_papers():
    assert min(contrast(color, WHITE) for color in COLORS) >= 3
    assert min(contrast(color, DARK_PAPER) for color in ON_DARK) >= 4.5
    style = page("", "")
    assert all(color in style for color in (*COLORS, *ON_DARK))


def test_lines_of_single_seeds_can_be_seen_on_dark_paper():
    assert min(contrast(blended(color, DARK_PAPER, THIN_ON_DARK), DARK_PAPER) for color in ON_DARK) >= 4.5
    assert f"--thin: {THIN_ON_DARK}" in page("", "").split("prefers-color-scheme: dark")[1]


def test_in_print_the_first_three_colors_are_three_greys():
    for shade in (grey, luminance):
        low, middle, high = sorted(shade(color) for color in COLORS[:3])
        assert middle >= 1.25 * low
        assert high >= 1.25 * middle


@given(st.lists(st.text(min_size=1, max_size=12), unique=True, max_size=len(COLORS)))
def test_variants_of_one_page_have_colors_of_their_own_and_keep_them_in_any_order(names):
    colors = colors_of(names)
    assert len(set(colors.values())) == len(names)
    assert colors_of(reversed(names)) == colors
    assert list(colors) == names


def test_a_variant_keeps_its_color_in_other_company():
    for name in BUILT_IN:
        assert colors_of([name]) == {name: COLORS[BUILT_IN[name]]}
        assert colors_of([*BUILT_IN, "zebra", "ant"])[name] == COLORS[BUILT_IN[name]]
    assert len(set(BUILT_IN.values())) == len(BUILT_IN)
    assert colors_of(["spo"])["spo"] == colors_of(["ppo", "spo", "trpo"])["spo"]


def test_every_built_in_variant_has_a_color_of_its_own():
    files = [yaml.safe_load(path.read_text()) for path in (Path(conf.__file__).parent / "algo").glob("*.yaml")]
    assert {settings["name"] for settings in files if "name" in settings} == set(BUILT_IN)


def test_curves_that_coincide_are_told_apart():
    """What lies above another curve has less ink and is thinner; every color has a line style of its own."""
    assert len(set(LINES)) == len(COLORS)
    looks = sorted((line_of(color) for color in COLORS), key=lambda look: look["zorder"])
    shares = [ink(look["linestyle"]) for look in looks]
    assert shares == sorted(shares, reverse=True)
    assert all(below["linewidth"] > above["linewidth"] for below, above in itertools.pairwise(looks))
    assert line_of("tab:blue") == {"color": "tab:blue", "linestyle": "solid"}


@pytest.fixture
def task(tmp_path, rng):
    for algo in ("ppo", "trpo"):
        write_run(tmp_path / algo, algo, "CartPole-v1", range(6), ppo_curves(rng, 6, 12))
    return align(load_runs(tmp_path), "episodic_return")


def test_the_iqm_has_a_pointwise_band_inside_limits_for_the_whole_curve(task):
    with use_style():
        ax = Figure().subplots()
        plots.iqm_curves(task.frame(), ax, colors_of(["ppo"]))
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    low, high, middle = (line.get_ydata() for line in ax.lines)
    assert len(middle) == 12
    assert (low < middle).all()
    assert (middle < high).all()
    assert low.min() < band.min()
    assert high.max() > band.max()


def test_the_same_scores_are_drawn_at_the_same_places(task):
    places = []
    for _ in range(2):
        ax = Figure().subplots()
        np.random.seed(None)  # noqa: NPY002
        state = np.random.get_state()[1].tolist()  # noqa: NPY002
        plots.distribution(seed_scores(task), ax, colors_of(["ppo", "trpo"]), "final")
        assert np.random.get_state()[1].tolist() == state  # noqa: NPY002
        places.append([collection.get_offsets().tolist() for collection in ax.collections])
    assert places[0] == places[1]
