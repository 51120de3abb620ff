"""`train`, `models` and `predict`."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from medrecog_core import models as trained
from medrecog_core.cli.output import fail_after_output, json_option, write_json, write_table
from medrecog_core.errors import MedrecogError
from medrecog_core.experiments import find_run
from medrecog_core.features import Cell
from medrecog_core.images import UnreadableImageError
from medrecog_core.models import ModelCard


@click.command()
@click.option("--run", "run_id", required=True, help="Identity of a run.")
@click.option("--layer", required=True)
@click.option("--scale", type=int, required=True)
@click.option("--pooling", required=True)
@click.option("--name", required=True, help="Name of the new model.")
@json_option
def train(run_id: str, layer: str, scale: int, pooling: str, name: str, as_json: bool) -> None:
    """Keep the SVM of a finished cell as a model that classifies new images."""
    cell = Cell(layer, scale, pooling)
    card = trained.train_model(find_run(run_id), cell, name).card
    if as_json:
        write_json(_describe(card))
    else:
        low, high = card.accuracy_interval
        click.echo(
            f"Trained {name} on {card.n_train} images; accuracy on {card.n_test} test images "
            f"{card.accuracy:.3f} (95 % {low:.3f} to {high:.3f})."
        )


@click.command()
@json_option
def models(as_json: bool) -> None:
    """List every model."""
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
        click.echo("There are no models yet. Make one from a run's cell: train --help")
    for sentence in damaged.values():
        click.echo(sentence)


@click.command()
@click.argument("model")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
@json_option
def predict(model: str, files: tuple[Path, ...], as_json: bool) -> None:
    """Classify image files with MODEL. For research, not for diagnosis."""
    predictor = trained.Predictor(trained.load_model(model))
    documents: list[dict[str, Any]] = []
    for file, answer in zip(files, trained.predict_files(predictor, files), strict=True):
        if isinstance(answer, UnreadableImageError):
            documents.append({"file": str(file), "error": str(answer)})
        else:
            documents.append({"file": str(file), "label": answer.label, "scores": answer.scores})
    if as_json:
        write_json(documents)
    else:
        for document in documents:
            if "error" in document:
                click.echo(f"{document['file']}: not classified, {document['error']}")
            else:
                scores = ", ".join(f"{k} {v:+.3f}" for k, v in document["scores"].items())
                click.echo(f"{document['file']}: {document['label']} ({scores})")
    if all("error" in document for document in documents):
        fail_after_output()


@click.command("delete-model")
@click.argument("model")
@json_option
def delete_model(model: str, as_json: bool) -> None:
    """Delete MODEL."""
    trained.delete_model(model)
    if as_json:
        write_json({"model": model, "deleted": True})
    else:
        click.echo(f"Deleted {model}.")


def _describe(card: ModelCard) -> dict[str, Any]:
    return {**asdict(card), "classes": list(card.classes)}
