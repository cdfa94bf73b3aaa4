"""The health page says what the doctor says."""


def test_health_shows_each_check_with_its_remedy(site):
    site.agent.settings.fl_command.write_text("#!/bin/sh\nexit 1\n")
    browser = site.browser()
    shown = browser.get("/health")
    assert "OMOP database" in shown
    assert "127.0.0.1:9 is closed" in shown  # the hub that is not there
    assert "names no executable" in shown
    part = browser.get("/health/checks")
    assert "<html" not in part
    assert "OMOP database" in part
