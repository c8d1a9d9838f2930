"""Submitted results on the site: marked as such, and nothing in them is markup."""

from __future__ import annotations

from jinja2 import Environment, FileSystemLoader

from survey.files.measured import Cell, Summary
from survey.files.submitted import About, Submission
from survey.site import pages
from survey.site.curves import figure, lost


def test_submitted_results_are_marked_and_escaped():
    about = About(
        name="<b>Toy</b>", method="toy", authors=("Ada <script>",), repository="https://example.org/toy", commit="0" * 40, version="1"
    )
    cell = Cell(method="toy", kind="single", edits=1, pitfall="locality.neighbourhood", metric="<i>", value=None, unedited=0.5, cases=3, seeds=1)
    templates = Environment(loader=FileSystemLoader(pages.HERE / "templates"), autoescape=True)
    templates.globals |= {"figure": figure, "lost": lost}
    html = templates.get_template("submitted.html").render(found=[Submission("toy", about, Summary(cells=(cell,)))])
    assert "&lt;b&gt;Toy" in html and "<script>" not in html and "<i>" not in html
    assert "submitted" in html and "Not measured by us" in html and "collapsed" in html
    assert "Nobody has submitted results yet" in templates.get_template("submitted.html").render(found=[])
