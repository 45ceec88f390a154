"""An HTML page with tables, readable without any other file."""

from __future__ import annotations

from collections.abc import Sequence


def html_page(title: str, body: str, *, rules: Sequence[str] = ()) -> str:
    """Return a page with `body`, HTML as it is; `rules` are further lines of its style sheet."""
    return _PAGE.format(title=title, rules="".join(f"{rule}\n" for rule in rules), body=body)


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 14px sans-serif; margin: 1.5em; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: 3px 9px; text-align: left; vertical-align: top; border-bottom: 1px solid #ddd; }}
{rules}</style>
</head>
<body>
{body}
</body>
</html>
"""
