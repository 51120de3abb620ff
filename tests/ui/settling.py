"""Waiting in a browser for the end of a page's program, which would undo what comes before."""


def settle(page):
    """Wait until the page's program has ended."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def upload(field, files):
    """Give files to an upload field once the page's program has ended."""
    field.wait_for(state="attached")
    settle(field.page)
    field.set_input_files(files)
