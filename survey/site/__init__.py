"""The site: mkdocs builds the hand-written pages, everything else is poured into its theme.

`build` runs both. `pour` alone completes a site that mkdocs, or a successor of it, has built.
"""

from survey.site.build import Built, build, pour, serve

__all__ = ["Built", "build", "pour", "serve"]
