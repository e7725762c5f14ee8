"""What the checks of every page can see: faults planted into a page are found, so a clean page means something."""

import pytest

from tests.browser.window import PHONE


@pytest.fixture
def page(open_window):
    window = open_window()
    window.open("/sign-in")
    return window


def test_a_missing_label_and_pale_text_are_found(page):
    page.page.evaluate(
        """() => {
            document.querySelector("label[for=number]").remove();
            const low = document.createElement("p");
            low.append("pale");
            low.style.color = "#ddd";
            document.querySelector("main").append(low);
        }"""
    )
    found = " ".join(page.violations())
    assert "label: " in found
    assert "color-contrast: " in found


def test_a_wide_page_is_noticed(page):
    page.page.evaluate("() => { document.querySelector('h1').style.width = '600px'; }")
    with pytest.raises(AssertionError, match="px wide"):
        page.check_width(PHONE)


def test_a_breach_of_the_policy_is_noticed(open_window):
    window = open_window()
    window.open("/register")
    window.page.evaluate(
        "() => { const s = document.createElement('script'); s.src = '/x.js'; document.body.append(s); }"
    )
    window.page.wait_for_timeout(200)
    assert any("Content Security Policy" in complaint for complaint in window.complaints)
    window.complaints.clear()


def test_a_failed_answer_that_nobody_announced_is_noticed(open_window):
    window = open_window()
    window.open("/nowhere", status=404)
    window.page.goto(f"{window.house.url}/nowhere-else")
    window.page.wait_for_timeout(200)
    assert any("status of 404" in complaint for complaint in window.complaints)
    window.complaints.clear()
