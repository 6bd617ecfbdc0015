"""Pages of the site that are made when it is built.

- `api/NAME.md` for each public part of the package, from its `__all__`.
- `project/PATH.md` for each file or folder of the project that a page links to, so that
  the site needs no other host.
"""

import ast
import posixpath
import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)(#[^)\s]*)?\)")
NEEDS = re.compile(r"<!-- needs: .*? -->\n+")
LANGUAGES = {".py": "python", ".json": "json", ".toml": "toml", ".csv": "text"}


def on_files(files, config):
    """Adds the generated pages to those of docs/."""
    for part in _parts():
        files.append(_generated(config, f"api/{part}.md", _api_page(part)))
    docs = Path(config.docs_dir)
    linked = set()
    for page in files.documentation_pages():
        if page.abs_src_path is None or page.generated_by:
            continue
        folder = Path(page.abs_src_path).parent
        for target, _ in LINK.findall(Path(page.abs_src_path).read_text("utf-8")):
            path = (folder / target).resolve()
            if path.exists() and docs not in path.parents:
                linked.add(path.relative_to(ROOT))
    for path in sorted(linked):
        uri = f"project/{path.as_posix()}.md"
        files.append(_generated(config, uri, _project_page(path)))
    return files


def on_config(config):
    """Adds the pages of api/ to the navigation."""
    config.nav.append(
        {"API": [{f"keras_seg.{part}": f"api/{part}.md"} for part in _parts()]}
    )
    return config


def on_page_markdown(markdown, page, config, files):
    """Points links to files of the project to their pages."""
    if page.file.generated_by:
        return markdown
    folder = posixpath.dirname(page.file.src_uri)

    def rewritten(match):
        target, anchor = match[1], match[2] or ""
        path = posixpath.normpath(posixpath.join("docs", folder, target))
        if path.startswith("docs/"):
            return match[0]
        page_of = posixpath.relpath(f"project/{path}.md", folder or ".")
        keep = anchor if path.endswith(".md") else ""
        return f"]({page_of}{keep})"

    return LINK.sub(rewritten, NEEDS.sub("", markdown))


def _generated(config, uri, content):
    return File.generated(config, uri, content=content)


def _api_page(part):
    tree = _init_of("keras_seg", part)
    entries = "\n\n".join(
        f"::: keras_seg.{part}.{name}" for name in sorted(_exported(tree))
    )
    summary = (ast.get_docstring(tree) or "").split("\n\n")[0]
    return f"# keras_seg.{part}\n\n{summary}\n\n{entries}\n"


def _init_of(*folders):
    return ast.parse(ROOT.joinpath(*folders, "__init__.py").read_text("utf-8"))


def _exported(tree):
    return next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "__all__"
    )


def _parts():
    """The public parts of the package: those of its names that are folders."""
    names = _exported(_init_of("keras_seg"))
    return [name for name in names if (ROOT / "keras_seg" / name).is_dir()]


def _project_page(path):
    full = ROOT / path
    if full.is_dir():
        names = sorted(p.name for p in full.iterdir() if not p.name.startswith("."))
        lines = "\n".join(f"- `{name}`" for name in names)
        return f"# {path.as_posix()}\n\n{lines}\n"
    text = full.read_text("utf-8")
    if full.suffix == ".md":
        text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
        text = re.sub(r"<img [^>]*>|!\[[^]]*\]\([^)]*\)", "", text)
        return LINK.sub("]", NEEDS.sub("", text)).replace("[]", "")
    language = LANGUAGES.get(full.suffix, "text")
    return f"# {path.as_posix()}\n\n```{language}\n{text}\n```\n"
