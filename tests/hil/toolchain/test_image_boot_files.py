"""What the product image runs before and around the firmware: nothing formats the flash, nothing ends in a prompt."""

import sys
import types

import pytest

from hil.toolchain.image import BOARD_FOLDER, VARIANTS

MOUNT_FAILS = [OSError(19), OSError(5)]


class Flash:
    """The flash behind the file system; every change of it is noted."""

    def __init__(self):
        self.changes = []

    def writeblocks(self, *arguments):
        self.changes.append(("write", arguments))

    def ioctl(self, *arguments):
        self.changes.append(("ioctl", arguments))


def run(name, monkeypatch, **modules):
    """Run one of the image's boot files among these modules; return what it raised."""
    for module, values in modules.items():
        fake = types.ModuleType(module)
        for key, value in values.items():
            setattr(fake, key, value)
        monkeypatch.setitem(sys.modules, module.replace("__", "."), fake)
    monkeypatch.setattr(sys, "path", [*sys.path])
    source = (BOARD_FOLDER / name).read_text(encoding="utf-8")
    exec(compile(source, name, "exec"), {"__name__": "__main__"})
    return list(sys.path)


class TestBoot:
    @pytest.fixture
    def flash(self):
        return Flash()

    def boot(self, monkeypatch, flash, error=None):
        mounted = []

        class VfsLfs2:
            def __init__(self, device, **options):
                assert device is flash
                if error is not None:
                    raise error

            @staticmethod
            def mkfs(*arguments, **options):
                flash.changes.append(("mkfs", arguments))

        path = run(
            "_boot.py",
            monkeypatch,
            rp2={"Flash": lambda: flash},
            vfs={"VfsLfs2": VfsLfs2, "mount": lambda *arguments: mounted.append(arguments)},
        )
        return path, mounted

    def test_a_sound_file_system_is_mounted(self, monkeypatch, flash):
        _, mounted = self.boot(monkeypatch, flash)
        assert [where for _, where in mounted] == ["/"]
        assert flash.changes == []

    @pytest.mark.req("LEDGER-2")
    @pytest.mark.parametrize("error", MOUNT_FAILS, ids=str)
    def test_one_that_cannot_be_mounted_stays_as_it_is(self, monkeypatch, flash, error):
        self.boot(monkeypatch, flash, error)
        assert flash.changes == []

    @pytest.mark.parametrize("error", [None, *MOUNT_FAILS], ids=str)
    def test_only_frozen_code_can_be_imported_afterwards(self, monkeypatch, flash, error):
        path, _ = self.boot(monkeypatch, flash, error)
        assert path == [".frozen"]


@pytest.mark.req("PERMIT-6", "STOP-9")
class TestMain:
    def main(self, monkeypatch, firmware):
        acts = []

        class Reset(BaseException):
            pass

        def reset():
            acts.append("reset")
            raise Reset

        device_main = types.ModuleType("device.main")
        device_main.__dict__["main"] = firmware
        monkeypatch.setitem(sys.modules, "device.main", device_main)
        monkeypatch.setattr(sys, "print_exception", lambda error: acts.append(type(error).__name__), raising=False)
        monkeypatch.setattr("gc.threshold", lambda octets: None, raising=False)
        with pytest.raises(Reset):
            run(
                VARIANTS["product"],
                monkeypatch,
                machine={"reset": reset},
                micropython={"kbd_intr": lambda key: acts.append(("kbd_intr", key))},
            )
        return acts

    @pytest.mark.parametrize("error", [ValueError, MemoryError, KeyboardInterrupt, SystemExit])
    def test_whatever_ends_the_firmware_ends_in_a_reset_and_not_in_a_prompt(self, monkeypatch, error):
        def firmware():
            raise error

        acts = self.main(monkeypatch, firmware)
        assert acts == [("kbd_intr", -1), error.__name__, "reset"]

    def test_firmware_that_returns_ends_in_a_reset_too(self, monkeypatch):
        assert self.main(monkeypatch, lambda: None) == [("kbd_intr", -1), "reset"]


def test_nothing_on_the_file_system_runs_before_the_firmware():
    source = (BOARD_FOLDER / "boot.py").read_text(encoding="utf-8")
    assert compile(source, "boot.py", "exec").co_names in ((), ("__doc__",))
