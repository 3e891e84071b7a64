"""From a password, a token or a session to an identity. Only trying passwords is ever slowed down.

Passwords are hashed in a thread of their own: a request that brings a token or a session along never waits for them.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar

from host.access.clock import monotonic_ms
from host.access.identity import Identity, Role, check_name, shown
from host.access.known import Known
from host.access.passwords import Passwords, check_password
from host.access.records import SESSION_IDLE_MS, NewSession, User, check_person_roles
from host.access.secret_text import SESSION_PREFIX, TOKEN_PREFIX, SecretText, digest_of
from host.access.store import Store
from host.access.throttle import Throttle
from host.errors import RigError, UsageError

Result = TypeVar("Result")

# Passwords that wait to be hashed, tenths of a second each.
MAX_HASHES_WAITING: Final = 16
MAX_SOURCE_CHARACTERS: Final = 64
# That something was used is written down no more often than this, ms.
NOTE_USE_EVERY_MS: Final = 60_000
# Of so many it is remembered when that was written down; of more it may be written down twice.
MAX_NOTED: Final = 1024
# A stop does not wait longer for the store to say who asks, s.
STOP_ANSWER_S: Final = 0.25
# What keeps the store from answering; anything else is an answer.
_NO_ANSWER: Final = frozenset(
    {"access_busy", "access_store_locked", "access_store_failed", "access_store_corrupt", "access_store_closed"}
)
_NO_NAME: Final = "?"
_log = logging.getLogger(__name__)


class Gate:
    """Signs people in, and says whose a token or session is. Raises ``RigError`` ``access_unauthenticated`` and others.

    It does not close the store that it was given.
    """

    def __init__(
        self, store: Store, *, passwords: Passwords | None = None, monotonic_ms: Callable[[], int] = monotonic_ms
    ) -> None:
        self._store = store
        self._passwords = passwords or Passwords()
        self._throttle = Throttle(monotonic_ms)
        self._known = Known()
        self._hashing = ThreadPoolExecutor(1, thread_name_prefix="access-passwords")
        self._hashes_waiting = 0
        self._noting: dict[str, asyncio.Task[None]] = {}
        self._noted_ms: dict[str, int] = {}

    async def __aenter__(self) -> "Gate":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Finish what is under way."""
        await asyncio.gather(*self._noting.values())
        self._hashing.shutdown(wait=False)

    # Passwords.

    async def sign_in(self, name: str, password: str, source: str) -> NewSession:
        """Open a session for whoever knows the password; ``source`` is where the request came from.

        The answer to a wrong password, an unknown and a disabled name is the same, and takes as long.
        """
        kept = await self._verified(name, password, source)
        if self._passwords.outdated(kept.reveal()):
            kept = await self._made_anew(name, kept, password)
        return await self._store.open_session(name, kept, source)

    async def change_own_password(self, identity: Identity, present: str, wanted: str, source: str) -> User:
        """Change the password of whoever knows the present one; all sessions end, this one too."""
        await self._verified(identity.name, present, source)
        return await self.set_password(identity.name, identity.name, wanted)

    async def set_password(self, operator: str, name: str, password: str) -> User:
        """Set a password for somebody; all sessions end. Raises ``UsageError`` for one that is easily guessed."""
        check_name(name)
        check_password(name, password)
        made = await self._hash(lambda: self._passwords.make(password))
        return await self._store.set_password(operator, name, made)

    async def add_user(self, operator: str, name: str, roles: Iterable[Role], password: str) -> User:
        """Add a user. Raises ``UsageError`` for a name, roles or a password that cannot be."""
        check_name(name)
        wanted = check_person_roles(roles)
        check_password(name, password)
        made = await self._hash(lambda: self._passwords.make(password))
        return await self._store.add_user(operator, name, wanted, made)

    # Tokens and sessions.

    async def by_token(self, secret: str, *, name: str | None = None, urgent: bool = False) -> Identity:
        """Return whose the token is; with ``name`` it has to be that program's, as for a user name and password."""
        digest = digest_of(secret, TOKEN_PREFIX)
        token = None if digest is None else await self._store.token_by(digest, urgent=urgent)
        if token is None or digest is None or name not in {None, token.name}:
            raise _unauthenticated("This token is not known here.", "Have one made: rig user token create")
        now_ms = self._store.clock.now_ms()
        if refusal := token.refusal(now_ms):
            self._known.forget(digest)
            raise _unauthenticated(refusal, "Have a new one made: rig user token create")
        self._note_use(token.id, token.last_used_ms or 0, self._store.touch_token)
        return self._known.keep(digest, token.identity(), token.expires_ms)

    async def by_session(self, secret: str, *, urgent: bool = False) -> Identity:
        """Return who is signed in with this browser. Whether a form is its own, ``secret_text.csrf_fits`` says."""
        digest = digest_of(secret, SESSION_PREFIX)
        found = None if digest is None else await self._store.session_by(digest, urgent=urgent)
        if found is None or digest is None:
            raise _unauthenticated("This session is not known here.", "Sign in.")
        session, user = found
        now_ms = self._store.clock.now_ms()
        refusal = session.refusal(now_ms) or (f"The user {user.name} is disabled." if user.disabled else "")
        if refusal:
            self._known.forget(digest)
            raise _unauthenticated(refusal, "Sign in again.")
        self._note_use(session.id, session.last_used_ms, self._store.touch_session)
        ends_ms = min(session.expires_ms, now_ms + SESSION_IDLE_MS)
        return self._known.keep(digest, session.identity(user), ends_ms)

    async def for_stop(self, secret: str) -> Identity:
        """Return whose the token or session is, for a stop: also while the store does not answer.

        Then whoever was let in by it before is let in to stop, until it expires.
        """
        is_session = secret.startswith(SESSION_PREFIX)
        digest = digest_of(secret, SESSION_PREFIX if is_session else TOKEN_PREFIX)
        find: Callable[[], Coroutine[Any, Any, Identity]] = partial(
            self.by_session if is_session else self.by_token, secret, urgent=True
        )
        before = None if digest is None else self._known.find(digest, self._store.clock.now_ms())
        if before is None:
            return await find()
        try:
            async with asyncio.timeout(STOP_ANSWER_S):
                return await find()
        except TimeoutError:
            pass
        except RigError as error:
            if error.code not in _NO_ANSWER:
                raise
        _log.warning("the store of identities does not answer; %s was let in before and may stop", before.name)
        return before

    async def _verified(self, name: str, password: str, source: str) -> SecretText:
        """Return the hash that the password fits. Raises ``RigError``."""
        self._check_room()
        key, place = _name_key(name), source[:MAX_SOURCE_CHARACTERS]
        wait_ms = self._throttle.begin(key, place)
        if wait_ms:
            raise _throttled(wait_ms)
        try:
            kept = None if key == _NO_NAME else await self._store.password_of(key)
            right = await self._hash(lambda: self._passwords.fits(None if kept is None else kept.reveal(), password))
        except RigError:
            self._throttle.withdrawn(key, place)
            raise
        if kept is None or not right:
            # A name that is not known may be a password, typed into the wrong field.
            _log.warning("a wrong password for %s from %s", key if kept else "an unknown name", shown(place))
            raise _unauthenticated("Name or password is wrong, or the user is disabled.", "Try again.")
        self._throttle.succeeded(key, place)
        return kept

    async def _made_anew(self, name: str, kept: SecretText, password: str) -> SecretText:
        made = await self._hash(lambda: self._passwords.make(password))
        return SecretText(made) if await self._store.rehash(name, kept, made) else kept

    def _check_room(self) -> None:
        if self._hashes_waiting >= MAX_HASHES_WAITING:
            raise RigError("access_busy", "Too many passwords wait to be checked.", "Try again in a few seconds.")

    async def _hash(self, work: Callable[[], Result]) -> Result:
        self._check_room()
        self._hashes_waiting += 1
        future = asyncio.get_running_loop().run_in_executor(self._hashing, work)
        future.add_done_callback(self._hashed)
        return await asyncio.shield(future)

    def _hashed(self, future: "asyncio.Future[Result]") -> None:
        self._hashes_waiting -= 1
        if not future.cancelled():
            future.exception()  # looked at, also when whoever asked has gone away

    def _note_use(self, reference: str, last_used_ms: int, touch: Callable[[str], Coroutine[Any, Any, None]]) -> None:
        """Have it written down, beside the request: nobody waits for it, a stop least of all."""
        now_ms = self._store.clock.now_ms()
        # What was read before it was noted may come here after it.
        last_used_ms = max(last_used_ms, self._noted_ms.get(reference, 0))
        if now_ms - last_used_ms < NOTE_USE_EVERY_MS or reference in self._noting:
            return
        self._noted_ms[reference] = now_ms
        if len(self._noted_ms) > MAX_NOTED:
            del self._noted_ms[next(iter(self._noted_ms))]
        task = asyncio.create_task(self._noted(reference, touch), name=f"note use of {reference}")
        self._noting[reference] = task
        task.add_done_callback(lambda _: self._noting.pop(reference, None))

    async def _noted(self, reference: str, touch: Callable[[str], Coroutine[Any, Any, None]]) -> None:
        try:
            await touch(reference)
        except RigError as error:
            _log.warning("that %s was used could not be noted: %s", reference, error.code)


def _name_key(name: str) -> str:
    """Return what wrong passwords for a name are counted under; all that is no name is one."""
    try:
        return check_name(name)
    except UsageError:
        return _NO_NAME


def _unauthenticated(what: str, todo: str) -> RigError:
    return RigError("access_unauthenticated", what, todo)


def _throttled(wait_ms: int) -> RigError:
    seconds = -(-wait_ms // 1000)
    return RigError(
        "access_throttled",
        "There were too many wrong passwords for this name or from this place.",
        f"Try again in {seconds} s. Who is signed in already can stop the rig all the time.",
    )
