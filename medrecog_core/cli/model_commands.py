"""`train`, `models`, `predict`, `delete-`, `restore-`, `export-` and `import-model`."""

import re
from pathlib import Path
from typing import Any

import click

from medrecog_core import atomic_file
from medrecog_core import models as trained
from medrecog_core.classification.scored_groups import WAYS
from medrecog_core.cli.evaluate_command import evaluation_document
from medrecog_core.cli.options import json_option
from medrecog_core.cli.output import fail_after_output, shown_progress, write_json, write_table
from medrecog_core.cli.trash_output import empty_trash, list_trash
from medrecog_core.errors import MedrecogError
from medrecog_core.images import UnreadableImageError
from medrecog_core.models import ModelCard
from medrecog_core.runs import find_run
from medrecog_core.trash import DAYS_KEPT


class _Scale(click.ParamType[str]):
    """An input size such as 224, or 224+544 for a fusion."""

    name = "pixels"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not re.fullmatch(r"\d+(\+\d+)*", str(value)):
            self.fail(
                f"“{value}” is not a valid input size. Enter 224, or 224+544 for a fusion.",
                param,
                ctx,
            )
        return str(value)


@click.command()
@click.option("--run", "run_id", required=True, help="Name of the run.")
@click.option(
    "--layer", required=True, help="Layer, such as block4, or block4+block5 for a fusion."
)
@click.option("--scale", type=_Scale(), required=True, help="Input size in pixels.")
@click.option("--pooling", required=True, help="Pooling of the cell.")
@click.option("--name", required=True, help="Name of the new model.")
@click.option(
    "--on",
    type=click.Choice(trained.TRAINED_ON),
    default=trained.TRAINING,
    show_default=True,
    help="Train on the training images of the run, or on training and test images.",
)
@json_option
def train(
    run_id: str, layer: str, scale: str, pooling: str, name: str, on: str, as_json: bool
) -> None:
    """Train the classifier of a finished cell and save it as a model."""
    run = find_run(run_id)
    cell = trained.finished_cell(run, layer, scale, pooling)
    if kept := trained.what_would_be_kept(run, cell, on):
        click.echo(kept, err=True)
    with shown_progress() as report:
        card = trained.carry_out_training(run, cell, name, on, report).card
    if as_json:
        write_json(_describe(card))
    else:
        low, high = card.accuracy_interval
        click.echo(
            f"Trained {name} on {card.n_learnt} images; accuracy on {card.n_test} test images "
            f"{card.accuracy:.3f} (95 % CI {low:.3f}-{high:.3f})."
        )
        for sentence in trained.limits(card):
            click.echo(sentence)


@click.group(invoke_without_command=True)
@click.option("--trash", "is_trash", is_flag=True, help="List deleted models instead.")
@click.option("--empty-trash", "empties", is_flag=True, help="Remove deleted models from the disk.")
@json_option
@click.pass_context
def models(context: click.Context, is_trash: bool, empties: bool, as_json: bool) -> None:
    """List all models, or show one with “models show MODEL”."""
    if context.invoked_subcommand is not None:
        return
    if empties:
        empty_trash(trained.MODEL_TRASH, as_json)
        return
    if is_trash:
        list_trash(trained.MODEL_TRASH, as_json)
        return
    cards: list[ModelCard] = []
    damaged: dict[str, str] = {}
    for name in trained.model_names():
        try:
            cards.append(trained.load_model(name).card)
        except MedrecogError as error:
            damaged[name] = str(error)
    if as_json:
        unread = [{"name": name, "error": sentence} for name, sentence in damaged.items()]
        write_json([_describe(card) for card in cards] + unread)
        return
    if cards:
        write_table(
            ("model", "data set", "cell", "classes", "accuracy", "test images"),
            (
                (c.name, c.dataset, c.cell.name, ", ".join(c.classes), c.accuracy, c.n_test)
                for c in cards
            ),
        )
    elif not damaged:
        click.echo("No models yet. Save a cell of a finished run as a model; see “train --help”.")
    for sentence in damaged.values():
        click.echo(sentence)


@models.command("show")
@click.argument("model")
@json_option
def show_model(model: str, as_json: bool) -> None:
    """Print the model card of MODEL as Markdown."""
    loaded = trained.load_model(model)
    if as_json:
        documents = [evaluation_document(model, test) for test in loaded.outside_tests]
        tests = {"outside_tests": documents} if documents else {}
        write_json({**_describe(loaded.card), **tests})
    else:
        click.echo(trained.card_markdown(loaded.card, tests=loaded.outside_tests))


@models.command("delete-test")
@click.argument("model")
@click.argument("dataset")
@json_option
def delete_test(model: str, dataset: str, as_json: bool) -> None:
    """Delete the test of MODEL on DATASET."""
    trained.delete_test(model, dataset)
    if as_json:
        write_json({"model": model, "dataset": dataset, "deleted": True})
    else:
        click.echo(f"Deleted the test of {model} on {dataset}.")


@click.command()
@click.argument("model")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
@click.option(
    "--csv",
    "table",
    type=click.Path(path_type=Path),
    help="Also write a table with one row per image to this file.",
)
@click.option(
    "--as-one-patient",
    "how",
    type=click.Choice(WAYS),
    help="All files are images of one patient: also give one answer, by the mean or maximum of "
    "their scores. With --json, the document has “images” and “patient”.",
)
@json_option
def predict(
    model: str, files: tuple[Path, ...], table: Path | None, how: str | None, as_json: bool
) -> None:
    """Classify image files with MODEL. For research, not for diagnosis."""
    predictor = trained.Predictor(trained.load_model(model))
    answers = trained.predict_files(predictor, files)
    names = [str(file) for file in files]
    documents = [trained.answer_document(*each) for each in zip(names, answers, strict=True)]
    if table is not None:
        atomic_file.write_export(
            table, trained.answers_csv(names, answers).encode(errors="surrogateescape")
        )
    is_unread = all("error" in document for document in documents)
    patient = None
    if how is not None and not is_unread:
        patient = trained.answer_for_patient(predictor.model.card, answers, how)
    if as_json:
        together = {"images": documents, "patient": patient and patient.to_document()}
        write_json(documents if how is None else together)
    else:
        for name, answer in zip(names, answers, strict=True):
            click.echo(_line(name, answer))
        if patient is not None:
            scores = ", ".join(f"{label} {value:+.3f}" for label, value in patient.scores.items())
            click.echo(f"Patient: {patient.label} ({scores}). {patient.words}")
    if is_unread:
        fail_after_output()


def _line(name: str, answer: trained.Prediction | UnreadableImageError) -> str:
    if isinstance(answer, UnreadableImageError):
        return f"{name}: not classified ({answer})"
    scores = ", ".join(f"{label} {value:+.3f}" for label, value in answer.scores.items())
    line = f"{name}: {answer.label} ({scores})"
    if answer.probabilities is not None:
        line += f", probability {answer.probabilities[answer.label]:.3f}"
    if answer.at_threshold not in (None, answer.label):
        line += f", at the decision threshold {answer.at_threshold}"
    if answer.resemblance is not None and answer.resemblance.is_unlike:
        line += ", unlike the training images"
    if known := trained.name_copies(answer.copies or ()):
        line += f", {known}"
    return f"{line}. {answer.remark}" if answer.remark else line


@click.command("delete-model")
@click.argument("model")
@json_option
def delete_model(model: str, as_json: bool) -> None:
    """Move MODEL to the trash for 30 days."""
    trained.delete_model(model)
    if as_json:
        write_json({"model": model, "deleted": True})
    else:
        click.echo(
            f"Deleted {model}. Restore it within {DAYS_KEPT} days with “restore-model {model}”."
        )


@click.command("restore-model")
@click.argument("model")
@json_option
def restore_model(model: str, as_json: bool) -> None:
    """Restore the deleted MODEL from the trash."""
    trained.MODEL_TRASH.restore(model)
    if as_json:
        write_json({"model": model, "restored": True})
    else:
        click.echo(f"Restored {model}.")


@click.command("export-model")
@click.argument("model")
@click.option("--to", "file", required=True, type=click.Path(path_type=Path), help="File to write.")
@click.option(
    "--with-paths",
    is_flag=True,
    help="Include the paths of the training images, which may identify patients.",
)
@json_option
def export_model(model: str, file: Path, with_paths: bool, as_json: bool) -> None:
    """Export MODEL to one file, to import on another machine."""
    kept = trained.what_is_kept(trained.load_model(model).card)
    trained.export_model(model, file, with_paths)
    if as_json:
        write_json({"model": model, "file": str(file), **({"contains": kept} if kept else {})})
    else:
        click.echo(f"Wrote {file}." + (f" {kept}" if kept else ""))


@click.command("import-model")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", default="", help="Name of the model here.  [default: its own]")
@json_option
def import_model(file: Path, name: str, as_json: bool) -> None:
    """Import a model file written by export-model."""
    card = trained.import_model(file, name)
    needs = trained.missing_weights(card)
    if as_json:
        write_json({**_describe(card), "missing_weights": needs})
    else:
        said = [f"Imported {card.name}.", needs, trained.what_is_kept(card)]
        click.echo(" ".join(sentence for sentence in said if sentence))


def _describe(card: ModelCard) -> dict[str, Any]:
    return {**card.to_document(), "classes": list(card.classes)}
