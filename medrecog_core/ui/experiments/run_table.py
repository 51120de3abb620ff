"""The table of runs, of which rows can be selected."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import streamlit as st

from medrecog_core.runs import ListedRun

_ROWS_SHOWN = 12
_ROW_PX = 35


def choose_runs(rows: Sequence[ListedRun]) -> list[ListedRun]:
    """Show runs as a table and return the selected ones."""
    columns: dict[str, Any] = {
        "Pin": st.column_config.TextColumn("", width=24, help="★: pinned, listed first"),
        "Name": st.column_config.TextColumn(width=280),
        "Status": st.column_config.TextColumn(width=200),
        "Score": st.column_config.NumberColumn(
            format="%.3f", width=64, help="Accuracy of the best cell"
        ),
        "95 % CI": st.column_config.TextColumn(
            width=96, help="95 % confidence interval of the score"
        ),
        "n": st.column_config.NumberColumn(format="localized", width=56, help="Test images"),
        "Best cell": st.column_config.TextColumn(width=150),
        "Date": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm", width=130),
        "Minutes": st.column_config.NumberColumn(
            format="%.1f", width=72, help="Time of work, over all attempts"
        ),
        "Tags": st.column_config.ListColumn(),
        "Note": st.column_config.TextColumn(width=200),
    }
    shown = [_shown(row) for row in rows]
    if any(row.started_by for row in rows):  # with sign-in
        shown = [
            values | {"Started by": row.started_by} for values, row in zip(shown, rows, strict=True)
        ]
    event: Any = st.dataframe(
        shown,
        key=f"runs {_digest(rows)}",
        on_select="rerun",
        selection_mode="multi-row",
        hide_index=True,
        column_config=columns,
        placeholder="-",
        height=_ROW_PX * (min(len(rows), _ROWS_SHOWN) + 1) + 3,
        alt=f"{len(rows):,} runs with their status, best cell and settings",
    )
    # A selection is by position: it is lost with the key when runs are added or removed.
    return [rows[i] for i in event.selection.rows if i < len(rows)]


def _digest(rows: Sequence[ListedRun]) -> str:
    return sha256("\n".join(row.run.id for row in rows).encode()).hexdigest()[:16]


def _shown(row: ListedRun) -> dict[str, Any]:
    summary, labels = row.summary, row.labels
    best = summary.best if summary else None
    # The progress of an active run is shown where it is updated.
    progress = row.progress if row.state.has_ended else ""
    return {
        "Pin": "★" if labels.pinned else "",
        "Score": best.score if best else None,
        "Name": row.name,
        "Status": f"{row.status} ({progress})" if progress else row.status,
        "95 % CI": f"{best.low:.3f}–{best.high:.3f}" if best else "",
        "n": best.n if best else None,
        "Best cell": best.name if best else "",
        "Data set": summary.dataset if summary else "",
        "Protocol": summary.protocol if summary else "",
        "Parameter": summary.parameter if summary else "",
        "Network": summary.network if summary else "",
        "Date": datetime.fromtimestamp(row.state.created),
        "Minutes": row.seconds / 60 if row.seconds else None,
        "Tags": list(labels.tags),
        "Note": labels.note,
    }
