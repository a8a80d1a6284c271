"""Tables of accuracy and cost."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from prunus_model.cli.common import class_text, new_table
from prunus_model.data.class_names import is_number
from prunus_model.training.evaluation import Evaluation

__all__ = ["accuracy_table", "confusion_table"]


def accuracy_table(evaluations: Sequence[Evaluation], dense: float) -> Table:
    """Return a table of accuracy and cost, one row per early exit and margin.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        Of one network and data set.
    dense : float
        From :func:`prunus_model.training.evaluation.whole_dense`.
    """
    first = evaluations[0]
    table = new_table(
        f"{first.data}, {len(first.labels)} images; spikes, steps, updates and SOPs per image",
        "early\nexit",
        "margin",
        "vote %",
        "hard %",
        "un-\ndecided",
        "output\nspikes",
        "steps",
        "neuron\nupdates",
        "forward\nSOPs",
        "of\ndense",
    )
    table.caption = f"dense: whole presentations with nothing pruned, {dense:,.0f} forward SOPs"
    table.caption_justify = "left"
    for e in evaluations:
        table.add_row(
            str(e.readout.stop_after or "never"),
            str(e.readout.margin or "none"),
            f"{100 * e.vote_accuracy:.2f}",
            f"{100 * e.hard_accuracy:.2f}",
            str(e.undecided),
            f"{e.spikes_per_image:.2f}",
            f"{e.steps_per_image:.1f}",
            f"{e.neuron_updates_per_image:,.0f}",
            f"{e.sops_per_image:,.0f}",
            f"{e.sops_per_image / dense:.3f}" if dense else "-",
        )
    return table


def confusion_table(e: Evaluation, names: Sequence[str] = ()) -> Table:
    """Return a table of images by class and vote, with the share that is right.

    Parameters
    ----------
    e : Evaluation
        How the images were told apart.
    names : sequence of str
        What the classes are called; empty if they have numbers only.
    """
    # Of names that are numbers, the names: the rows have them, too.
    columns = enumerate((*names, *map(str, range(len(names), e.readout.classes))))
    table = new_table(
        "Class (rows) and vote (columns)",
        "",
        *(name if is_number(name) else str(c) for c, name in columns),
        "un-\ndecided",
        "right %",
    )
    for c, row in enumerate(e.confusion.tolist()):
        right = f"{100 * row[c] / sum(row):.1f}" if sum(row) else "--"
        cells = [
            Text(str(n) if n or k == c else ".", style="bold" if k == c else "")
            for k, n in enumerate(row)
        ]
        table.add_row(class_text(c, names), *cells, right)
    return table
