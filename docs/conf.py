"""The documentation site: Sphinx reads the Markdown files of this folder and writes build/site."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
sys.path[:0] = [str(DOCS / "extensions"), str(ROOT / "src")]

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = "Backhand"
project_copyright = "the Backhand maintainers, MIT licence"
version = release = PYPROJECT["version"]
language = "en"

extensions = [
    "myst_nb",  # Markdown (MyST-Parser), and the notebook of the lesson
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "sphinx_copybutton",
    "sphinx_design",
    # Of this folder:
    "api_pages",
    "mathml",
    "repository_links",
    "live_pages",
    "table_corners",
]
exclude_patterns = [
    "extensions",
    "templates",
    "gallery/*.ipynb",
    "gallery/*.py",
    "gallery/**/*.md5",
]
nitpicky = True
# Types of other projects: their inventories would have to be downloaded for each build.
nitpick_ignore_regex = [
    ("py:.*", r"(numpy|sklearn|matplotlib|pandas|polars|pyarrow|torch|ray|anywidget|traitlets)\..*")
]

# Markdown
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
nb_execution_mode = "off"  # `live_pages` runs the notebook
highlight_language = "text"
html_math_renderer = "mathml"
repository = PYPROJECT["urls"]["Source"]

# Reference
autosummary_generate = True
autodoc_typehints = "none"  # docstrings have the types
numpydoc_show_class_members = False

# Examples
sphinx_gallery_conf = {
    "examples_dirs": str(ROOT / "examples" / "gallery"),
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "doc_module": ("backhand",),
    "backreferences_dir": None,
    "download_all_examples": False,
    "min_reported_time": 1,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "inspect_global_variables": False,  # else a variable, such as `_`, is a link to its class
    "copyfile_regex": r"definitions\.csv",  # which two scripts read, and offer for download
    "abort_on_example_error": True,
}

# Pages
html_title = "Backhand"
html_theme = "pydata_sphinx_theme"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_baseurl = PYPROJECT["urls"]["Documentation"]
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system is
html_show_sourcelink = False
html_copy_source = False
html_sidebars = {"index": []}
html_theme_options = {
    "github_url": PYPROJECT["urls"]["Source"],
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True
