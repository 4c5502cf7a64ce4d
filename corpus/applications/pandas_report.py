"""The corpus's report script: monthly means of measurements.  It goes into the AppDir ``pandas-report`` and is not part of Inspector."""

# mypy: ignore-errors
from __future__ import annotations

import sys

import numpy as np
import pandas as pd


def measurements() -> pd.DataFrame:
    """A year of daily temperatures at two places, the same on every run."""
    days = pd.date_range("2025-01-01", "2025-12-31", freq="D", name="day")
    season = -10 * np.cos(2 * np.pi * (days.day_of_year.to_numpy() - 20) / 365)
    noise = np.random.default_rng(2025).normal(0, 2, (len(days), 2))
    return pd.DataFrame({"valley": 11 + season + noise[:, 0], "hill": 6 + season + noise[:, 1]}, index=days)


def main() -> None:
    """Print the table, from a CSV file when one is named."""
    table = pd.read_csv(sys.argv[1], index_col=0, parse_dates=True) if len(sys.argv) > 1 else measurements()
    report = table.groupby(table.index.month).agg(["mean", "min", "max"]).round(1)
    report.index.name = "month"
    print(report.to_string())
    print(f"correlation {np.corrcoef(table.to_numpy().T)[0, 1]:.3f}")


if __name__ == "__main__":
    main()
