"""A smallest client, written from protocol/README.md alone. It uses nothing of the project's code."""

import struct

ZERO = bytes(4)

HELLO, PING, DOSE_ORDER, GET_DOSE, STOP, GET_TREATMENT, GET_CARTRIDGE = 0x01, 0x02, 0x03, 0x04, 0x0F, 0x17, 0x18
WELCOME, PONG, DOSE_STATE, STOPPED, REFUSED, TREATMENT, CARTRIDGE = 0x81, 0x82, 0x83, 0x85, 0x86, 0x88, 0x89

BODIES = {
    WELCOME: "<4s4s8s8s8s12s12s12s8s8sIB",
    PONG: "<II",
    DOSE_STATE: "<8sBBBBBIIIIIIIIIII",
    STOPPED: "<BBI8sII",
    REFUSED: "<BB8s",
    TREATMENT: "<8sHBBIIIIIHIIIIIIIIII",
    CARTRIDGE: "<BBB8s8sIIIH",
}
FINAL_STATES = {1: "refused", 8: "delivered", 9: "partial", 10: "unknown"}


def crc32(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for octet in data:
        crc ^= octet
        for _ in range(8):
            # The polynomial 0x04C11DB7, its bits reflected.
            crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def stuff(data: bytes) -> bytes:
    out = bytearray()
    for run in data.split(b"\x00"):
        out.append(len(run) + 1)
        out += run
    return bytes(out)


def unstuff(data: bytes) -> bytes | None:
    runs = []
    while data:
        code = data[0]
        if code == 0 or code > len(data):
            return None
        runs.append(data[1:code])
        data = data[code:]
    return b"\x00".join(runs)


def to_frame(payload: bytes) -> bytes:
    return stuff(payload + crc32(payload).to_bytes(4, "little")) + b"\x00"


def from_frame(data: bytes) -> bytes | None:
    """Return the payload of what stood in front of a delimiter."""
    plain = unstuff(data) if len(data) <= 127 else None
    if plain is None or len(plain) < 5:
        return None
    payload, crc = plain[:-4], int.from_bytes(plain[-4:], "little")
    return payload if crc32(payload) == crc else None


def message(number: int, session: bytes, seq: int, body: bytes) -> bytes:
    return to_frame(bytes([number]) + session + seq.to_bytes(2, "little") + body)


class Client:
    """Speaks to a device through two callables: ``write(octets)`` and ``read()``, which gives what has come."""

    def __init__(self, write, read, schema: bytes):
        self.write = write
        self.read = read
        self.schema = schema
        self.session = ZERO
        self.boot = bytes(8)
        self.last_dose_id = bytes(8)
        self.treatment = bytes(8)
        self.lot = bytes(8)
        self.uptime_ms = 0
        self.seq = 0
        self.rest = b""

    def messages(self):
        self.rest += self.read()
        *frames, self.rest = self.rest.split(b"\x00")
        for frame in frames:
            payload = from_frame(frame)
            if payload is None or len(payload) < 7:
                continue
            number, session, seq = payload[0], payload[1:5], int.from_bytes(payload[5:7], "little")
            if number in BODIES and struct.calcsize(BODIES[number]) == len(payload) - 7:
                yield number, session, seq, struct.unpack(BODIES[number], payload[7:])

    def look_around(self):
        """Learn what an order has to name: the open treatment and the lot of the flush."""
        self.treatment = self.request(GET_TREATMENT, b"")[3][0]
        self.lot = self.request(GET_CARTRIDGE, b"\x02")[3][3]

    def ask(self, frame: bytes, wanted, tries: int = 200):
        """Send a frame until something comes that is wanted."""
        for _ in range(tries):
            self.write(frame)
            for found in self.messages():
                if wanted(*found):
                    return found
        raise TimeoutError

    def connect(self, nonce: bytes):
        frame = b"\x00" + message(HELLO, ZERO, 1, nonce + self.schema)
        number, _, _, values = self.ask(
            frame, lambda n, s, q, v: (n == WELCOME and v[0] == nonce) or (n == REFUSED and s == ZERO)
        )
        if number == REFUSED:
            raise ConnectionRefusedError(values[2].hex())
        self.session, self.boot, self.last_dose_id = values[1], values[2], values[9]
        self.uptime_ms = values[10]
        self.seq = 0

    def request(self, number: int, body: bytes):
        self.seq = self.seq % 65535 + 1
        frame = message(number, self.session, self.seq, body)
        return self.ask(frame, lambda n, s, q, v: s == self.session and q == self.seq)

    def dose(self, dose_id: bytes, volume_nl: int, rate_nl_s: int) -> tuple:
        expires_ms = (self.uptime_ms + 5000) % (1 << 30)
        order = struct.pack("<8s8s8s4sI", dose_id, self.last_dose_id, self.boot, self.session, expires_ms)
        order += struct.pack("<BBB8s", 1, 2, 0, self.lot)
        order += struct.pack("<III24s8s", volume_nl, rate_nl_s, rate_nl_s, bytes(24), self.treatment)
        *_, values = self.request(DOSE_ORDER, order)
        while values[1] not in FINAL_STATES:
            *_, values = self.request(GET_DOSE, dose_id)
        return values

    def ping(self, token: int) -> int:
        frame = message(PING, self.session, 0, token.to_bytes(4, "little"))
        *_, values = self.ask(frame, lambda n, s, q, v: n == PONG and v[0] == token)
        return values[1]

    def stop(self) -> tuple:
        return self.ask(b"\x00" + message(STOP, self.session, 0, b"\x01"), lambda n, s, q, v: n == STOPPED)[3]
