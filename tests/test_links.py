"""tools/links.py tells the addresses that are gone from those that turn programs away."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.error import HTTPError, URLError

import links
import pytest


class Site(BaseHTTPRequestHandler):
    asked: list[str] = []

    def do_GET(self):
        self.asked.append(self.path)
        known = {"/good": 200, "/private": 403, "/busy": 429, "/gone": 404, "/broken": 500}
        self.send_response(known.get(self.path, 404))
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def site():
    server = HTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Site.asked.clear()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "told", "times"),
    [
        ("/good", None, 1),
        ("/private", None, 1),
        ("/busy", None, 1),
        ("/gone", "answers 404", 1),
        ("/broken", "answers 500", links.TRIES),
    ],
)
def test_what_an_answer_means(site, path, told, times):
    assert links.fault(site + path, pause=0) == told
    assert Site.asked == [path] * times


def test_who_does_not_answer_is_asked_again():
    tried = []

    def ask(request, timeout):
        tried.append(request.full_url)
        raise URLError("no such host")

    told = links.fault("https://example.invalid/", ask=ask, pause=0)
    assert "no such host" in told and len(tried) == links.TRIES


class Answer:
    def __init__(self, text):
        self.text = text

    def read(self):
        return self.text

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return False


def test_of_a_doi_the_register_is_asked():
    tried = []

    def ask(request, timeout):
        tried.append(request.full_url)
        if "nobody" in request.full_url:
            raise HTTPError(request.full_url, 404, "unknown", {}, None)
        return Answer(b'{"responseCode": 1}' if "known" in request.full_url else b"{}")

    brier = "10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2known"
    assert links.fault("https://doi.org/" + brier, ask=ask, pause=0) is None
    assert tried == [
        "https://doi.org/api/handles/10.1175/1520-0493%281950%29078%3C0001%3AVOFEIT%3E2.0.CO%3B2"
        "known"
    ]
    for doi in ("10.1/nobody", "10.1/other"):
        assert "does not know" in links.fault("https://doi.org/" + doi, ask=ask, pause=0)


def test_each_address_is_asked_once(tmp_path):
    (tmp_path / "_static").mkdir()
    (tmp_path / "_static" / "x.html").write_text('<a href="https://example.org/no">no</a>')
    for name in ("a", "b"):
        (tmp_path / f"{name}.html").write_text(
            '<a href="https://example.org/one#part">1</a><a href="https://example.org/one">1</a>'
            f'<a href="{name}.html">own</a><a href="mailto:a@example.org">m</a>'
            f'<link href="https://example.org/style"><a href="http://example.org/{name}">2</a>'
        )
    assert links.collect(tmp_path) == {
        "https://example.org/one": "a.html",
        "http://example.org/a": "a.html",
        "http://example.org/b": "b.html",
    }
