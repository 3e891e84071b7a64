"""Writes what follows from the declaration: ``typed.py``, ``wire_formats.py``, tables in ``README.md``, golden vectors.

``python -m protocol.generate`` writes classes and tables, with ``--vectors`` the golden vectors too: they change only
when the wire is meant to change. ``--check`` writes nothing and fails when anything is stale.
"""

import argparse
import json
import sys
from pathlib import Path
from struct import pack

from protocol import codes, link, messages, texts
from protocol.framing import MAX_FRAME, MAX_PAYLOAD, FrameDecoder, encode_frame

FOLDER = Path(__file__).parent
README = FOLDER / "README.md"
VECTORS = FOLDER / "vectors"
TYPES = {"B": "u8", "H": "u16", "I": "u32", "i": "i32"}
LARGEST = {"B": 0xFF, "H": 0xFFFF, "I": 0xFFFFFFFF, "i": 0x7FFFFFFF}

TYPED_HEAD = '''"""Every message as a class, for host and bench. Written by ``python -m protocol.generate``."""

from dataclasses import astuple, dataclass
from struct import pack
from typing import Any, ClassVar, Self

from protocol.messages import FORMATS


class Message:
    """What all messages have in common."""

    __slots__ = ()
    NUMBER: ClassVar[int]

    @classmethod
    def from_values(cls, values: tuple[Any, ...]) -> Self:
        """Build the message from the values that the link gives, in the order of the declaration."""
        return cls(*values)

    def values(self) -> tuple[Any, ...]:
        """Return the values in the order in which the link takes them."""
        return astuple(self)  # type: ignore[call-overload, no-any-return]

    def body(self) -> bytes:
        """Return the octets of the message's body, as they go on the wire."""
        return pack(FORMATS[self.NUMBER], *self.values())
'''


def class_name(name: str) -> str:
    """Return the class name of a message: ``DoseOrder`` for ``DOSE_ORDER``."""
    return name.title().replace("_", "")


def typed_source() -> str:
    """Return the text of ``typed.py``."""
    parts = [TYPED_HEAD]
    for number, name, direction, kind, fields in messages.MESSAGES:
        lines = ["", "", "@dataclass(frozen=True, slots=True)", f"class {class_name(name)}(Message):"]
        lines += [f'    """{name}: {kind}, {direction}."""', "", f"    NUMBER: ClassVar[int] = 0x{number:02X}"]
        if fields:
            lines.append("")
        for field, code, unit, enumeration, text in fields:
            meaning = text[0].upper() + text[1:] + (f" ({unit})" if unit else "")
            if enumeration:
                meaning += f", one of codes' {enumeration} numbers"
            lines += [f"    {field}: {'int' if code in TYPES else 'bytes'}", f'    """{meaning}."""']
        parts.append("\n".join(lines) + "\n")
    rows = "".join(f"    0x{row[0]:02X}: {class_name(row[1])},\n" for row in messages.MESSAGES)
    parts.append(f"\n\nBY_NUMBER: dict[int, type[Message]] = {{\n{rows}}}\n")
    parts.append('"""The class of each message number."""\n')
    return "".join(parts)


FORMATS_HEAD = '''"""What the controller has of the declaration: message numbers, sizes, formats and the schema hash.

Written by ``python -m protocol.generate``. The tables are constants, which a frozen module leaves in flash.
"""

import struct

from protocol.compat import const
'''

FORMATS_TAIL = '''

def encode_body(number: int, buffer: bytearray | memoryview, offset: int, *values: int | bytes) -> int:
    """Write the body of message ``number`` at ``offset`` and return the offset behind it.

    The values come in the order of the declaration.
    """
    struct.pack_into(FORMATS[number], buffer, offset, *values)
    return offset + SIZES[number]


def decode_body(
    number: int, buffer: bytes | bytearray | memoryview, offset: int, end: int
) -> tuple[int | bytes, ...] | None:
    """Return the values of message ``number`` from ``buffer[offset:end]``, or None when number or length is wrong."""
    if SIZES[number] != end - offset:
        return None
    return struct.unpack_from(FORMATS[number], buffer, offset)


def schema_hash() -> bytes:
    """Return the 8 octets that differ when any message, field, unit, enumeration or the frame layout differs."""
    return SCHEMA
'''

UNUSED = 255


def formats_source() -> str:
    """Return the text of ``wire_formats.py``."""
    sizes = bytes(messages.SIZES.get(number, UNUSED) for number in range(256))
    formats = [messages.FORMATS.get(number, "") for number in range(max(messages.FORMATS) + 1)]
    lines = ["", *[f"{row[1]} = const(0x{row[0]:02X})" for row in messages.MESSAGES]]
    lines += ["", f"SCHEMA = {octet_literal(messages.schema_hash())}", "", "# The size of a number that is no message."]
    lines += [
        f"UNUSED = const({UNUSED})",
        "",
        "# By message number: the octets of the body, and how ``struct`` packs it.",
    ]
    lines += [
        "# fmt: off",
        "SIZES = (",
        *[f"    {octet_literal(sizes[at : at + 16])}" for at in range(0, 256, 16)],
        ")",
    ]
    rows = [", ".join(f'"{form}"' for form in formats[at : at + 4]) for at in range(0, len(formats), 4)]
    lines += ["FORMATS = (", *[f"    {row}," for row in rows], ")", "# fmt: on", ""]
    return FORMATS_HEAD + "\n".join(lines) + FORMATS_TAIL


def octet_literal(data: bytes) -> str:
    """Return octets as a literal in which each is written the same way."""
    return 'b"' + "".join(f"\\x{octet:02x}" for octet in data) + '"'


def octets(data: bytes) -> str:
    """Return octets in hexadecimal, with a space between them."""
    return data.hex(" ")


def frame_of(payload: bytes) -> bytes:
    """Return the frame of a payload."""
    target = bytearray(MAX_FRAME)
    return bytes(target[: encode_frame(memoryview(bytearray(payload + bytes(4))), len(payload), target)])


def payload_of(number: int, session: bytes, seq: int, values: tuple[int | bytes, ...]) -> bytes:
    """Return header and body of a message."""
    return pack("<B4sH", number, session, seq) + pack(messages.FORMATS[number], *values)


def example_text() -> str:
    """Return the worked example of the README: a PAUSE, octet by octet."""
    values = (bytes.fromhex("00112233445566ff"),)
    payload = payload_of(messages.PAUSE, bytes.fromhex("a1b2c3d4"), 258, values)
    frame = frame_of(payload)
    decoder = FrameDecoder()
    decoder.feed(frame, 0, len(frame))
    crc = bytes(decoder.buffer[decoder.length : decoder.length + 4])
    rows = (
        ("number", payload[:1], "PAUSE"),
        ("session", payload[1:5], "from WELCOME"),
        ("seq", payload[5:7], "258"),
        ("dose_id", payload[7:], "the body"),
        ("CRC-32", crc, f"0x{int.from_bytes(crc, 'little'):08x} over the {len(payload)} octets above"),
    )
    lines = [f"{name:10}{octets(data):27}{meaning}" for name, data, meaning in rows]
    lines += [
        "",
        f"stuffed   {octets(frame[:10])}",
        f"          {octets(frame[10:])}",
    ]
    stop = frame_of(payload_of(messages.STOP, link.NO_SESSION, 0, (codes.CAUSE_OPERATOR,)))
    lines += ["", f"a stop, cause operator, as any client can send it: 00 {octets(stop)}"]
    return "```text\n" + "\n".join(lines) + "\n```\n"


def messages_text() -> str:
    """Return the message tables of the README."""
    parts = [f"Schema hash: `{messages.schema_hex()}`.\n"]
    answers = dict(messages.ANSWERS)
    names = {row[0]: row[1] for row in messages.MESSAGES}
    for number, name, direction, kind, fields in messages.MESSAGES:
        answer = f"; answered by {names[answers[number]]}" if number in answers else ""
        size = messages.SIZES[number]
        parts.append(f"\n### {name} = 0x{number:02X}\n\n{kind} {direction}, body of {size} octets{answer}\n")
        if fields:
            parts.append("\n| offset | field | type | unit | meaning |\n|---|---|---|---|---|\n")
        offset = link.HEADER_SIZE
        for field, code, unit, enumeration, text in fields:
            form = TYPES.get(code, f"{code[:-1]} octets")
            meaning = f"{text} ([{enumeration}](#{enumeration}))" if enumeration else text
            parts.append(f"| {offset} | {field} | {form} | {unit} | {meaning} |\n")
            offset += len(pack("<" + code, *([0] if code in TYPES else [b""])))
    return "".join(parts)


def codes_text() -> str:
    """Return the code tables of the README."""
    parts = []
    for enumeration, members in messages.ENUMERATIONS:
        parts.append(f"\n### {enumeration}\n\n| number | name | meaning | what to do |\n|---|---|---|---|\n")
        for name, number in members:
            what, todo = texts.describe(enumeration, number)
            parts.append(f"| {number} | {name} | {what} | {todo} |\n")
    for title, prefix, table in (
        ("inputs", "INPUT_", texts.INPUTS),
        ("sensor_faults", "FAULT_", texts.SENSOR_FAULTS),
        ("self_test", "SELF_TEST_", texts.SELF_TEST),
    ):
        parts.append(f"\n### {title}\n\n| bit | name | meaning when set |\n|---|---|---|\n")
        names = {getattr(codes, name): name for name in dir(codes) if name.startswith(prefix)}
        parts += [f"| 0x{bit:02x} | {names[bit]} | {text.what} |\n" for bit, text in table.items()]
    return "".join(parts).lstrip("\n")


def readme_text(readme: str) -> str:
    """Return the README with its generated sections written anew. Raises ``ValueError`` when a marker is missing."""
    for section, text in (("example", example_text()), ("messages", messages_text()), ("codes", codes_text())):
        begin, end = f"<!-- {section}: generated -->\n", f"<!-- {section}: end -->\n"
        before, rest = readme.split(begin)
        readme = before + begin + text + end + rest.split(end)[1]
    return readme


def typical(name: str, code: str, unit: str, enumeration: str | None, at: int) -> int | bytes:
    """Return a value as it may stand in a field of this declaration."""
    if code not in TYPES:
        return bytes((at * 16 + n * 7 + 1) & 0xFF for n in range(int(code[:-1])))
    if enumeration:
        return dict(messages.ENUMERATIONS)[enumeration][-1][1]
    by_unit = {"ms": 10 if name == "tick_ms" else 123_456_789, "nL": 12_500, "nL/s": 1000, "steps": 2229, "bits": 0x0F}
    return by_unit.get(unit, 17 * (at + 1))


def message_vectors() -> list[dict[str, object]]:
    """Return frames of every message with typical and extreme values, and the longest payload of each kind."""
    rows: list[dict[str, object]] = []
    for number, name, _, _, fields in messages.MESSAGES:
        sets = {
            "typical": [typical(*field[:4], at) for at, field in enumerate(fields)],
            "lowest": [(0 if f[1] in TYPES else bytes(int(f[1][:-1]))) for f in fields],
            "highest": [LARGEST[f[1]] if f[1] in TYPES else b"\xff" * int(f[1][:-1]) for f in fields],
        }
        sets["lowest"] = [-0x80000000 if f[1] == "i" else v for f, v in zip(fields, sets["lowest"], strict=True)]
        for kind, seq, session in (
            ("typical", 258, "a1b2c3d4"),
            ("lowest", 0, "00000000"),
            ("highest", 65535, "ff" * 4),
        ):
            payload = payload_of(number, bytes.fromhex(session), seq, tuple(sets[kind]))
            row: dict[str, object] = {"name": f"{name} {kind}", "number": number, "session": session, "seq": seq}
            row["values"] = [value.hex() if isinstance(value, bytes) else value for value in sets[kind]]
            rows.append(row | {"payload": payload.hex(), "frame": frame_of(payload).hex()})
    return rows


def payload_vectors() -> list[dict[str, object]]:
    """Return frames of payloads that are no messages: shortest, longest, all zero, none zero."""
    payloads = {
        "shortest": b"\x2a",
        "shortest zero": b"\x00",
        "longest zero": bytes(MAX_PAYLOAD),
        "longest without zero": b"\xff" * MAX_PAYLOAD,
        "longest counting": bytes(range(MAX_PAYLOAD)),
    }
    return [{"name": name, "payload": p.hex(), "frame": frame_of(p).hex()} for name, p in payloads.items()]


def reject_vectors() -> list[dict[str, object]]:
    """Return streams with what a decoder must make of them: payloads, bad CRCs, bad frames."""
    stop = frame_of(payload_of(messages.STOP, link.NO_SESSION, 0, (codes.CAUSE_OPERATOR,)))
    frames = {row["name"]: bytes.fromhex(str(row["frame"])) for row in message_vectors()}
    order, short = frames["DOSE_ORDER typical"], frames["GET_DOSE typical"]
    flipped = bytearray(order)
    flipped[len(order) // 2] ^= 0x10
    too_long = b"\x01" * (MAX_FRAME - 1) + b"\x01\x00"
    streams = {
        "a flipped bit": (bytes(flipped), 1, 0),
        "a flipped bit in the first code": (bytes([order[0] ^ 0x01]) + order[1:], 0, 1),
        "the last octet missing": (order[:-2] + b"\x00", 0, 1),
        "the first octet missing": (order[1:], 0, 1),
        "cut after half": (order[: len(order) // 2] + b"\x00", 0, 1),
        "a delimiter lost between two frames": (short[:-1] + short, 1, 0),
        "one octet too long": (too_long, 0, 1),
        "a thousand octets without a delimiter": (b"\x55" * 1000 + b"\x00", 0, 1),
        "a code that points behind the end": (b"\x09" + b"\x11" * 7 + b"\x00", 0, 1),
        "one octet": (b"\x01\x00", 0, 1),
        "a CRC and no payload": (frame_without_payload(), 0, 1),
        "a CRC of zeros": (b"\x02\x2a\x01\x01\x01\x01\x00", 1, 0),
        "empty frames": (bytes(5), 0, 0),
    }
    rows: list[dict[str, object]] = []
    for name, (stream, bad_crc, bad_frames) in streams.items():
        row: dict[str, object] = {"name": name, "stream": (stream + stop).hex(), "payloads": [payload_in(stop).hex()]}
        rows.append(row | {"bad_crc": bad_crc, "bad_frames": bad_frames})
    return rows


def frame_without_payload() -> bytes:
    """Return the frame that an empty payload would have: the CRC of nothing is 0."""
    return b"\x01\x01\x01\x01\x01\x00"


def payload_in(frame: bytes) -> bytes:
    """Return the payload of a valid frame."""
    decoder = FrameDecoder()
    decoder.feed(frame, 0, len(frame))
    return bytes(decoder.buffer[: decoder.length])


def vector_files() -> dict[Path, str]:
    """Return the golden vectors, one object a line so that a change can be read."""
    tables = {"messages": message_vectors(), "payloads": payload_vectors(), "rejects": reject_vectors()}
    return {
        VECTORS / f"{name}.json": "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n"
        for name, rows in tables.items()
    }


def outputs(with_vectors: bool) -> dict[Path, str]:
    """Return every generated file with its text."""
    files = {
        FOLDER / "typed.py": typed_source(),
        FOLDER / "wire_formats.py": formats_source(),
        README: readme_text(README.read_text("utf-8")),
    }
    return files | vector_files() if with_vectors else files


def main(arguments: list[str] | None = None) -> int:
    """Write or check the generated files; the exit code says whether all are as they should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when a file is stale, write nothing")
    parser.add_argument("--vectors", action="store_true", help="write the golden vectors too")
    options = parser.parse_args(arguments)
    stale = {
        path: text
        for path, text in outputs(options.check or options.vectors).items()
        if not path.exists() or path.read_text("utf-8") != text
    }
    for path, text in stale.items():
        if options.check:
            print(f"stale: {path.relative_to(FOLDER.parent)}: run python -m protocol.generate", file=sys.stderr)
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
            print(f"written: {path.relative_to(FOLDER.parent)}")
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
