"""What the extensions keep of each page, while pages are read anew and by several processes."""

import sys
from types import SimpleNamespace

import pytest
from chapters import ROOT

sys.path.insert(0, str(ROOT / "_ext"))
from by_page import ByPage  # noqa: E402

FOUND = ByPage("found")


@pytest.fixture
def hooks():
    """What Sphinx calls, by the event."""
    connected = {}
    FOUND.connect(SimpleNamespace(connect=connected.__setitem__))
    return connected


def environment(**pages):
    env = SimpleNamespace()
    FOUND(env).update(pages)
    return env


def test_a_page_that_is_read_anew_is_forgotten(hooks):
    env = environment(a=[1], b=[2])
    for page in ("a", "new"):
        hooks["env-purge-doc"](None, env, page)
    assert FOUND(env) == {"b": [2]} == env.found


def test_another_process_gives_the_pages_it_has_read_and_no_others(hooks):
    env = environment(a=["ours, read anew"], b=["ours"])
    other = environment(a=["theirs, old"], c=["theirs"])
    hooks["env-merge-info"](None, env, ["c", "without any"], other)
    assert FOUND(env) == {"a": ["ours, read anew"], "b": ["ours"], "c": ["theirs"]}


def test_each_name_is_a_table_of_its_own():
    env = environment(a=[1])
    assert ByPage("other")(env) == {} and FOUND(env) == {"a": [1]}
