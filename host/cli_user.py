"""`rig user`: who may sign in, which programs have tokens, which browsers are signed in."""

from pathlib import Path
from typing import Annotated

import typer

from host.cli_options import EXIT_CODES_HELP, Json, command
from host.cli_run import reported, run

user_app = typer.Typer(
    help="Manages people, tokens of programs and sessions of browsers. Whoever may write the store may do all of it; "
    f"the first user has to be a supervisor. A password is asked for, or read from stdin.\n\n{EXIT_CODES_HELP}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
token_app = typer.Typer(
    help=f"Manages what programs bring along instead of a password.\n\n{EXIT_CODES_HELP}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
user_app.add_typer(token_app, name="token")

StoreFile = Annotated[
    Path | None, typer.Option("--store", metavar="PATH", help="Without it access.sqlite3 beside the ledger.")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="a-z 0-9 . _ -, beginning with a letter.")]
RoleName = Annotated[
    str, typer.Argument(metavar="ROLE", help="observer, technician, clinician or supervisor; see rig user roles.")
]
Limit = Annotated[int, typer.Option(min=1, max=100_000, metavar="N", help="At most the last N changes.")]


@command(user_app, "add")
@reported
def add(
    name: Name,
    role: Annotated[list[str], typer.Option("--role", metavar="ROLE", help="Once or more.")],
    store: StoreFile = None,
    json_output: Json = False,
) -> int:
    """Add a person with one role or more; the password is asked for."""
    from host import cli_user_acts as acts  # noqa: PLC0415

    return acts.add(store, name, role, json_output=json_output)


@command(user_app, "list")
@reported
def list_(store: StoreFile = None, json_output: Json = False) -> int:
    """List the people and their roles."""
    from host import cli_user_acts as acts  # noqa: PLC0415

    return run(lambda _: acts.list_users(store, json_output=json_output))


@command(user_app, "roles")
@reported
def roles(json_output: Json = False) -> int:
    """Show which role may do what."""
    from host import cli_user_acts as acts  # noqa: PLC0415

    return acts.show_roles(json_output=json_output)


@command(user_app, "password")
@reported
def password(name: Name, store: StoreFile = None, json_output: Json = False) -> int:
    """Set somebody's password, which is asked for; all sessions of that person end."""
    from host import cli_user_acts as acts  # noqa: PLC0415

    return acts.set_password(store, name, json_output=json_output)


@command(user_app, "disable")
@reported
def disable(name: Name, store: StoreFile = None, json_output: Json = False) -> int:
    """Let a person in no more, and end all sessions; the name stays taken."""
    from host import cli_user_acts as acts  # noqa: PLC0415

    return run(lambda _: acts.disable(store, name, json_output=json_output))


@command(user_app, "enable")
@reported
def enable(name: Name, store: StoreFile = None, json_output: Json = False) -> int:
    """Let a disabled person in again, with the password of before."""
    from host import cli_user_acts as acts  # noqa: PLC0415

    return run(lambda _: acts.enable(store, name, json_output=json_output))


@command(user_app, "add-role")
@reported
def add_role(name: Name, role: RoleName, store: StoreFile = None, json_output: Json = False) -> int:
    """Give a person one more role."""
    from host import cli_user_acts as acts  # noqa: PLC0415

    return run(lambda _: acts.add_role(store, name, role, json_output=json_output))


@command(user_app, "remove-role")
@reported
def remove_role(name: Name, role: RoleName, store: StoreFile = None, json_output: Json = False) -> int:
    """Take a role from a person, who keeps one at least."""
    from host import cli_user_acts as acts  # noqa: PLC0415

    return run(lambda _: acts.remove_role(store, name, role, json_output=json_output))


@command(user_app, "sessions")
@reported
def sessions(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Only this person's.")] = None,
    store: StoreFile = None,
    json_output: Json = False,
) -> int:
    """List the browsers that are signed in."""
    from host import cli_user_acts as acts  # noqa: PLC0415

    return run(lambda _: acts.list_sessions(store, name, json_output=json_output))


@command(user_app, "revoke-sessions")
@reported
def revoke_sessions(name: Name, store: StoreFile = None, json_output: Json = False) -> int:
    """End all sessions of a person."""
    from host import cli_user_acts as acts  # noqa: PLC0415

    return run(lambda _: acts.revoke_sessions(store, name, json_output=json_output))


@command(user_app, "audit")
@reported
def audit(store: StoreFile = None, limit: Limit = 50, json_output: Json = False) -> int:
    """Show who changed what, and whether a row of it was changed, removed or moved; its end cannot be checked."""
    from host import cli_user_acts as acts  # noqa: PLC0415

    return run(lambda _: acts.show_audit(store, limit, json_output=json_output))


@command(token_app, "create")
@reported
def token_create(
    name: Name,
    role: Annotated[str, typer.Option("--role", metavar="ROLE", help="monitor, automation, bench or observer.")],
    rig: Annotated[list[str] | None, typer.Option("--rig", metavar="RIG", help="Only this rig; once or more.")] = None,
    days: Annotated[int, typer.Option(min=1, max=366, metavar="N", help="It expires after so many days.")] = 90,
    store: StoreFile = None,
    json_output: Json = False,
) -> int:
    """Make a token for a program. It is shown this once; the store keeps a hash of it only."""
    from host import cli_user_acts as acts  # noqa: PLC0415

    return run(lambda _: acts.create_token(store, name, role, rig, days, json_output=json_output))


@command(token_app, "list")
@reported
def token_list(store: StoreFile = None, json_output: Json = False) -> int:
    """List the tokens, revoked and expired ones too."""
    from host import cli_user_acts as acts  # noqa: PLC0415

    return run(lambda _: acts.list_tokens(store, json_output=json_output))


@command(token_app, "revoke")
@reported
def token_revoke(
    token: Annotated[str, typer.Argument(metavar="ID", help="As rig user token list shows it.")],
    store: StoreFile = None,
    json_output: Json = False,
) -> int:
    """Let a token open nothing any more."""
    from host import cli_user_acts as acts  # noqa: PLC0415

    return run(lambda _: acts.revoke_token(store, token, json_output=json_output))
