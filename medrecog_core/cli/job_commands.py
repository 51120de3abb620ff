"""`jobs`, `log`, `stop` and `resume`: all background work, runs included."""

import time
from typing import Any

import click

from medrecog_core.cli.options import json_option
from medrecog_core.cli.output import shown_progress, write_json, write_table
from medrecog_core.cli.run_commands import execute_run
from medrecog_core.errors import StorageError
from medrecog_core.jobs.job import Job, Order, all_jobs, find_job
from medrecog_core.jobs.kinds import RUN
from medrecog_core.jobs.work import carry_out
from medrecog_core.jobs.work import stop as stop_job
from medrecog_core.runs import find_run


@click.command()
@json_option
def jobs(as_json: bool) -> None:
    """List imports, checks, downloads and model trainings, the newest first; “runs” lists runs.

    Jobs that ended are listed for 30 days.
    """
    documents = [_describe(job) for job in all_jobs()]
    if as_json:
        write_json(documents)
        return
    if not documents:
        click.echo("No jobs. Imports, checks, downloads and model trainings are listed here.")
        return
    write_table(
        ("job", "title", "status", "created", "progress"),
        (
            (
                d["job"],
                d["title"],
                d["status"],
                time.strftime("%Y-%m-%d %H:%M", time.localtime(d["created"])),
                _progress(d),
            )
            for d in documents
        ),
    )


@click.command()
@click.argument("job_id", metavar="JOB")
@click.option("--lines", type=click.IntRange(min=1), help="Show only the last LINES lines.")
@json_option
def log(job_id: str, lines: int | None, as_json: bool) -> None:
    """Print the log of JOB, a run or another job: its attempts, stages and messages."""
    job = find_job(job_id)
    found = job.log.lines(lines)
    if as_json:
        write_json({**_identity(job), "lines": found})
    else:
        for line in found:
            click.echo(line)


@click.command()
@click.argument("job_id", metavar="JOB")
@json_option
def stop(job_id: str, as_json: bool) -> None:
    """Stop JOB, a run or another job. Completed work is saved."""
    job = find_job(job_id)
    stop_job(job)
    if as_json:
        write_json({**_identity(job), "stopping": True})
    else:
        click.echo(f"Stopping {job_id}. Completed work is saved; “resume {job_id}” continues it.")


@click.command()
@click.argument("job_id", metavar="JOB")
@json_option
def resume(job_id: str, as_json: bool) -> None:
    """Resume JOB, a run or another job that was stopped, interrupted or failed."""
    job = find_job(job_id)
    if job.kind.name == RUN:
        execute_run(find_run(job_id), as_json)
        return
    with shown_progress() as report:
        carry_out(job, report)
    if as_json:
        write_json(_describe(job))
    else:
        click.echo(f"{job.title}: finished.")


def _identity(job: Job) -> dict[str, str]:
    # The documents of runs had this name before there were other jobs.
    return {"run" if job.kind.name == RUN else "job": job.id}


def _describe(job: Job) -> dict[str, Any]:
    state = job.state()
    try:
        order = job.order()
    except StorageError:  # its state reports the error
        order = Order("", "", job.id)
    return {
        "job": job.id,
        "kind": order.kind,
        "subject": order.subject,
        "title": job.title,
        "status": state.status,
        "stage": state.stage.id if state.stage else "",
        "done": state.done,
        "total": state.total,
        "seconds_left": state.seconds_left,
        "error": state.error,
        "created": state.created,
    }


def _progress(document: dict[str, Any]) -> str:
    if document["error"]:
        return str(document["error"])
    if document["status"] == "finished" or not document["total"]:
        return ""
    return f"{document['done']:,} of {document['total']:,}"
