"""What each role may do, who has which role, and when a session ends."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.access import (
    NOBODY,
    OPERATOR,
    Action,
    Person,
    Role,
    acting,
    acting_as,
    ask_who,
    may,
    person_of,
    session_end,
)
from medrecog_core.errors import UsageError
from medrecog_core.settings import MODE_VARIABLE, VIEWER, read_settings

N, V, R, A = Role.NOBODY, Role.VIEWER, Role.RUNNER, Role.ADMIN
OTHERS, OWN = False, True
ALLOWED = {
    (Action.VIEW, OTHERS): {V, R, A},
    (Action.VIEW, OWN): {V, R, A},
    (Action.ADD, OTHERS): {R, A},
    (Action.ADD, OWN): {R, A},
    (Action.LABEL, OTHERS): {R, A},
    (Action.LABEL, OWN): {R, A},
    (Action.CHANGE, OTHERS): {A},
    (Action.CHANGE, OWN): {R, A},
    (Action.MANAGE, OTHERS): {A},
    (Action.MANAGE, OWN): {A},
}
ISSUER = "https://id.example.org"


@pytest.mark.parametrize(("role", "action", "is_own"), [*product(Role, Action, (OTHERS, OWN))])
def test_every_role_may_do_what_the_table_says_and_nothing_else(role, action, is_own):
    assert may(role, action, is_own) == (role in ALLOWED[action, is_own])


def settings(monkeypatch, **values):
    for name, value in values.items():
        monkeypatch.setenv(f"MEDRECOG_{name.upper()}", value)
    return read_settings()


def claims(**more):
    return {"iss": ISSUER, "sub": "7", "name": "Ada", **more}


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (["staff"], N),
        ([], N),
        (None, N),
        ("admins", A),
        (["readers"], V),
        (["readers", "labs"], R),
        (["labs", "admins", "readers"], A),
        (["Admins"], N),
        (["admins "], N),
        ([["admins"]], N),
        ({"admins": True}, N),
        ("admins,labs", N),
        ([""], N),
    ],
)
def test_the_highest_role_of_a_person_s_groups_counts(monkeypatch, groups, role):
    given = settings(
        monkeypatch, role_claim="groups", admins="admins", runners="labs", viewers="readers"
    )
    assert person_of(claims(groups=groups), given).role == role


@pytest.mark.parametrize(
    ("email", "is_verified", "role"),
    [
        ("ada@example.org", True, A),
        ("ADA@Example.ORG", True, A),
        ("ada@example.org", False, N),
        ("ada@example.org", None, N),
        ("ada@example.org", "true", N),
        ("bob@example.org", True, V),
        ("bob@sub.example.org", True, N),
        ("bob@example.org.evil.example", True, N),
        ("example.org", True, N),
        ("@example.org", True, N),
        (["ada@example.org"], True, N),
        ("", True, N),
    ],
)
def test_only_verified_addresses_and_their_whole_domain_count(
    monkeypatch, email, is_verified, role
):
    given = settings(monkeypatch, admins="Ada@example.org", viewers="@Example.org")
    assert person_of(claims(email=email, email_verified=is_verified), given).role == role


def test_nobody_has_a_role_where_none_is_set(monkeypatch):
    asked = claims(email="ada@example.org", email_verified=True)
    assert person_of(asked, settings(monkeypatch)).role == N


def test_a_token_without_a_subject_is_about_nobody(monkeypatch):
    given = settings(monkeypatch, role_claim="groups", admins="admins")
    assert person_of({"iss": ISSUER, "groups": ["admins"]}, given) == NOBODY


def test_persons_of_two_issuers_are_not_the_same(monkeypatch):
    given = settings(monkeypatch)
    assert person_of(claims(), given).id != person_of(claims(iss="https://other"), given).id


@pytest.mark.parametrize(
    ("token", "end"),
    [
        ({"iat": 1_000, "exp": 2_000}, 2_000),
        ({"iat": 1_000, "exp": 1e9}, 1_000 + 2 * 3600),
        ({"iat": 1_000}, 0),
        ({"exp": 1e12}, 0),
        ({"iat": "1000", "exp": 1e12}, 0),
        ({"iat": True, "exp": 1e12}, 0),
        ({}, 0),
    ],
)
def test_a_session_ends_with_its_token_or_after_the_stated_hours(token, end):
    assert session_end(token, 2) == end


@given(st.dictionaries(st.sampled_from(["iat", "exp"]), st.floats() | st.text() | st.none()))
def test_no_session_outlives_its_token_or_its_length(token):
    end = session_end(token, 2)
    for now in (1.0, 1e9, 1e18):
        if now < end:
            assert now < token["exp"]
            assert now - token["iat"] < 2 * 3600 + 1e4 * abs(now) * 2**-52


def test_the_operator_acts_unless_somebody_else_does(monkeypatch):
    ada, bob = Person("1", "Ada", R), Person("2", "Bob", V)
    assert acting() == OPERATOR
    monkeypatch.setattr("medrecog_core.access._who", None)
    ask_who(lambda: bob)
    assert acting() == bob
    with acting_as(ada):
        assert acting() == ada
    assert acting() == bob


@pytest.mark.parametrize("role", Role)
def test_in_a_read_only_view_everybody_is_at_most_a_viewer(monkeypatch, role):
    monkeypatch.setenv(MODE_VARIABLE, VIEWER)
    with acting_as(Person("1", "Ada", role)):
        assert acting().role == min(role, V)


def test_a_misspelled_mode_lets_nobody_act(monkeypatch):
    monkeypatch.setenv(MODE_VARIABLE, "view")
    with acting_as(Person("1", "Ada", A)), pytest.raises(UsageError):
        acting()
