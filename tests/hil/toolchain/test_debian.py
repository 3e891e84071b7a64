"""Debian packages for private use: where they come from, and what is said when they cannot be had."""

import tarfile
from pathlib import Path

import pytest

from hil.toolchain import debian
from hil.toolchain.debian import FetchError, PrivateApt, fetch_binary, fetch_source

PLANNED = """\
'http://mirror.example/security/dists/bookworm-security/InRelease' a_InRelease 0
'http://mirror.example/debian/dists/bookworm/InRelease' b_InRelease 0
'http://mirror.example/debian/dists/bookworm/main/binary-amd64/Packages.xz' c_Packages 0
'http://other.example/tools/dists/stable/InRelease' d_InRelease 0
"""


class Commands:
    """Stands in for running commands: answers by the first words, and notes what was run."""

    def __init__(self, answers: dict[str, str]) -> None:
        self.answers = answers
        self.ran: list[str] = []

    def __call__(self, command: list[str], folder: Path | None = None, environment: object = None) -> str:
        line = " ".join(command)
        self.ran.append(line)
        for start, answer in self.answers.items():
            if line.startswith(start):
                return answer
        raise FetchError(f"{line} failed")


def test_the_archive_that_apt_knows_as_debians_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    known = "http://mirror.example/debian/\nhttp://mirror.example/debian/\n"
    commands = Commands({"apt-get indextargets": known, "apt-get --print-uris": PLANNED})
    monkeypatch.setattr(debian, "_run", commands)
    assert debian._mirrors()[0] == "http://mirror.example/debian"


def test_with_empty_lists_what_an_update_would_fetch_tells_the_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "_run", Commands({"apt-get indextargets": "", "apt-get --print-uris": PLANNED}))
    assert debian._mirrors() == [
        "http://mirror.example/debian",
        "http://other.example/tools",
        "http://mirror.example/security",
    ]


def test_a_mirror_that_fails_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answers = {"apt-get indextargets": "http://mirror.example/debian/", "apt-get --print-uris": "", "apt-config": ""}
    monkeypatch.setattr(debian, "_run", Commands(answers | {"dpkg --print": "amd64\n"}))
    monkeypatch.setattr(debian, "_require_apt", lambda: None)
    with pytest.raises(FetchError, match=r"missing: the index of Debian's suite trixie(.|\n)*to do:"):
        PrivateApt("deb", "trixie", tmp_path).update()


def test_a_fresh_index_is_not_fetched_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answers = {"apt-get": "http://mirror.example/debian/", "apt-config": "", "dpkg --print": "amd64\n"}
    commands = Commands(answers)
    monkeypatch.setattr(debian, "_run", commands)
    monkeypatch.setattr(debian, "_require_apt", lambda: None)
    PrivateApt("deb", "trixie", tmp_path).update()
    commands.ran.clear()
    PrivateApt("deb", "trixie", tmp_path).update()
    assert commands.ran == []


def test_the_systems_proxy_is_kept_and_its_hooks_are_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    system = 'Acquire::http::Proxy "http://proxy.example:3128";\nAPT::Update::Post-Invoke:: "rm -f /x";\n'
    answers = {"apt-get": "http://mirror.example/debian/", "apt-config": system, "dpkg --print": "amd64\n"}
    monkeypatch.setattr(debian, "_run", Commands(answers))
    monkeypatch.setattr(debian, "_require_apt", lambda: None)
    PrivateApt("deb", "trixie", tmp_path).update()
    written = (tmp_path / "apt" / "trixie-deb" / "apt.conf").read_text()
    assert "proxy.example" in written
    assert "Post-Invoke" not in written


def test_a_package_in_the_cache_needs_no_apt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(debian, "_run", Commands({}))
    deb = tmp_path / "debs" / "trixie" / "tool_1.0-1_amd64.deb"
    deb.parent.mkdir(parents=True)
    deb.touch()
    assert fetch_binary(["tool"], cache=tmp_path) == [deb]


def test_a_system_without_apt_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FetchError, match=r"missing: apt-get, .*\n.*Debian 12 or newer"):
        fetch_binary(["tool"], cache=tmp_path)


def test_a_source_package_gives_the_upstream_tree_with_debians_folder_in_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    downloads = tmp_path / "sources" / "trixie" / "tool.download"

    class Download(PrivateApt):
        def update(self) -> None:
            pass

        def run(self, *_: str, folder: Path) -> str:
            pack(folder / "tool_1.0.orig.tar.xz", "tool-1.0/main.c")
            pack(folder / "tool_1.0-1.debian.tar.xz", "debian/changelog")
            return ""

    monkeypatch.setattr(debian, "PrivateApt", Download)
    tree = fetch_source("tool", cache=tmp_path)
    assert (tree / "main.c").exists()
    assert (tree / "debian" / "changelog").exists()
    assert not downloads.exists()


def pack(archive: Path, member: str) -> None:
    content = archive.with_name("content")
    content.write_text("content")
    with tarfile.open(archive, "w:xz") as tar:
        tar.add(content, arcname=member)
    content.unlink()
