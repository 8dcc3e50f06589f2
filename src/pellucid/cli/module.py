"""Where the user's own application is. Nothing is imported here."""

from pathlib import Path

from msgspec import Struct

from pellucid.errors import StartupError


class Module(Struct, frozen=True):
    """An application, as named on the command line: ``app.py``, ``package.module``, either with ``:name`` behind it.

    Attributes:
        text: as it was written.
        root: the directory that imports start from; its Python files are watched in development.
        dotted: the module's name from there.
        file: where it must come from, if it was named by its file.
        attribute: the application's name in it, if one was given.
    """

    text: str
    root: Path
    dotted: str
    file: Path | None = None
    attribute: str | None = None


def locate(text: str, directory: Path) -> Module:
    """Find the module.

    Args:
        text: as on the command line.
        directory: what a relative path starts from.

    Raises:
        StartupError: there is no such file.
    """
    where, _, attribute = text.partition(":")
    if where.endswith(".py") or "/" in where:
        return _from_file(text, directory / where, attribute or None)
    return Module(text, directory, where, attribute=attribute or None)


def _from_file(text: str, path: Path, attribute: str | None) -> Module:
    path = path.resolve()
    if path.is_dir():
        raise StartupError(f"{path} is a directory", hint="name the file in it, such as: pellucid serve app.py")
    if not path.is_file():
        raise StartupError(f"there is no file {path}", hint="name your application, such as: pellucid serve app.py")
    root, parts = path.parent, [path.stem]
    while (
        root / "__init__.py"
    ).exists():  # a module of a package is imported as such, so that its relative imports work
        parts.insert(0, root.name)
        root = root.parent
    return Module(text, root, ".".join(parts), path, attribute)
