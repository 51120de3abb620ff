"""A picture that is clicked: Streamlit's own images only enlarge themselves."""

import base64
from collections.abc import Callable

import streamlit as st

_CSS = """
button { all: unset; display: block; width: 100%; cursor: pointer; }
img { display: block; width: 100%; border-radius: var(--st-base-radius); }
"""
# The keyboard opens a picture by the button of its caption. The button is never without its name.
_JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  let button = parentElement.querySelector("button");
  if (!button) {
    button = document.createElement("button");
    button.type = "button";
    button.tabIndex = -1;
    button.append(document.createElement("img"));
  }
  const image = button.firstChild;
  image.alt = data.alt;
  if (image.src !== data.source) image.src = data.source;
  button.onclick = () => setTriggerValue("clicked", true);
  if (!button.isConnected) parentElement.append(button);
}
"""


def show_clickable(content: bytes, alt: str, key: str, on_click: Callable[[], None]) -> None:
    """Show JPEG bytes in the full width; a click calls a function and runs the page again."""
    # Declared here, for a component belongs to the run of the server that declares it.
    show = st.components.v2.component("clickable_picture", css=_CSS, js=_JS)
    source = "data:image/jpeg;base64," + base64.b64encode(content).decode("ascii")
    show(data={"source": source, "alt": alt}, key=key, on_clicked_change=on_click)
