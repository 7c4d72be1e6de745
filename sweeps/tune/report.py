"""Write the report of a study, in the folder ``report`` of its directory."""

from pathlib import Path

from analysis.numbers import number, steps
from analysis.tuning.ledger import costs
from analysis.tuning.report import Report
from analysis.tuning.study import read_study

REPORT = "report"


def write_report(directory: Path) -> None:
    """Write the files of the report and print its main results."""
    study = read_study(directory)
    report = Report(study)
    told = report.write(directory / REPORT)
    for row in report.gaps.to_dict("records"):
        experiment = study.winners.set_index(["env_id", "variant"]).loc[(row["env_id"], row["variant"]), "experiment"]
        print(
            f"{row['variant']} on {row['env_id']}: trial {row['trial']} won with {number(row['tuning'])}, "
            f"{number(row['fresh'])} on {row['seeds']} fresh seeds; experiment={experiment}"
        )
    for sentence in told:
        print(sentence)
    table = costs(study.ledger)
    print(
        f"{steps(table['total'].sum())} env steps in all: {steps(table['tuning'].sum())} of tuning, "
        f"{number(table['test'].sum()) if not table['test'].sum() else steps(table['test'].sum())} of tests, "
        f"{steps(table['lost'].sum()) if table['lost'].sum() else 0} lost by restarts"
    )
    print(directory / REPORT / "report.html")
