"""Which token Ray is told to send, and what a user reads whose token was refused."""

import os
import sys

import pytest

from backhand.cluster import ray_connection, ray_token
from backhand.cluster.ray_log import log_left_out
from backhand.errors import InputError

SENT = {"RAY_AUTH_MODE": "token"}


@pytest.fixture(autouse=True)
def no_token(monkeypatch, tmp_path):
    """Neither the environment nor the home folder has a token."""
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))


def test_a_token_is_sent_wherever_ray_looks_for_one(monkeypatch, tmp_path) -> None:
    assert ray_token.variables() == {}
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("abc\n")
    assert ray_token.variables() == SENT
    (tmp_path / ".ray" / "auth_token").write_text("\n")
    assert ray_token.variables() == {}
    monkeypatch.setenv("RAY_AUTH_TOKEN", "abc")
    assert ray_token.variables() == SENT
    monkeypatch.delenv("RAY_AUTH_TOKEN")
    (tmp_path / "token").write_text("abc")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    assert ray_token.variables() == SENT
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    assert ray_token.variables() == {}


def test_a_token_that_is_asked_for_and_not_there_is_an_error(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    with pytest.raises(InputError, match="RAY_AUTH_MODE is 'token', but no token was found"):
        ray_token.variables()
    monkeypatch.delenv("RAY_AUTH_MODE")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(InputError, match="none', which cannot be read or has no token"):
        ray_token.variables()


def test_a_refused_token_is_told_from_other_reasons(monkeypatch) -> None:
    cause = RuntimeError("AuthenticationError: RPC error: InvalidAuthToken: Authentication token …")
    error = ConnectionError("Failed to connect")
    assert ray_token.refusal(error, "10.0.0.1:6379") is None
    error.__cause__ = cause
    assert (
        "at '10.0.0.1:6379' asks for its token, and none was sent: before Python starts, set "
        in (ray_token.refusal(error, "10.0.0.1:6379") or "")
    )
    monkeypatch.setenv("RAY_AUTH_TOKEN", "abc")
    assert "that of RAY_AUTH_TOKEN is another one" in (ray_token.refusal(error, "a:1") or "")
    cause.args = (cause.args[0] + " Note: RAY_AUTH_MODE is currently 'disabled' (not 'token').",)
    assert "none was sent" in (ray_token.refusal(error, "a:1") or "")


def test_ray_is_told_while_it_is_imported(monkeypatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "abc")
    monkeypatch.delitem(sys.modules, "ray", raising=False)
    seen = []
    monkeypatch.setattr(
        ray_connection, "extra", lambda *_: seen.append(os.environ.get("RAY_AUTH_MODE"))
    )
    ray_connection.imported()
    assert seen == ["token"] and "RAY_AUTH_MODE" not in os.environ


def test_an_address_is_refused_before_ray_is_imported(monkeypatch) -> None:
    monkeypatch.delitem(sys.modules, "ray", raising=False)
    monkeypatch.setattr(ray_connection, "extra", lambda *_: pytest.fail("Ray was imported"))
    with pytest.raises(InputError, match="expected 'local', 'auto' or the address"):
        ray_connection.join("somewhere", 1)


def test_rays_log_is_left_out_of_standard_error_and_nothing_else(capfd) -> None:
    with log_left_out():
        os.write(2, b"[2026-11-26 20:36:37,049 W 12923 12923] gcs_client.cc:210: Failed\n")
        print("a warning of Python", file=sys.__stderr__)
        os.write(2, b"[1] something else\n")
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "a warning of Python\n[1] something else\nafterwards\n"
