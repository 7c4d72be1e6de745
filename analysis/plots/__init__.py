"""Plots: of one axis each, for notebooks (axes), and the figures of the report made of them (figures)."""

from analysis.plots.axes import (
    distribution,
    heat_map,
    improvement,
    interval_widths,
    iqm_curves,
    median_band,
    performance_profile,
    ranking,
    ranks,
    sample_efficiency,
    seed_curves,
    survival,
)

__all__ = [
    "distribution",
    "heat_map",
    "improvement",
    "interval_widths",
    "iqm_curves",
    "median_band",
    "performance_profile",
    "ranking",
    "ranks",
    "sample_efficiency",
    "seed_curves",
    "survival",
]
