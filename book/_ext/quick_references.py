"""{numref} without reading the page it refers to anew for each reference.

Sphinx unpickles the whole page, pictures and all, for the one node it then looks at: a fifth of the
time of a build.
"""

import functools

from sphinx.domains.std import StandardDomain


def setup(app) -> dict:
    app.add_domain(References, override=True)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class References(StandardDomain):
    """The standard domain, which resolves a {numref} with pages that are kept."""

    def resolve_xref(self, env, fromdocname, builder, typ, target, node, contnode):
        env = self._kept if typ == "numref" else env
        return super().resolve_xref(env, fromdocname, builder, typ, target, node, contnode)

    @functools.cached_property
    def _kept(self) -> "Kept":
        return Kept(self.env)


class Kept:
    """The environment, with pages that are only looked at: each is unpickled once."""

    def __init__(self, env) -> None:
        self.env = env
        self.get_doctree = functools.cache(env.get_doctree)

    def __getattr__(self, name: str):
        return getattr(self.env, name)
