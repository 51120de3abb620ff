"""Sign-in with a real provider, in a browser and below a base path."""

import contextlib
import json
import re
import shutil
import threading
import urllib.request
from datetime import timedelta

import pytest
from werkzeug.serving import make_server

from tests.ui.conftest import PROJECT, Server, free_port
from tests.ui.settling import settle

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

PAGES = [
    "",
    *(re.sub(r"^\d+_", "", file.stem) for file in sorted((PROJECT / "pages").glob("*.py"))),
]
WAIT = 60_000


@contextlib.contextmanager
def provider(**options):
    """An OpenID Connect provider on loopback, as its Flask application and its address."""
    import oidc_provider_mock

    application = oidc_provider_mock.app(**options)
    server = make_server("localhost", 0, application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield application, f"http://localhost:{server.server_port}"
    server.shutdown()
    thread.join(10)
    server.server_close()


class Dashboard:
    """The dashboard with three providers: one to trust, one of old tokens, one without its key."""

    def __init__(self, server, provider):
        self.address = f"http://localhost:{server.port}/medrecog"
        self._provider = provider

    def put(self, name, *groups):
        """Tell the provider who somebody is."""
        claims = {"name": name.capitalize(), "groups": list(groups)}
        request = urllib.request.Request(
            f"{self._provider}/users/{name}",
            json.dumps(claims).encode(),
            {"Content-Type": "application/json"},
            method="PUT",
        )
        urllib.request.urlopen(request).close()

    def sign_in(self, page, name, at="Lab"):
        """Sign in from whatever page is open, as far as the callback."""
        page.get_by_role("button", name=f"Sign in with {at}").click()
        page.get_by_placeholder("sub").fill(name)
        with page.expect_request(re.compile(r"/oauth2callback\?")) as callback:
            page.get_by_role("button", name="Authorize").click()
        return callback.value.url


@pytest.fixture(scope="module")
def dashboard(finished_cache, tmp_path_factory):
    folder = tmp_path_factory.mktemp("signed-in")
    shutil.copytree(finished_cache[0], folder / "cache")
    port = free_port()
    with (
        provider() as (_, lab),
        provider(access_token_max_age=timedelta(seconds=-1)) as (_, late),
        provider() as (forging, forged),
    ):
        stranger = urllib.request.urlopen(f"{lab}/jwks").read().decode()
        forging.view_functions["oidc-provider-mock.jwks"] = lambda: json.loads(stranger)
        sections = "".join(
            f'[auth.{name}]\nclient_id = "medrecog"\nclient_secret = "secret"\n'
            f'server_metadata_url = "{address}/.well-known/openid-configuration"\n'
            for name, address in (("lab", lab), ("late", late), ("forged", forged))
        )
        secrets = folder / "secrets.toml"
        secrets.write_text(
            f'[auth]\nredirect_uri = "http://localhost:{port}/medrecog/oauth2callback"\n'
            f'cookie_secret = "{"0123456789abcdef" * 2}"\n{sections}'
        )
        server = Server(
            folder / "cache",
            options=[f"--secrets.files={secrets}", "--server.baseUrlPath=medrecog"],
            path="/medrecog",
            port=port,
            settings={
                "MEDRECOG_ROLE_CLAIM": "groups",
                "MEDRECOG_ADMINS": "admins",
                "MEDRECOG_RUNNERS": "runners",
                "MEDRECOG_VIEWERS": "viewers",
            },
        )
        yield Dashboard(server, lab)
        server.stop()


@pytest.fixture
def context(browser):
    opened = browser.new_context(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(WAIT)
    yield opened
    opened.close()


def wait_for_gate(page, reason):
    page.get_by_text(reason).wait_for()
    settle(page)
    assert page.get_by_test_id("stSidebar").get_by_role("link").count() == 0
    assert page.get_by_test_id("stMain").get_by_role("heading").all_inner_texts() == ["medrecog"]


def wait_for_account(page, words):
    page.get_by_test_id("stSidebar").get_by_text(words).wait_for()


def test_signed_out_no_page_shows_anything(dashboard, context):
    page = context.new_page()
    for name in PAGES:
        page.goto(f"{dashboard.address}/{name}?run=textures&dataset=textures&model=m")
        wait_for_gate(page, "Sign in to continue.")


def test_from_sign_in_to_sign_out_in_every_tab(dashboard, context):
    dashboard.put("ada", "runners")
    first = context.new_page()
    first.goto(f"{dashboard.address}/Results")
    callback = dashboard.sign_in(first, "ada")
    wait_for_account(first, "Ada (runner)")

    second = context.new_page()
    second.goto(f"{dashboard.address}/Datasets?dataset=textures")
    second.get_by_role("tab", name="Images").wait_for()
    settle(second)
    first.goto(f"{dashboard.address}/Results?tab=Export")
    with first.expect_download() as download:
        first.get_by_role("button", name="CSV", exact=True).click()
    assert download.value.suggested_filename.endswith(".csv")
    third = context.new_page()
    third.goto(f"{dashboard.address}/Experiments")
    wait_for_account(third, "Ada (runner)")

    first.get_by_test_id("stSidebar").get_by_role("button", name="Sign out").click()
    first.get_by_role("button", name="End session").click()  # of the provider
    wait_for_gate(first, "Sign in to continue.")
    # A part of the page that runs alone, and the whole page.
    second.get_by_role("tab", name="Images").click()
    wait_for_gate(second, "You have signed out.")
    third.get_by_role("button", name="Start run").click()
    wait_for_gate(third, "You have signed out.")

    for replay in (first, context.browser.new_page()):
        replay.goto(callback)
        wait_for_gate(replay, "Sign in to continue.")
    replay.close()


def test_roles_come_with_the_groups_and_go_with_them(dashboard, context):
    page = context.new_page()
    for group, words in (
        ("admins", "Grace (admin)"),
        ("runners", "Grace (runner)"),
        ("viewers", "Grace (viewer)"),
        ("staff", "Grace has no role here."),
    ):
        dashboard.put("grace", group)
        context.clear_cookies()
        page.goto(f"{dashboard.address}/Networks?about=Weights")
        dashboard.sign_in(page, "grace")
        page.get_by_text(words).wait_for()
        page.goto(f"{dashboard.address}/Networks?about=Weights")
        page.get_by_text(words).wait_for()
        settle(page)
        assert page.get_by_text("Import a weight file").count() == (group == "admins")


def test_tokens_that_are_old_forged_or_of_another_key_open_nothing(dashboard, context):
    from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

    page = context.new_page()
    page.goto(dashboard.address)
    dashboard.sign_in(page, "eve", at="Late")
    wait_for_gate(page, "Your session has ended.")
    dashboard.sign_in(page, "eve", at="Forged")
    page.goto(dashboard.address)
    page.get_by_role("button", name="Sign in with Lab").wait_for()

    claims = {"is_logged_in": True, "sub": "eve", "groups": ["admins"], "iat": 1, "exp": 1e12}
    signed = create_signed_value("another secret" * 3, "_streamlit_user", json.dumps(claims))
    for value in (signed.decode(), json.dumps(claims).encode().hex(), "chunks-1"):
        context.clear_cookies()
        context.add_cookies([{"name": "_streamlit_user", "value": value, "url": dashboard.address}])
        page.goto(dashboard.address)
        wait_for_gate(page, "Sign in to continue.")
    page.goto(f"{dashboard.address}/auth/login?provider=lab")
    wait_for_gate(page, "Sign in to continue.")
