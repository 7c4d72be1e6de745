"""Plots: for notebooks, of one axis each (axes); and the figures of the report, made of these plots (figures)."""

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
