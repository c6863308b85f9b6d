"""Credentials are in no handle, no repr and no error."""

from typing import Any

import pytest

from qjit.devices.backends import registry
from qjit.devices.backends.protocol import BackendError
from qjit.devices.jobs.batch import Batch
from qjit.devices.jobs.credentials import checked_options, redacted
from qjit.devices.jobs.job import Job
from qjit.devices.jobs.runtime import Runtime
from qjit.errors import ArgumentError, CredentialError, JobError
from tests.support.fake_backend import FakeBackend, Vendor, circuit

SECRET = "hunter2-hunter2"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "name",
    [
        *("token", "api_token", "authToken", "apiKey", "API_KEY", "password", "secret"),
        *("client_secret", "aws_secret_access_key", "credentials", "Authorization"),
        *("private-key", "accesstoken", "jwt", "cookie"),
    ],
)
def test_options_that_are_named_as_credentials(name: str) -> None:
    for options in ({name: SECRET}, {"session": {name: [SECRET]}}):
        with pytest.raises(CredentialError, match="vendor's own mechanism") as caught:
            Runtime("fake", options)
        assert name in str(caught.value)
        assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        *(f"https://me:{SECRET}@ionq.test/v0.4", f"Bearer {SECRET}", JWT),
        *("AKIAABCDEFGHIJKLMNOP", f"https://iqm.test/?api_key={SECRET}&n=1"),
    ],
)
def test_options_that_look_like_credentials(value: str) -> None:
    with pytest.raises(CredentialError, match="'where' looks like a credential") as one:
        Runtime("fake", {"where": value})
    assert value not in str(one.value)


@pytest.mark.parametrize(
    "options",
    [
        {"device": "arn:aws:braket:eu-north-1::device/qpu/iqm/Garnet", "noise": True},
        {"url": "https://cocos.resonance.meetiqm.com:443/garnet", "seed": 3},
        {"max_queue": 2.5, "tags": ["a", "b"], "inner": {"tokenizer": None}},
        {"use_token": True, "token": None, "monkey": "x", "author": "me"},
    ],
)
def test_other_options_are_kept(options: dict[str, Any]) -> None:
    assert checked_options(options) == options


def test_options_are_values_for_json() -> None:
    with pytest.raises(ArgumentError, match="'session' is of type object"):
        Runtime("fake", {"session": object()})


@pytest.mark.parametrize(
    "text",
    [
        f"401 for https://me:{SECRET}@ionq.test/jobs",
        f'{{"token": "{SECRET}", "reason": "expired"}}',
        f"GET /jobs?api_key={SECRET}&n=1 failed",
        f"bad header Authorization: Bearer {SECRET}",
        f"password={SECRET}",
    ],
)
def test_what_vendors_say_is_redacted(text: str) -> None:
    said = redacted(text)
    assert SECRET not in said
    assert "***" in said
    vendor = Vendor(troubles={"submit": [BackendError(text)]})
    runtime = Runtime("fake", {}, FakeBackend(vendor))
    job = Job([Batch(runtime, [circuit(1)], 3)])
    with pytest.raises(JobError) as caught:
        job.submit()
    assert SECRET not in f"{caught.value} {job!r} {job} {runtime!r}"


def test_a_backend_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def create(name: str, options: Any) -> Any:
        raise BackendError(f"401: bad token={SECRET}")

    monkeypatch.setattr(registry, "create", create)
    with pytest.raises(JobError, match=r"'far' cannot be made: 401.*vendor's own") as e:
        Batch(Runtime("far"), [circuit(1)], 3)
    assert SECRET not in str(e.value)


@pytest.mark.parametrize(
    "text", ["the token has expired", "qubit 3 is cold: retry", "a basic error"]
)
def test_what_is_no_credential_is_left(text: str) -> None:
    assert redacted(text) == text
