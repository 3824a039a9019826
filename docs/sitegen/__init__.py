"""The documentation site: pages of this folder, and a reference that is made from the code.

`python -m sitegen OUT`, with `docs` on the path, fills OUT; `make docs` does, and has Zensical make
HTML of it. Whatever is missing, as the help of an option, is a `MissingText`.
"""
