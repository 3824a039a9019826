from slsg_edge.data.survey.finding import Finding
from slsg_edge.reports.data_findings import data_section


def test_a_finding_is_there_with_count_examples_and_what_to_do():
    html = data_section([Finding("error", "x", "Leaks", 7, ("a.png = b.png",), "Delete one.")])
    for text in ('class="severity error"', "<b>Leaks: 7.</b>", "a.png = b.png", "Delete one."):
        assert text in html


def test_names_of_files_are_text():
    html = data_section([Finding("note", "x", "Odd", 1, ("<script>.png",), "Look.")])
    assert "<script>" not in html
    assert "&lt;script&gt;.png" in html


def test_nothing_to_say_is_no_section():
    assert data_section(()) == ""
