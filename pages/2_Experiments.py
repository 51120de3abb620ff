"""Experiments: choose a grid of settings, start a run, view its progress, and list all runs."""

import streamlit as st

from medrecog_core.datasets import demo, library
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.features import DEFAULT_POOLINGS, ENCODINGS, GLOBAL_POOLINGS, POOLINGS, titles
from medrecog_core.images import REPORT_SCALES
from medrecog_core.images.preprocessing import MAX_SCALE
from medrecog_core.mode import is_viewer
from medrecog_core.networks import (
    NETWORKS,
    Network,
    all_installed_weights,
    check_readable,
    find_network,
    installed_weights,
)
from medrecog_core.runs import (
    PRESETS,
    ListedRun,
    Run,
    RunSpecification,
    find_preset,
    find_run,
    identical_run,
    launch,
    list_runs,
    plan_run,
)
from medrecog_core.runs.naming import describe_run
from medrecog_core.runs.run import LONGEST_TITLE
from medrecog_core.runs.run_list import suggest_title
from medrecog_core.ui.choice import choose_setting
from medrecog_core.ui.experiments.cost_line import expected_seconds, show_cost
from medrecog_core.ui.experiments.followed import FOLLOWED, PROGRESS, SEEN, follow
from medrecog_core.ui.experiments.form_address import (
    key_of,
    layers_key,
    put_form_in_address,
    shown_scales,
    take_form_from_address,
)
from medrecog_core.ui.experiments.more_settings import more_settings
from medrecog_core.ui.experiments.run_list import show_runs
from medrecog_core.ui.experiments.run_progress import show_live
from medrecog_core.ui.experiments.run_view import view_runs
from medrecog_core.ui.jobs import note_started
from medrecog_core.ui.listed_runs import listed_runs
from medrecog_core.ui.methods.lessons import CONVOLUTION, INPUT_SIZE, POOLING, lesson_links
from medrecog_core.ui.page import open_page, shown_errors
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted, duration

_NETWORKS, _INSTALL = "pages/5_Networks.py", ":material/download:"
_PRESET, _SCALES, _POOLINGS = "preset", key_of("scales"), key_of("poolings")

_TITLE, _FORGET_TITLE = "run-title", "forget the title of the form"

open_page("Experiments")


def compose() -> RunSpecification:
    offer_presets()
    left, right = st.columns([2, 3])
    with left:
        dataset = choose_setting("Data set", library.names(), key="on")
    with right:
        network = choose_network()
    readable = installed_weights(network).layers
    take_form_from_address(dataset, network, readable)
    default = [layer for layer in network.default_layers if layer in readable]
    st.session_state.setdefault(layers_key(network), default)
    st.session_state.setdefault(_SCALES, list(REPORT_SCALES[:1]))
    st.session_state.setdefault(_POOLINGS, list(DEFAULT_POOLINGS))
    scales = left.multiselect(
        "Input size (px)",
        REPORT_SCALES,
        key=_SCALES,
        accept_new_options=True,
        help="VGG-19 was trained at 224 px; the 2018 report also uses 544, 864 and 1184. Time "
        f"grows with the square of the size. Enter any value from 224 to {MAX_SCALE}. "
        f"{lesson_links(INPUT_SIZE)}",
    )
    layers = right.pills(
        "Layers",
        readable,
        key=layers_key(network),
        selection_mode="multi",
        wrap=True,
        help="Where the network is read; deeper layers respond to larger parts of the image. "
        f"{lesson_links(CONVOLUTION)}",
    )
    missing = [layer.name for layer in network.layers if layer.name not in readable]
    if missing:
        right.caption(f"{' and '.join(missing)} require weights with the classifier head.")
        right.page_link(_NETWORKS, label="Install on the Networks page", icon=_INSTALL)
    poolings = right.pills(
        "Poolings",
        list(POOLINGS),
        key=_POOLINGS,
        format_func=lambda name: POOLINGS[name].title,
        selection_mode="multi",
        wrap=True,
        help=f"Pooling by {titles(GLOBAL_POOLINGS, 'or')} gives one value per channel. The other "
        f"methods, {titles(ENCODINGS)}, take longer: they encode every position with a codebook "
        f"learned from the training images. {lesson_links(POOLING)}",
    )
    return RunSpecification.from_document(
        {
            "dataset": dataset,
            "network": network.name,
            "layers": layers,
            "scales": scales,
            "poolings": poolings,
            **more_settings(),
        }
    )


def offer_presets() -> None:
    name = st.selectbox(
        "Preset",
        PRESETS,
        index=None,
        placeholder="experiments of the 2018 report",
        key=_PRESET,
        width=420,
        format_func=lambda name: PRESETS[name].title,
        on_change=fill_in_preset,
        help="Fills in the network, layers, input sizes and poolings; you can change them "
        "afterwards.",
    )
    if name is not None and name in PRESETS:
        preset = find_preset(name)
        readable = installed_weights(find_network(preset.network)).layers
        missing = [layer for layer in preset.layers if layer not in readable]
        if missing:
            available = " and ".join(preset.readable_part(readable))
            st.caption(
                f"This preset also uses {' and '.join(missing)}, whose weights are not installed."
                + (f" Available now: {available}." if available else "")
            )


def fill_in_preset() -> None:
    name = st.session_state[_PRESET]
    if name is None:
        return
    preset = find_preset(name)
    network = find_network(preset.network)
    readable = installed_weights(network).layers
    st.session_state["with"] = network.name
    st.session_state[layers_key(network)] = list(preset.readable_part(readable))
    st.session_state[_SCALES] = shown_scales(preset.scales)
    st.session_state[_POOLINGS] = list(preset.poolings)


def choose_network() -> Network:
    readable = [name for name, network in NETWORKS.items() if all_installed_weights(network)]
    name = choose_setting("Network", readable, key="with", width=240)
    if len(readable) < len(NETWORKS):
        st.caption("Other networks need weights first.")
        st.page_link(_NETWORKS, label="Install weights", icon=_INSTALL)
    return find_network(name)


def describe(specification: RunSpecification) -> str:
    n_scales = len(set(specification.scales))
    plan = plan_run(specification)
    if plan.warning:
        st.warning(literal(plan.warning), icon=":material/memory:")
    batches = ", ".join(
        f"{scale.memory.images_at_once}" + (f" at {scale.scale} px" if n_scales > 1 else "")
        for scale in plan.scales
    )
    images = "all images"
    if specification.sample is not None:
        images = f"sample of {counted(specification.sample, 'image')}"
    n_passes = n_scales * specification.views
    counts = {"input size": n_scales, "view": specification.views}
    per = [what for what, n in counts.items() if n > 1]
    passes = f"{n_passes} passes each (one per {' and '.join(per)})" if per else "one pass each"
    return (
        f"{counted(len(specification.cells), 'cell')} · {images}, {passes} · {plan.precision}, "
        f"batch size {batches} · about {plan.n_bytes / 1e9:.1f} GB RAM"
    )


def start(specification: RunSpecification, again: bool = False) -> None:
    st.session_state.pop("done already", None)
    try:
        check_readable(find_network(specification.network), specification.layers)
        identical = None if again else identical_run(specification)
        if identical is None:
            run = launch(specification, chosen_title(specification))
            note_started(run)
            follow(run.id)
            st.session_state[_FORGET_TITLE] = True
        else:
            st.session_state["done already"] = (identical.id, specification)
    except MedrecogError as error:
        st.session_state["launch error"] = str(error)


def chosen_title(specification: RunSpecification) -> str:
    """Return the title in the form, or one from the settings."""
    title = str(st.session_state.get(_TITLE) or "").strip()
    if any(row.name == title for row in list_runs()):
        raise UsageError(f"A run has the name “{title}” already. Enter another name.")
    return title or suggest_title(specification)


def offer_identical_run(specification: RunSpecification | None) -> None:
    """Offer the identical finished run instead of a repetition."""
    run_id, asked = st.session_state.get("done already", ("", None))
    if asked is None or asked != specification:  # the form was changed since
        return
    try:
        run = find_run(run_id)
    except MedrecogError:  # deleted in the meantime
        del st.session_state["done already"]
        return
    st.info(
        f"An identical run already exists: “{literal(run.title)}”.",
        icon=":material/task_alt:",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(
            "pages/3_Results.py",
            label="Open results",
            icon=":material/grid_on:",
            query_params={"run": run.id},
        )
        st.button("Run again", icon=":material/replay:", on_click=start, args=(asked, True))


def followed_run(rows: list[ListedRun]) -> Run | None:
    """Return the run started or opened last, else that of the address, else an unfinished one."""
    unfinished = next((row.run.id for row in rows if row.state.status != "finished"), None)
    if FOLLOWED not in st.session_state and (asked := st.query_params.get(SEEN)):
        follow(asked)
    elif FOLLOWED not in st.session_state and unfinished:
        st.session_state[FOLLOWED] = unfinished
    if FOLLOWED not in st.session_state:
        return None
    try:
        run = find_run(st.session_state[FOLLOWED])
    except MedrecogError as error:
        del st.session_state[FOLLOWED]
        st.query_params.pop(SEEN, None)
        st.warning(literal(error), icon=":material/link_off:")
        return None
    st.query_params[SEEN] = run.id
    return run


def show_first_step(specification: RunSpecification | None) -> None:
    seconds = expected_seconds(specification) if specification is not None else None
    is_demo = specification is not None and specification.dataset == demo.NAME
    aim = "try the demo" if is_demo else "start the first one"
    time = "" if seconds is None else f" (about {duration(seconds)} on this machine)"
    st.info(
        f"No runs yet. Click **Start run** to {aim}{time}.",
        icon=":material/lightbulb:",
    )


def show_experiments() -> None:
    with st.container(border=True):
        try:
            specification = compose()
            st.caption(describe(specification))
            show_cost(specification)
            put_form_in_address(specification)
        except MedrecogError as error:
            st.warning(literal(error), icon=":material/warning:")
            specification = None
        if st.session_state.pop(_FORGET_TITLE, False):
            st.session_state[_TITLE] = ""
        st.text_input(
            "Name of the run (optional)",
            key=_TITLE,
            placeholder="" if specification is None else describe_run(specification),
            max_chars=LONGEST_TITLE,
        )
        # Not a callback, whose argument would be the form before the last change.
        if (
            st.button(
                "Start run",
                type="primary",
                icon=":material/play_arrow:",
                disabled=specification is None,
            )
            and specification is not None
        ):
            start(specification)
            st.rerun()  # with an empty name in the form
        if "launch error" in st.session_state:
            st.error(literal(st.session_state.pop("launch error")), icon=":material/error:")
        offer_identical_run(specification)
    rows = listed_runs()
    followed = followed_run(rows)
    if followed is not None:
        with st.container(border=True, key=PROGRESS):
            name = next((row.name for row in rows if row.run.id == followed.id), followed.title)
            show_live(followed, name)
    st.subheader("Runs")
    if not rows:
        show_first_step(specification)
    show_runs(rows)


with shown_errors():
    if is_viewer():
        view_runs(listed_runs())
    else:
        show_experiments()
