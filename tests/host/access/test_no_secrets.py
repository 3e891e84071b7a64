"""No secret reaches a log, a message, a repr, the audit or the repository."""

import logging
import re
import subprocess
import traceback
from pathlib import Path

import pytest

from host.access.identity import Role
from host.access.records import DAY_MS
from host.cli_user_views import (
    change_line,
    session_line,
    session_object,
    token_line,
    token_object,
    user_line,
    user_object,
)
from host.errors import RigError
from tests.host.access.conftest import PASSWORD, Hands
from tests.host.access.test_gate import WRONG, opened
from tests.host.loops import real

pytestmark = pytest.mark.req("SEC-4")

ROOT = Path(__file__).resolve().parents[3]
TYPED_AS_NAME = "geheim-und-lang-genug"
# A token or session of this program, and a private key. Hashes of passwords stand nowhere but in a store.
SECRETS = re.compile(
    rb"nanorig_(?:token|session)_[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"
    rb"|-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{20}"
    rb"|\$argon2id\$v=\d+\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]{16}"
)


@real
async def test_a_whole_day_of_use_leaves_no_secret_in_logs_reprs_errors_and_audit(
    hands: Hands, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    async with opened(hands, path) as (store, gate):
        made = await store.create_token("lena", "loop", Role.AUTOMATION, life_ms=DAY_MS)
        session = await gate.sign_in("ravi", PASSWORD, "192.0.2.1")
        kept = await store.password_of("ravi")
        assert kept is not None
        bearer, cookie, csrf = made.secret.reveal(), session.secret.reveal(), session.csrf.reveal()
        hands.go_on(120_000)
        identities = [await gate.by_token(bearer), await gate.by_session(cookie), await gate.for_stop(cookie)]
        for work in (
            lambda: gate.sign_in("ravi", WRONG, "here"),
            lambda: gate.sign_in(TYPED_AS_NAME, WRONG, "here"),
            lambda: gate.sign_in("ravi" + WRONG, WRONG, "here"),
            lambda: gate.by_token(cookie),
            lambda: gate.by_session(bearer),
            lambda: gate.by_token(bearer[:-1]),
            lambda: gate.by_token(bearer, name=TYPED_AS_NAME),
            lambda: gate.set_password("lena", "ravi", "ravi" + WRONG),
            lambda: gate.change_own_password(identities[1], WRONG, PASSWORD, "here"),
            lambda: gate.sign_in("ravi", PASSWORD, "here"),
        ):
            try:
                await work()
            except RigError as error:
                said += [repr(error), str(error), "".join(traceback.format_exception(error))]
        said += [repr(made), repr(session), repr(kept), repr(gate), repr(store), repr(identities)]
        for token in await store.tokens():
            said += [token_line(token), repr(token_object(token)), repr(token)]
        for browser in await store.sessions():
            said += [session_line(browser), repr(session_object(browser)), repr(browser)]
        for user in await store.users():
            said += [user_line(user), repr(user_object(user)), repr(user)]
        said += [change_line(change) for change in await store.changes(1_000)]
    said.append(caplog.text)
    assert "a wrong password for ravi from 'here'" in caplog.text
    everything = "\n".join(said)
    secrets = {
        "token": bearer, "cookie": cookie, "csrf": csrf, "hash": kept.reveal(), "salt": kept.reveal().split("$")[4],
        "password": PASSWORD, "wrong password": WRONG, "password typed as a name": TYPED_AS_NAME,
    }  # fmt: skip
    # A traceback shows source lines of this file, which name the variables, never what they hold.
    assert [name for name, secret in secrets.items() if secret in everything] == []


@real
async def test_the_file_holds_hashes_and_digests_only(hands: Hands, path: Path) -> None:
    async with opened(hands, path) as (store, gate):
        made = await store.create_token("lena", "loop", Role.AUTOMATION, life_ms=DAY_MS)
        session = await gate.sign_in("ravi", PASSWORD, "192.0.2.1")
        written = b"".join(each.read_bytes() for each in path.parent.iterdir())
    assert b"192.0.2.1" in written
    for secret in (made.secret.reveal(), session.secret.reveal(), session.csrf.reveal(), PASSWORD, WRONG):
        assert secret.encode() not in written


def test_the_repository_holds_no_secret() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("this copy of the project is not under git")
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    assert len(paths) > 100
    assert [str(path) for path in paths if path.is_file() and SECRETS.search(path.read_bytes())] == []


def test_the_search_finds_what_it_looks_for() -> None:
    assert SECRETS.search(b"x = 'nanorig_token_" + b"A" * 43 + b"'")
    assert SECRETS.search(b"-----BEGIN " + b"PRIVATE KEY-----\n" + b"M" * 64)
    assert SECRETS.search(b"$argon2id" + b"$v=19$m=65536,t=3,p=4$" + b"c" * 22)
    assert not SECRETS.search(b"nanorig_token_")
