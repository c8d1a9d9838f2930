#!/bin/sh
# Find or install what the tests need beside Python: Chromium for the pages, TeX for BibTeX.
# Tests that lack one of them are skipped with a reason; with CI set that is an error.
set -u

have() { command -v "$1" >/dev/null 2>&1; }

missing=""
have chromium || have chromium-browser || have google-chrome || missing="$missing chromium"
have pdflatex && have bibtex || missing="$missing texlive-latex-base texlive-binaries"
have lualatex && kpsewhich fontspec.sty >/dev/null 2>&1 || missing="$missing texlive-luatex texlive-latex-recommended lmodern"
kpsewhich lmodern.sty >/dev/null 2>&1 || missing="$missing lmodern"
have biber && kpsewhich biblatex.sty >/dev/null 2>&1 || missing="$missing biber texlive-bibtex-extra"
[ -z "$missing" ] && exit 0

if have apt-get && [ "$(id -u)" = 0 ]; then
  echo "installing:$missing" >&2
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >/dev/null && apt-get install -y -qq --no-install-recommends $missing >/dev/null && exit 0
  echo "apt-get could not install:$missing" >&2
else
  echo "these are missing, and are left to you to install (on Debian: sudo apt-get install$missing)" >&2
fi
[ -z "${CI:-}" ] || exit 1
echo "the tests that need them will be skipped" >&2
