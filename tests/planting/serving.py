"""Imports chosen modules from texts in place of their files; no byte code is read or written for them."""

import linecache
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType


class TextLoader(SourceFileLoader):
    """Loads one module from a text, under the name of its file."""

    def __init__(self, module: str, path: str, text: str) -> None:
        super().__init__(module, path)
        self._text = text

    def get_code(self, fullname: str) -> CodeType:
        """Return the text's code, whatever byte code there is of the file."""
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code

    def get_data(self, path: str) -> bytes:
        """Return the text in place of the file."""
        return self._text.encode() if path == self.path else super().get_data(path)


class TextFinder(MetaPathFinder):
    """Finds the modules of some files, and notes those that nobody asked for yet."""

    def __init__(self, root: Path, texts: dict[str, str]) -> None:
        self._root = root
        self._texts = texts
        self._files = {module_of(file): file for file in texts}
        self.missing = set(texts)

    def install(self) -> None:
        """Come before every other finder. Raises ImportError when one of the modules is loaded already."""
        loaded = sorted(self._files.keys() & sys.modules.keys())
        if loaded:
            raise ImportError(f"loaded before a text could stand in for it: {', '.join(loaded)}")
        self.come_first()

    def come_first(self) -> None:
        """Come before the finders that were put first since."""
        sys.meta_path[:] = [self, *(finder for finder in sys.meta_path if finder is not self)]

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where the module comes from, if it is one of ours."""
        file = self._files.get(fullname)
        if file is None:
            return None
        self.missing.discard(file)
        where, text = str(self._root / file), self._texts[file]
        # Without a time of change no line is looked up on the disk: a failing test shows the text that ran.
        linecache.cache[where] = (len(text), None, text.splitlines(keepends=True), where)
        return spec_from_file_location(fullname, where, loader=TextLoader(fullname, where, text))


def module_of(file: str) -> str:
    """Return the name that a file of the project is imported by."""
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
