"""Draw docs/images/architecture.svg: the packages on their floors, and who imports whom, as the code has it.

The floors are those of the layers contract in pyproject.toml; the arrows come from the import graph that import-linter
checks. Run `python docs/pictures/architecture.py` after either has changed; a test compares the file.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import grimp

REPOSITORY = Path(__file__).parents[2]
PICTURE = REPOSITORY / "docs" / "images" / "architecture.svg"

WIDTH, FLOOR_HEIGHT, MARGIN = 1000, 100, 20
BOX_WIDTH, BOX_HEIGHT = 190, 54

IDEAS = {
    "trxas": "the application",
    "gui": "what people see",
    "plans": "what an experiment does",
    "storage": "where runs live",
    "broadcast": "how documents travel",
    "devices": "what the hardware is",
    "reduction": "what the counts mean",
    "processes": "child processes",
    "plugins": "what other packages add",
    "errors": "what can go wrong",
    "sim": "a simulated beamline",
}


def floors() -> list[list[str]]:
    """Return the packages of each floor, the highest first, from the first layers contract."""
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    layers: list[str] = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    return [[name.strip() for name in layer.split("|")] for layer in layers]


def arrows() -> list[tuple[str, str]]:
    """Return (importer, imported) for the packages, without the arrows that others imply."""
    packages = [name for floor in floors() for name in floor] + ["sim"]
    graph = grimp.build_graph(*packages, cache_dir=None)
    imports = {
        above: {below for below in packages if above != below and _imports_directly(graph, above, below)}
        for above in packages
    }
    return [
        (above, below) for above in packages for below in sorted(imports[above]) if not _implied(imports, above, below)
    ]


def _implied(imports: dict[str, set[str]], above: str, below: str) -> bool:
    """Return whether `below` is reached by way of another package, so that its arrow would only clutter the picture."""
    return any(below in imports[between] or _implied(imports, between, below) for between in imports[above] - {below})


def _imports_directly(graph: grimp.ImportGraph, above: str, below: str) -> bool:
    modules = {above, *graph.find_descendants(above)}
    inside = {below, *graph.find_descendants(below)}
    return any(graph.find_modules_directly_imported_by(module) & inside for module in modules)


def svg() -> str:
    """Return the picture as the text of an SVG file."""
    levels = floors()
    centres: dict[str, tuple[float, float]] = {}
    for level, names in enumerate(levels):
        # Devices stand on the right, where the line to the simulation begins.
        for place, name in enumerate(reversed(names)):
            x = (WIDTH - BOX_WIDTH) * (place + 0.5) / len(names)
            centres[name] = (x, MARGIN + FLOOR_HEIGHT * level + BOX_HEIGHT / 2)
    height = 2 * MARGIN + FLOOR_HEIGHT * (len(levels) - 1) + BOX_HEIGHT
    centres["sim"] = (WIDTH - MARGIN - BOX_WIDTH / 2, MARGIN + BOX_HEIGHT / 2 + FLOOR_HEIGHT * 3)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" font-family="sans-serif">',
        '<defs><marker id="head" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z" fill="#999"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{height:.0f}" fill="white"/>',
        *(_arrow(centres[above], centres[below]) for above, below in arrows()),
        *(_box(name, centre) for name, centre in centres.items()),
        _channel_access(centres),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    return (
        f'<line x1="{start[0]:.0f}" y1="{start[1] + BOX_HEIGHT / 2:.0f}" x2="{end[0]:.0f}" '
        f'y2="{end[1] - BOX_HEIGHT / 2:.0f}" stroke="#999" marker-end="url(#head)"/>'
    )


def _box(name: str, centre: tuple[float, float]) -> str:
    left, top = centre[0] - BOX_WIDTH / 2, centre[1] - BOX_HEIGHT / 2
    colour = "#fdf0e0" if name == "sim" else "#eaf3fb"
    return (
        f'<rect x="{left:.0f}" y="{top:.0f}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="5" fill="{colour}" '
        f'stroke="#446"/><text x="{centre[0]:.0f}" y="{centre[1] - 4:.0f}" text-anchor="middle" font-weight="bold" '
        f'font-size="15">{name}/</text><text x="{centre[0]:.0f}" y="{centre[1] + 15:.0f}" text-anchor="middle" '
        f'font-size="12" fill="#333">{IDEAS[name]}</text>'
    )


def _channel_access(centres: dict[str, tuple[float, float]]) -> str:
    """Return the dashed line between devices and simulation: no import, Channel Access only."""
    (left, _), (right, y) = centres["devices"], centres["sim"]
    start, end = left + BOX_WIDTH / 2, right - BOX_WIDTH / 2
    return (
        f'<path d="M{start:.0f},{y:.0f} L{end:.0f},{y:.0f}" fill="none" stroke="#b36b00" '
        f'stroke-dasharray="6 4"/><text x="{(start + end) / 2:.0f}" y="{y - 6:.0f}" text-anchor="middle" '
        'font-size="12" fill="#b36b00">Channel Access</text>'
    )


if __name__ == "__main__":
    PICTURE.write_text(svg(), encoding="utf-8")
