"""The documentation site: Sphinx with MyST Markdown and Furo. `make docs` builds it."""

import sys
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

project = "seedbed"
release = metadata.version("seedbed")
copyright = "the authors of seedbed"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
extensions += ["_extensions.pages", "_extensions.mathml"]
exclude_patterns = ["_extensions", "_static"]

html_theme = "furo"
html_title = "seedbed"
html_static_path = ["_static"]
html_css_files = ["style.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#003f7d", "color-brand-content": "#00559e"},
    "dark_css_variables": {"color-brand-primary": "#6fb8f0", "color-brand-content": "#6fb8f0"},
}

myst_enable_extensions = ["dollarmath"]
myst_fence_as_directive = ["math"]
myst_heading_anchors = 4
pygments_style, pygments_dark_style = "friendly", "github-dark"
copybutton_exclude = ".linenos, .gp, .go"

default_role = "code"
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
add_module_names = False
