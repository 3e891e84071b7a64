"""What goes into the image, and what is said when it cannot be built. Nothing here builds one but where marked."""

import json

import pytest

from device import identity
from hil.toolchain import image

STAGED_ALWAYS = {"_boot.py", "boot.py", "main.py", "device/_build.py", "device/main.py", "protocol/framing.py"}


def staged(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*.py")}


def test_the_image_carries_the_device_and_its_half_of_the_protocol(tmp_path):
    image.stage(image.REPOSITORY, tmp_path, "product")
    names = staged(tmp_path)
    assert names >= STAGED_ALWAYS
    assert {name for name in names if name.startswith("protocol/")} == {
        f"protocol/{name}" for name in image.PROTOCOL_MODULES
    }
    assert not any("interface" in name or "host" in name for name in names)


def test_what_is_frozen_is_what_is_hashed():
    assert image.PROTOCOL_MODULES == identity._PROTOCOL_SOURCES


def test_the_staged_identity_is_the_hash_of_the_sources(tmp_path):
    name = image.stage(image.REPOSITORY, tmp_path, "product")
    assert (tmp_path / "device/_build.py").read_text().startswith(f"FIRMWARE_HASH = {name!r}\n")
    assert name == image.firmware_hash()


def test_a_file_that_left_the_firmware_leaves_the_staging_folder(tmp_path):
    image.stage(image.REPOSITORY, tmp_path, "product")
    (tmp_path / "device/left.py").write_text("")
    image.stage(image.REPOSITORY, tmp_path, "product")
    assert "device/left.py" not in staged(tmp_path)


def test_unchanged_files_keep_their_time_stamps(tmp_path):
    image.stage(image.REPOSITORY, tmp_path, "product")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.py")}
    image.stage(image.REPOSITORY, tmp_path, "product")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.py")} == before


def test_missing_tools_are_named_with_the_packages_to_install(monkeypatch, capsys):
    monkeypatch.setattr("shutil.which", lambda command: None if command == "cmake" else f"/usr/bin/{command}")
    monkeypatch.setattr(image, "_has_newlib", lambda: False)
    assert image.main(["build"]) == image.EXIT_TOOLS_MISSING
    told = capsys.readouterr().err
    assert "cmake (package cmake)" in told
    assert "libnewlib-arm-none-eabi" in told
    assert "apt-get install" in told


def test_packages_are_printed_one_a_line(capsys):
    assert image.main(["packages"]) == 0
    assert tuple(capsys.readouterr().out.split()) == image.SYSTEM_PACKAGES


@pytest.mark.rp2040
def test_the_same_sources_give_the_same_image_in_any_folder(tmp_path):
    first = image.build(tmp_path / "first", "product", cache=tmp_path / "elsewhere")
    second = image.build(tmp_path / "second", "product")
    assert first.sha256 == second.sha256
    facts = json.loads((tmp_path / "first/image.json").read_text())
    assert facts["firmware_hash"] == image.firmware_hash().hex()
