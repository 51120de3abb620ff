"""What each role sees and can do on every page, as `st.user` says who visits."""

import time

import pytest
from streamlit.testing.v1 import AppTest

from medrecog_core.access import OPERATOR, NotAllowedError, Person, Role, acting, acting_as
from medrecog_core.jobs.process import this_process
from medrecog_core.jobs.state import JobState
from medrecog_core.runs import RUN_TRASH, Run, all_runs, create_run
from medrecog_core.ui import sign_in
from tests.textures import NAME, specification
from tests.ui.conftest import PROJECT
from tests.ui.test_experiments_page import select

pytestmark = pytest.mark.slow

PAGES = ["app.py", *(f"pages/{file.name}" for file in sorted((PROJECT / "pages").glob("*.py")))]
EXPERIMENTS = "pages/2_Experiments.py"
ISSUER = "https://id.example.org"


@pytest.fixture(autouse=True)
def roles(monkeypatch):
    for name, value in {
        "ROLE_CLAIM": "groups",
        "ADMINS": "admins",
        "RUNNERS": "runners",
        "VIEWERS": "viewers",
    }.items():
        monkeypatch.setenv(f"MEDRECOG_{name}", value)
    monkeypatch.setattr("medrecog_core.jobs.work.start_module", lambda *_: this_process())
    with acting_as(OPERATOR):  # what the test itself does, not the pages, which have own threads
        yield


def user(name, *groups, **more):
    now = int(time.time())
    return {
        "is_logged_in": True,
        "iss": ISSUER,
        "sub": name,
        "name": name.capitalize(),
        "groups": list(groups),
        "iat": now,
        "exp": now + 3600,
        **more,
    }


def person(name, role):
    return Person(f"{ISSUER} {name}", name.capitalize(), role)


def opened(page, who, **query):
    test = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60)
    test.secrets["auth"] = {"client_id": "medrecog"}
    test.user = who
    for name, value in query.items():
        test.query_params[name] = value
    test = test.run() if page == "app.py" else test.switch_page(page).run()
    assert not test.exception
    return test


def labels(elements):
    return [element.label for element in elements]


def pressed(test, label):
    (button,) = (button for button in test.main.button if button.label == label)
    return button.click().run()


SHUT_OUT = {
    "signed out": ({"is_logged_in": False}, "Sign in"),
    "expired": (user("ada", "admins", exp=1), "Sign in"),
    "too long": (user("ada", "admins", iat=1), "Sign in"),
    "without a time": (user("ada", "admins", iat=None), "Sign in"),
    "not signed in by the provider": (user("ada", "admins", is_logged_in="true"), "Sign in"),
    "without a role": (user("ada", "staff"), "Sign out"),
    "without a subject": (user("ada", "admins", sub=""), "Sign out"),
}


@pytest.mark.parametrize("who", SHUT_OUT)
def test_who_has_no_role_sees_a_sentence_and_a_button(finished, who):
    claims, button = SHUT_OUT[who]
    for page in PAGES if who in ("signed out", "without a role") else PAGES[:1]:
        test = opened(page, claims, run=finished.id, dataset=NAME, experiment=finished.id)
        assert labels(test.button) == [button]
        assert len(test.info) == 1
        assert [title.value for title in test.title] == ["medrecog"]
        assert not (test.markdown or test.caption or test.selectbox or test.dataframe)
        assert not test.sidebar.get("page_link")


def test_roles_without_sign_in_let_nobody_in(finished):
    test = opened("app.py", {"email": "ada@example.org"})
    assert len(test.info) == 1
    assert not test.button


@pytest.mark.parametrize(
    ("group", "offered", "missing"),
    [
        ("viewers", set(), {"Start run", "Add a data set", "Save model", "Import"}),
        ("runners", {"Start run", "Add a data set", "Save model", "Import"}, {"Empty trash"}),
        ("admins", {"Start run", "Add a data set", "Save model", "Import", "Empty trash"}, set()),
    ],
)
def test_every_role_is_named_and_offered_what_it_may_do(finished, group, offered, missing):
    with acting_as(person("ada", Role.RUNNER)):
        stopped(create_run(specification())).delete()
    found = set()
    for page in PAGES:
        test = opened(page, user("ada", group), run=finished.id, **{"run-trash-open": "true"})
        assert f"Ada ({group[:-1]})" in [each.value for each in test.sidebar.caption]
        assert "Sign out" in labels(test.sidebar.button)
        if page == EXPERIMENTS and group != "viewers":
            test.session_state["run-trash-open"] = True
            test = test.run()
        found |= set(labels(test.main.button))
    assert offered <= found
    assert not missing & found


def stopped(run):
    run.write_state(JobState("stopped", created=time.time()))
    return run


def test_two_people_see_each_other_s_runs_and_change_their_own(known):
    runs = {}
    for name in ("ada", "bob"):
        with acting_as(person(name, Role.RUNNER)):
            runs[name] = create_run(specification(seed=len(runs)), title=f"Run of {name}")
            runs[name].write_launch(this_process())
    for name, other in (("ada", "bob"), ("bob", "ada")):
        who = user(name, "runners")
        assert "Stop" in labels(opened(EXPERIMENTS, who, experiment=runs[name].id).main.button)
        test = opened(EXPERIMENTS, who, experiment=runs[other].id)
        assert not {"Stop", "Stopping …"} & set(labels(test.main.button))
        assert f"started by {other.capitalize()}" in [each.value for each in test.caption]
    pressed(opened(EXPERIMENTS, user("ada", "runners"), experiment=runs["ada"].id), "Stop")
    assert runs["ada"].is_asked_to_stop()
    assert not runs["bob"].is_asked_to_stop()
    pressed(opened(EXPERIMENTS, user("eve", "admins"), experiment=runs["bob"].id), "Stop")
    assert runs["bob"].is_asked_to_stop()

    for run in runs.values():
        stopped(run)
    others = select(opened(EXPERIMENTS, user("ada", "runners")), Run(runs["bob"].id))
    assert not {"Delete", "Resume"} & set(labels(others.main.button))
    assert {"Pin", "Edit"} <= set(labels(others.main.button))
    own = select(opened(EXPERIMENTS, user("ada", "runners")), Run(runs["ada"].id))
    pressed(own, "Delete")
    assert [run.id for run in all_runs()] == [runs["bob"].id]
    assert [each.name for each in RUN_TRASH.contents()] == [runs["ada"].id]
    pressed(select(opened(EXPERIMENTS, user("eve", "admins")), Run(runs["bob"].id)), "Delete")
    assert not all_runs()


def test_a_role_taken_away_takes_effect_at_the_next_action(known, monkeypatch):
    with acting_as(person("ada", Role.RUNNER)):
        run = stopped(create_run(specification()))
    test = select(opened(EXPERIMENTS, user("ada", "runners")), Run(run.id))
    monkeypatch.setenv("MEDRECOG_RUNNERS", "others")
    test = pressed(test, "Delete")
    assert run.path.is_dir()
    assert labels(test.button) == ["Sign out"]


def test_a_session_that_ended_ends_the_part_of_a_page_that_runs_alone(finished):
    test = opened("pages/3_Results.py", user("ada", "viewers"), run=finished.id)
    assert test.main.get("vega_lite_chart")
    test.user = user("ada", "viewers", exp=1)
    test = test.main.selectbox(key="cell").select_index(1).run()
    assert labels(test.button) == ["Sign in"]
    assert not test.main.get("vega_lite_chart")


def test_a_download_is_made_for_who_is_still_signed_in(monkeypatch):
    claims = user("ada", "viewers")
    monkeypatch.setattr(sign_in, "_claims", lambda: claims)
    made = sign_in.at_click(acting)
    assert made() == person("ada", Role.VIEWER)
    claims["exp"] = 1
    with pytest.raises(NotAllowedError):
        made()


def test_a_run_started_on_the_page_belongs_to_who_started_it(known):
    pressed(opened(EXPERIMENTS, user("ada", "runners"), on=NAME), "Start run")
    (run,) = all_runs()
    assert run.starter == person("ada", Role.RUNNER)
