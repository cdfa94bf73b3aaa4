"""Logins by password and token: what is refused, and how it is said."""


def test_a_wrong_password_and_an_unknown_account_look_the_same(hub):
    for email in ("admin@x.example", "nobody@x.example"):
        response = hub.client.post("/api/v1/auth/login", json={"email": email, "password": "wrong"})
        assert (response.status_code, response.json()["code"]) == (401, "login_failed")


def test_only_an_admin_makes_users_and_trusts(hub):
    body = {"email": "n@x.example", "name": "N", "role": "viewer"}
    assert hub.researcher.refused("POST", "users", json=body) == "forbidden"
    assert hub.researcher.refused("POST", "trusts", json={"name": "alpha"}) == "forbidden"
    made = hub.admin.post("users", body)
    login = {"email": "n@x.example", "password": made["password"]}
    assert hub.client.post("/api/v1/auth/login", json=login).status_code == 200
    assert hub.admin.refused("POST", "users", json=body) == "email_taken"


def test_a_trust_token_is_no_user_token_and_the_other_way_round(hub):
    alpha = hub.trust("alpha")
    headers = {"authorization": f"Bearer {alpha.token}"}
    assert hub.client.get("/api/v1/projects", headers=headers).status_code == 401
    headers = {"authorization": f"Bearer {hub.admin.token}"}
    assert hub.client.post("/api/trust/v1/messages", headers=headers, json={"messages": []}).status_code in (401, 422)


def test_after_logout_the_token_is_dead_and_other_logins_live(hub):
    other = hub.person("viewer", "v@x.example")
    assert hub.researcher.call("POST", "auth/logout").status_code == 204
    assert hub.researcher.refused("GET", "users/me") == "not_authenticated"
    assert hub.researcher.refused("POST", "auth/logout") == "not_authenticated"
    assert other.get("users/me")["email"] == "v@x.example"
