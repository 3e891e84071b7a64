"""`rig hil evidence`: make the bench's key, run and sign, verify."""

from pathlib import Path
from typing import Annotated

import typer

from hil.run_command import JsonOption, SeedOption, TargetOption, targets_of
from host.cli_run import put_json, reported

evidence_app = typer.Typer(
    no_args_is_help=True,
    help="What this firmware passed on this bench, signed with the bench's key.",
    add_completion=False,
    pretty_exceptions_enable=False,
)

KeyFileOption = Annotated[
    Path | None, typer.Option("--key-file", help="The bench's key; by default in the user's state folder.")
]


@evidence_app.command("key")
@reported
def key_command(key_file: KeyFileOption = None, json_output: JsonOption = False) -> int:
    """Make the bench's key where there is none yet, and print its public part and fingerprint."""
    from hil import evidence_key  # noqa: PLC0415

    path = key_file or evidence_key.default_path()
    made = not path.exists()
    key = evidence_key.make(path) if made else evidence_key.load(path)
    public_key = evidence_key.public_hex(key)
    facts = {"public_key": public_key, "fingerprint": evidence_key.fingerprint(public_key), "made": made}
    if json_output:
        put_json(facts | {"file": str(path)})
    else:
        typer.echo(f"public key:  {public_key}\nfingerprint: {facts['fingerprint']}")
        typer.echo(f"{'made' if made else 'kept'} in {path}, for this user only", err=True)
    return 0


@evidence_app.command("make")
@reported
def make_command(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Where to write the evidence.")],
    select: Annotated[str, typer.Option(help="Only these scenarios; all without it.")] = "",
    target: TargetOption = None,
    seed: SeedOption = 1,
    key_file: KeyFileOption = None,
    json_output: JsonOption = False,
) -> int:
    """Run scenarios and sign what came of it.

    Exit codes: 0 all that ran passed; 1 one failed, and the evidence says so; others as for every command.
    """
    from hil import evidence, evidence_file, evidence_key  # noqa: PLC0415

    targets = targets_of(target)
    key = evidence_key.load(key_file or evidence_key.default_path())
    made = evidence.make(key, select, targets, seed)
    evidence_file.write(made, out)
    results = [row["result"] for row in made.scenarios]
    counts = {name: results.count(name.replace("_", " ")) for name in ("passed", "failed", "not_run")}
    said = made.statement
    if json_output:
        facts = {name: said[name] for name in ("firmware_hash", "targets", "seed", "requirements")}
        put_json({"file": str(out), "fingerprint": evidence_key.fingerprint(made.public_key), **counts, **facts})
    else:
        typer.echo(
            f"{out}: firmware {said['firmware_hash']} on {', '.join(targets)}: {counts['passed']} passed, "
            f"{counts['failed']} failed, {counts['not_run']} not run, {len(said['requirements'])} requirements proven"
        )
    return 0 if counts["passed"] and not counts["failed"] else 1


@evidence_app.command("verify")
@reported
def verify_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Evidence.")],
    key: Annotated[
        str | None, typer.Option(metavar="HEX", help="Public key or fingerprint; by default this bench's own.")
    ] = None,
    firmware: Annotated[
        str | None, typer.Option(metavar="HASH", help="What it must be about; by default the firmware in this folder.")
    ] = None,
    scenarios: Annotated[
        bool,
        typer.Option("--scenarios/--any-scenarios", help="Ask for every scenario that is here, or for none."),
    ] = True,
    key_file: KeyFileOption = None,
    json_output: JsonOption = False,
) -> int:
    """Check evidence: key, signature, firmware, results, and that no scenario is missing.

    Exit codes: 0 it holds; 2 it is no evidence that can be read here; 3 it does not match; 7 it was changed.
    """
    from hil import evidence, evidence_key  # noqa: PLC0415
    from hil.scenario_runs import list_scenarios  # noqa: PLC0415

    wanted = key or evidence_key.public_hex(evidence_key.load(key_file or evidence_key.default_path()))
    verdict = evidence.verify(file, wanted, firmware, list_scenarios if scenarios else None)
    if json_output:
        put_json(verdict.as_dict())
    else:
        typer.echo(
            f"{file} holds: firmware {verdict.firmware_hash} on {', '.join(verdict.targets)}, {verdict.passed} passed, "
            f"{verdict.not_run} not run, made {verdict.made_utc}, key {verdict.fingerprint}"
        )
        typer.echo(f"requirements proven: {' '.join(verdict.requirements) or 'none'}")
    return 0
