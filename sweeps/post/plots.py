"""What the figures of the post are made of; each function draws into an axis."""

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes

from algos.core.surrogate import clipped_surrogate
from analysis.pairs import BETTER, SAME
from analysis.plots.axes import GUIDE, wrapped
from analysis.plots.style import COLORS, INK, LINES
from sweeps.post.scores import ITERATIONS, values_of
from sweeps.post.trust_region import MAX_KL

BLUE, RED, GREEN = COLORS[:3]
TABLEAU = [f"C{number}" for number in range(10)]
Z95 = 1.96


def as_the_post(
    frame: pd.DataFrame, ax: Axes, limits: tuple[float, float, float, float], alpha: float, colors: list[str]
) -> None:
    """Every seed's ``post_return`` as a plain line, in the axes of the post's figure, wider where the data needs it."""
    values = values_of(frame, "post_return")
    for number, line in enumerate(values):
        ax.plot(line, color=colors[number % len(colors)], alpha=alpha, linewidth=1.0)
    left, right, low, high = limits
    ax.set_xlim(left, right)
    ax.set_ylim(min(low, np.nanmin(values)), max(high, np.nanmax(values)))
    ax.set_xlabel("iteration")
    ax.set_ylabel("post return")


def spread_at_iterations(frame: pd.DataFrame, ax: Axes, metric: str, color: str) -> None:
    """Every seed at some iterations as points, their quartiles as a box, their median as a bar."""
    values = values_of(frame, metric)
    shown = [number for number in ITERATIONS if number < values.shape[1]]
    for position, number in enumerate(shown):
        sample = np.sort(values[np.isfinite(values[:, number]), number])
        low, median, high = np.quantile(sample, [0.25, 0.5, 0.75])
        ax.fill_between([position - 0.3, position + 0.3], low, high, color=color, alpha=0.25, linewidth=0)
        ax.plot([position - 0.3, position + 0.3], [median, median], color=INK, linewidth=1.2)
        jitter = (np.arange(len(sample)) * 0.618 % 1 - 0.5) * 0.45  # the golden ratio spreads neighbours evenly
        ax.plot(position + jitter, sample, "o", color=color, markersize=2, alpha=0.6, markeredgewidth=0)
    ax.set_xticks(range(len(shown)), [str(number) for number in shown])
    ax.set_xlabel("iteration")
    ax.grid(axis="x", visible=False)


def trust_region(table: pd.DataFrame, ax: Axes) -> None:
    """Performance with its band, the surrogate, and where the mean KL is at most δ; improvement is to the left."""
    _performance(table, ax)
    edges = [_crossing(table, side) for side in (-1, 1)]
    ax.axvspan(*edges, color=BLUE, alpha=0.12, linewidth=0, zorder=0)
    ax.text(
        sum(edges) / 2, 1.01, rf"mean KL $\leq\delta={MAX_KL:g}$", color=BLUE, transform=ax.get_xaxis_transform(),
        ha="center", va="bottom", fontsize=7.5,
    )  # fmt: skip
    best = int(np.argmax(np.where(table["mean_kl"] <= MAX_KL, table["surrogate_gain"], -np.inf)))
    _mark(table, ax, best, float(table["eta"][_old(table)] + table["surrogate_gain"][best]), r"$\theta$")


def max_kl(table: pd.DataFrame, ax: Axes) -> None:
    """Performance, surrogate, and the surrogate less β times the largest KL of any state."""
    _performance(table, ax)
    bound = lower_bound(table)
    ax.plot(
        table["multiple"], bound, color=GREEN, linestyle=LINES[2], label=r"$L^{\mathrm{IS}}-\beta\,\max_s\mathrm{KL}$"
    )
    low, high = ax.get_ylim()
    best = int(np.argmax(bound))
    _mark(table, ax, best, bound[best], r"$\theta$")
    ax.set_ylim(low, high)


def _performance(table: pd.DataFrame, ax: Axes) -> None:
    x, eta = table["multiple"], table["eta"]
    band = Z95 * table["eta_error"]
    ax.fill_between(x, eta - band, eta + band, color=INK, alpha=0.18, linewidth=0)
    ax.plot(x, eta, color=INK, label=r"$\eta(\theta)$")
    surrogate = eta[_old(table)] + table["surrogate_gain"]
    ax.plot(x, surrogate, color=RED, linestyle=LINES[1], label=r"$L^{\mathrm{IS}}(\theta)$")
    low, high = (eta - band).min(), (eta + band).max()
    room = 0.12 * (high - low)
    ax.set_ylim(low - room, high + room)
    ax.set_xlim(x.max(), x.min())  # as in the post, where improvement is to the left
    _mark(table, ax, _old(table), float(eta[_old(table)]), r"$\theta_{\mathrm{old}}$")
    ax.set_xlabel(r"$\leftarrow$ improvement: natural-gradient steps from $\theta_{\mathrm{old}}$")
    ax.set_ylabel(r"$\eta(\theta)$, discounted return")
    ax.grid(visible=False)


def _mark(table: pd.DataFrame, ax: Axes, row: int, y: float, label: str) -> None:
    x = float(table["multiple"][row])
    bottom = ax.get_ylim()[0]
    ax.plot([x, x], [bottom, y], **GUIDE)
    ax.plot(x, y, "o", color=INK, markersize=3.5)
    ax.annotate(label, (x, bottom), xytext=(4, 4), textcoords="offset points", fontsize=8)  # where no curve passes


def _old(table: pd.DataFrame) -> int:
    return int(np.argmin(np.abs(table["multiple"])))


def _crossing(table: pd.DataFrame, side: int) -> float:
    """Where the mean KL reaches δ on one side of θ_old, between the rows of the table."""
    rows = table[table["multiple"] * side >= 0].sort_values("multiple", key=abs)
    return side * float(np.interp(MAX_KL, rows["mean_kl"], rows["multiple"].abs()))


def penalty(table: pd.DataFrame) -> float:
    """The smallest β whose penalised surrogate exceeds the 95% band of the performance in no row."""
    excess = table["eta"][_old(table)] + table["surrogate_gain"] - (table["eta"] + Z95 * table["eta_error"])
    others = table.index != _old(table)
    return float(max(0.0, (excess[others] / table.loc[others, "max_kl"]).max()))


def lower_bound(table: pd.DataFrame) -> pd.Series:
    """η(θ_old) + the surrogate's gain − β·max KL, with :func:`penalty` as β."""
    return table["eta"][_old(table)] + table["surrogate_gain"] - penalty(table) * table["max_kl"]


def theoretical_penalty(table: pd.DataFrame) -> float:
    """4εγ/(1 − γ)² with ε the largest |Â| (Schulman et al. 2015, theorem 1): the β that guarantees a bound."""
    gamma = float(table["gamma"].iloc[0])
    return 4 * float(table["max_advantage"].iloc[0]) * gamma / (1 - gamma) ** 2


def clipped(ax: Axes, advantage: float, clip_coef: float) -> None:
    """The project's own clipped objective of one sample against its ratio, as in figure 1 of the PPO paper."""
    ratio = torch.linspace(0.0, 2.0 if advantage > 0 else 1.75, 401, dtype=torch.float64)
    objective = clipped_surrogate(ratio, torch.full_like(ratio, advantage), clip_coef)
    edge = 1 + clip_coef if advantage > 0 else 1 - clip_coef
    ax.plot(ratio, objective, color="black", linewidth=2.5)
    ax.plot(1.0, advantage, "o", color="red", markersize=6)
    low, high = (0.0, 1.75) if advantage > 0 else (-2.0, 0.0)
    ax.plot([edge, edge], [low, high], **GUIDE)
    ax.set_ylim(low, high)
    ax.set_xlim(0, 2.05)
    edge_label = r"$1+\epsilon$" if advantage > 0 else r"$1-\epsilon$"
    ax.set_xticks([0, 1, edge], ["0", "1", edge_label])
    ax.set_yticks([])
    ax.set_title("$A > 0$" if advantage > 0 else "$A < 0$", loc="center")
    ax.set_ylabel(r"$L^{\mathrm{CLIP}}$")
    ax.set_xlabel("$r$")
    ax.grid(visible=False)
    if advantage < 0:
        ax.spines["bottom"].set_visible(False)
        ax.spines["top"].set_visible(True)
        ax.xaxis.tick_top()
        ax.xaxis.set_label_position("top")


def forest(table: pd.DataFrame, ax: Axes, color: str) -> None:
    """The difference that each row makes, with its 95% interval; filled where a difference was told, a cross where both
    are practically the same. Shaded: the margin."""
    records = table.iloc[::-1].to_dict("records")
    for row, record in enumerate(records):
        ax.plot([record["low"], record["high"]], [row, row], color=color, linewidth=1.2)
        fill = color if record["outcome"] == BETTER else "white"
        marker = "x" if record["outcome"] == SAME else "o"
        ax.plot(record["difference"], row, marker, color=color, markerfacecolor=fill, markersize=4.5)
    margin = records[0]["margin"]
    ax.axvspan(-margin, margin, color="0.5", alpha=0.12, linewidth=0)
    ax.axvline(0.0, **GUIDE)
    ax.set_yticks(range(len(records)), [wrapped(str(record["departure"])) for record in records])
    ax.set_ylim(-0.6, len(records) - 0.4)
    ax.grid(axis="y", visible=False)
