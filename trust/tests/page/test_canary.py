"""Every page, over a hospital full of canaries: none is logged, none goes to the hub, and no secret is either."""

import logging

from flip_trust.staff.book import Role


def test_no_canary_and_no_secret_is_logged_or_leaves(site, caplog):
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "multipart", "python_multipart"):
        caplog.set_level(logging.WARNING, name)
    reviews = [site.review(imaging=True), site.review(sql="SELECT person_id, nonsense FROM omop.person")]
    site.agent.approvals.approve(reviews[0].project_id, "", 10, "ada")
    browser = site.browser(role=Role.ADMIN)
    browser.send("/login", login="CANARY", password="CANARY", code="CANARY")
    (accession, *_) = sorted(site.agent.store.accessions(reviews[0].project_id))
    key = site.agent.pipeline.accession_key(reviews[0].project_id, accession)
    seen = set()
    for path in [path for method, path in site.routes() if method == "GET"]:
        for review in reviews:
            place = path.format(project_id=review.project_id, fab_sha256="0" * 64, key=key, name="input_1.nii.gz")
            seen.add(browser.client.get(place).status_code)
    assert 200 in seen
    assert not seen & {500, 422}, seen
    sent = " ".join(message for _, message in site.agent.store.messages(1000))
    for secret in ("CANARY", browser.password, browser.secret, browser.client.cookies["flip_trust"]):
        assert secret not in caplog.text
        assert secret not in sent
