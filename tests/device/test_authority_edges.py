from device.authority import Keys
from protocol import codes

NEWEST = 0x3FFFFFFF
KEY = bytes(range(32))


def test_the_newest_generation_of_a_key_is_the_largest_small_integer():
    assert Keys().judge(codes.SLOT_MONITOR, NEWEST, KEY) == codes.REASON_NONE
    assert Keys().judge(codes.SLOT_MONITOR, NEWEST + 1, KEY) == codes.REASON_MALFORMED
