"""Every setting that comes from the environment, typed, described and checked in one place."""

import functools
import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from medrecog_core.errors import UsageError

VIEWER = "viewer"
"""The mode in which nothing is started, added, changed or deleted, and nothing is written."""

WEIGHTS_PUBLISHER = "https://storage.googleapis.com/tensorflow/keras-applications"

_PREFIX = "MEDRECOG_"


def _folder(path: Path) -> Path:
    return path.expanduser().resolve()


def _web_address(address: str) -> str:
    if address and not address.startswith(("https://", "http://")):
        raise ValueError
    return address.rstrip("/")


def _parts(separator: str) -> BeforeValidator:
    return BeforeValidator(
        lambda text: (
            tuple(part.strip() for part in text.split(separator) if part.strip())
            if isinstance(text, str)
            else text
        )
    )


Folder = Annotated[Path, AfterValidator(_folder)]
Names = Annotated[tuple[str, ...], NoDecode, _parts(",")]
Folders = Annotated[tuple[Folder, ...], NoDecode, _parts(os.pathsep)]
WebAddress = Annotated[str, AfterValidator(_web_address)]


def _setting(default: Any, description: str, expected: str, **bounds: Any) -> Any:
    """Declare a setting; `expected` completes “Set it to …”."""
    return Field(
        default, description=description, json_schema_extra={"expected": expected}, **bounds
    )


class Settings(BaseSettings):
    """What the environment says. Empty variables count as not set."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        validate_default=True,
        str_strip_whitespace=True,
    )

    cache: Folder | None = _setting(
        None,
        "Folder that holds everything medrecog writes. Default: `cache/` in a checkout, otherwise "
        "the user's data folder, such as `~/.local/share/medrecog`. It can be copied to another "
        "machine. Use a local disk, not a network share.",
        "a folder",
    )
    mode: Annotated[Literal["", "viewer"], BeforeValidator(str.strip)] = _setting(
        "",
        "`viewer`: a read-only view. Nothing is started, added, changed or deleted, and nothing is "
        "written below the cache folder. Classifying an uploaded image is allowed.",
        "“viewer” for a read-only view, or leave it out",
    )
    bundle: Path | None = _setting(
        None,
        "Bundle file to show. The dashboard is then a read-only view of it, extracted into a "
        "temporary folder, and uses no other cache folder.",
        "a file that “bundle” wrote",
    )
    role_claim: str = _setting(
        "email",
        "Claim of the ID token that decides about roles after [sign-in](sharing.md#sign-in): "
        "`email` (default), or the name of another one, such as `groups`.",
        "the name of a claim, such as groups",
        min_length=1,
    )
    admins: Names = _setting(
        (),
        "Who may do everything: values of the claim, separated by commas. With `email`, addresses "
        "that the provider has verified, or domains such as `@example.org`.",
        "values separated by commas",
    )
    runners: Names = _setting(
        (),
        "Who may add data sets, start runs and save models, and stop, change and delete their own.",
        "values separated by commas",
    )
    viewers: Names = _setting(
        (),
        "Who may view everything and classify images.",
        "values separated by commas",
    )
    session_hours: float = _setting(
        12.0,
        "Hours after which somebody has to sign in again. Default: 12. A session also ends when "
        "its ID token expires.",
        "a number of hours such as 12",
        gt=0,
        allow_inf_nan=False,
    )
    data_roots: Folders = _setting(
        (),
        "Folders on the server from which runners may add data sets and tables, separated by `:` "
        "(`;` on Windows). Default: none, they can upload archives and add public data sets. Links "
        "that lead out of these folders are never followed.",
        f"folders separated by {os.pathsep}",
    )
    upload_quota_gb: float | None = _setting(
        None,
        "Maximum size of the uploaded and downloaded data sets of each runner, in GB. Default: no "
        "limit.",
        "a number of gigabytes such as 50",
        ge=0,
        allow_inf_nan=False,
    )
    cache_quota_gb: float | None = _setting(
        None,
        "Maximum size of the runs, models and features of the runs of each runner, in GB. Default: "
        "no limit.",
        "a number of gigabytes such as 100",
        ge=0,
        allow_inf_nan=False,
    )
    runs_at_once: int = _setting(
        1,
        "Maximum number of concurrent runs. Default: 1. Further runs are queued in order. Two runs "
        "never compute the same features twice.",
        "a whole number from 1 on",
        ge=1,
    )
    local_descriptors_gb: float = _setting(
        20.0,
        "Maximum size of the local descriptors of a run with encodings, in GB. Default: 20. An "
        "image takes 50 kB for `block5` and 200 kB for `block4` at 224 pixels.",
        "a number of gigabytes such as 20",
        ge=0,
        allow_inf_nan=False,
    )
    weights_mirror: WebAddress = _setting(
        WEIGHTS_PUBLISHER,
        "Address that `weights download` uses instead of "
        f"`{WEIGHTS_PUBLISHER}`, with the same folders below it.",
        "an address that begins with https:// or http://",
    )
    datasets_mirror: WebAddress = _setting(
        "",
        "Address that `datasets download` uses instead of the publishers', with one folder for "
        "each data set, such as `ham10000/HAM10000_metadata.csv`.",
        "an address that begins with https:// or http://",
    )
    keras_home: Path = _setting(
        Path("~/.keras"),
        "Where Keras keeps its own files. Default: `~/.keras`. `weights download` uses the file "
        "there if Keras has downloaded it.",
        "a folder",
        validation_alias="KERAS_HOME",
    )
    keras_backend: Literal["tensorflow", "jax", "torch"] = _setting(
        "tensorflow",
        "Keras backend that computes the networks: `tensorflow` (default), `jax` or `torch`.",
        "tensorflow, jax or torch",
        validation_alias="KERAS_BACKEND",
    )
    visible_gpus: str | None = _setting(
        None,
        "Empty or `-1`: do not use the GPU.",
        "the numbers of GPUs, or -1 for none",
        validation_alias="CUDA_VISIBLE_DEVICES",
    )
    onednn: Literal["0", "1"] = _setting(
        "1",
        "`0`: TensorFlow computes without oneDNN on processors.",
        "0 or 1",
        validation_alias="TF_ENABLE_ONEDNN_OPTS",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the environment only."""
        return (env_settings,)


def variable_of(setting: str) -> str:
    """Return the name of the environment variable of a setting."""
    alias = Settings.model_fields[setting].validation_alias
    return alias if isinstance(alias, str) else f"{_PREFIX}{setting.upper()}"


CACHE_VARIABLE = variable_of("cache")
MODE_VARIABLE = variable_of("mode")


def read_settings() -> Settings:
    """Return the settings as the environment has them now.

    Raises
    ------
    UsageError
        If a variable has a value that it cannot have.
    """
    return _settings(tuple(os.environ.get(name) for name in _variables()))


def set_in_environment(**values: str) -> None:
    """Set settings for this process and those it starts."""
    for setting, value in values.items():
        os.environ[variable_of(setting)] = value


@functools.cache
def _variables() -> tuple[str, ...]:
    return tuple(map(variable_of, Settings.model_fields))


@functools.lru_cache(maxsize=8)
def _settings(values: tuple[str | None, ...]) -> Settings:
    # A variable set to nothing hides the GPUs, so that one has to tell empty from not set.
    hidden = dict(zip(_variables(), values, strict=True)).get("CUDA_VISIBLE_DEVICES") == ""
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        setting = next(s for s in Settings.model_fields if name in (s, variable_of(s)))
        extra = Settings.model_fields[setting].json_schema_extra
        expected = extra["expected"] if isinstance(extra, dict) else "another value"
        variable = variable_of(setting)
        raise UsageError(
            f"{variable} is “{os.environ.get(variable, '')}”, which is not valid. "
            f"Set it to {expected}."
        ) from error
    return settings.model_copy(update={"visible_gpus": ""}) if hidden else settings
