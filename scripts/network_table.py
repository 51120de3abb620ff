"""Write the rows of a network's table from the network as `keras.applications` builds it.

    python scripts/network_table.py NAME...

The head of `medrecog_core/networks/tables/NAME.json` is written by hand (title, Keras name,
readable layers, official files and so on) and stays as it is; its `rows` are replaced. A test
builds the same rows again and compares.
"""

import argparse
import inspect
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from medrecog_core.networks.backend import import_keras

TABLES = Path(__file__).parents[1] / "medrecog_core" / "networks" / "tables"
# What says nothing of a trained network's answer.
LEFT_OUT = ("name", "trainable", "dtype", "data_format", "momentum", "rate", "rms_scaling")
ENDINGS_LEFT_OUT = ("_initializer", "_regularizer", "_constraint")


def keras_network(keras_name: str, **options: Any) -> Any:
    """Build a network of `keras.applications` whose variables are never given a value."""
    keras = import_keras()
    keras.backend.clear_session()  # layers without a name of their own are counted from here
    # In such a scope variables are declared only, which spares a random head of 500 MB.
    with keras.StatelessScope(initialize_variables=False):
        return getattr(keras.applications, keras_name)(**{"weights": None, **options})


def keras_rows(model: Any) -> list[dict[str, Any]]:
    """Return a row a layer, as it stands in a table."""
    rows: list[dict[str, Any]] = []
    last_of: dict[str, str] = {}
    for operation in model.operations:
        node = operation._inbound_nodes[-1]
        inputs = [last_of[t._keras_history.operation.name] for t in node.input_tensors]
        inner = operation.layers if hasattr(operation, "layers") else [operation]
        for layer in inner:
            row = _row(layer)
            if inputs != [before["name"] for before in rows[-1:]]:
                row["inputs"] = inputs
            inputs = [row["name"]]
            rows.append(row)
        last_of[operation.name] = rows[-1]["name"]
    return rows


def _row(layer: Any) -> dict[str, Any]:
    kind = type(layer).__name__
    output = layer._inbound_nodes[0].outputs[0]
    name = "input" if kind == "InputLayer" else layer.name
    row: dict[str, Any] = {"name": name, "kind": kind, "channels": output.shape[-1]}
    config = _config(layer) if hasattr(layer, "weights") and kind != "InputLayer" else {}
    if kind == "LayerScale":
        config, arrays = {}, {"gamma": list(layer.weights[0].shape)}
    else:
        weights = getattr(layer, "weights", ())
        arrays = {weight.name: list(weight.shape) for weight in weights}
    details = {"config": config, "arrays": arrays}
    return row | {name: value for name, value in details.items() if value}


def _config(layer: Any) -> dict[str, Any]:
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(type(layer)).parameters.items()
    }
    config = {}
    for name, value in layer.get_config().items():
        if name in LEFT_OUT or name.endswith(ENDINGS_LEFT_OUT):
            continue
        if value is None or value == defaults.get(name):
            continue
        as_json = json.loads(json.dumps(value))
        if name == "axis" and as_json == [-1]:
            continue
        if (name, value) == ("activation", "linear") and defaults["activation"] is None:
            continue
        config[name] = as_json
    return config


def write_rows(path: Path) -> int:
    """Replace the rows of a table; return how many there are now."""
    head = json.loads(path.read_text(encoding="utf-8"))
    rows = keras_rows(keras_network(head["keras_name"]))
    write_table(path, {**head, "rows": rows})
    return len(rows)


def write_table(path: Path, table: dict[str, Any]) -> None:
    """Write a table, a line for each layer, row and file."""
    entries = []
    for key, value in table.items():
        if isinstance(value, list):
            lines = ",\n  ".join(json.dumps(entry, ensure_ascii=False) for entry in value)
            entries.append(f' "{key}": [\n  {lines}\n ]')
        else:
            entries.append(f' "{key}": {json.dumps(value, ensure_ascii=False)}')
    path.write_text("{\n" + ",\n".join(entries) + "\n}\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", metavar="NAME")
    for name in parser.parse_args().names:
        print(f"{name}: {write_rows(TABLES / f'{name}.json')} rows")


if __name__ == "__main__":
    main()
