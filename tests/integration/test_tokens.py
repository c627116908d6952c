"""Login, access and refresh tokens: rotation, revocation, expiry, forgeries."""
import base64
import hashlib
import hmac
import json

import client
from harness import expect_error, wait_for


def post(server, path, body, token=None):
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    who = server.client()
    answer = who.request("POST", path, body, headers)
    who.close()
    return answer


def login(server, user="tess"):
    server.user(user)
    answer = post(server, "/v1/auth/login", {"user": user, "password": server.passwords[user]})
    assert answer.status == 200, answer.body
    return answer.json()


def works(server, token):
    who = client.Client(server.address, token)
    try:
        return who.value("SELECT current_user")
    except client.SqlError as error:
        return error.status
    finally:
        who.close()


def test_what_a_login_answers(shared):
    session = login(shared)
    assert set(session) == {"access_token", "refresh_token", "token_type", "expires_in", "user",
                            "role"}, session
    assert (session["token_type"], session["expires_in"]) == ("Bearer", 900), session
    assert (session["user"], session["role"]) == ("tess", "user"), session
    assert works(shared, session["access_token"]) == "tess"
    me = client.Client(shared.address, session["access_token"]).request("GET", "/v1/auth/me")
    assert me.status == 200 and me.json()["user"] == "tess" and me.json()["role"] == "user", me.body
    nobody = shared.client().request("GET", "/v1/auth/me")
    assert nobody.status == 200 and nobody.json()["role"] == "anonymous", nobody.body


def test_a_refresh_token_is_no_access_token(shared):
    session = login(shared)
    assert works(shared, session["refresh_token"]) == 401
    answer = post(shared, "/v1/auth/refresh", {"refresh_token": session["access_token"]})
    assert answer.status == 401, answer.body


def test_rotation(shared):
    """A refresh token is good once; who comes with a used one ends the whole line."""
    session = login(shared)
    second = post(shared, "/v1/auth/refresh", {"refresh_token": session["refresh_token"]})
    assert second.status == 200, second.body
    fresh = second.json()
    assert fresh["refresh_token"] != session["refresh_token"]
    assert works(shared, fresh["access_token"]) == "tess"
    again = post(shared, "/v1/auth/refresh", {"refresh_token": session["refresh_token"]})
    assert again.status == 401 and again.json()["error"]["sqlstate"] == "28000", again.body


def test_logout_revokes(shared):
    session = login(shared)
    answer = post(shared, "/v1/auth/logout", {"refresh_token": session["refresh_token"]},
                  session["access_token"])
    assert answer.status == 200, answer.body
    again = post(shared, "/v1/auth/refresh", {"refresh_token": session["refresh_token"]})
    assert again.status == 401, again.body


def test_revocation_survives_kill(fresh):
    kept, ended = login(fresh), login(fresh)
    post(fresh, "/v1/auth/logout", {"refresh_token": ended["refresh_token"]},
         ended["access_token"])
    fresh.restart(crash=True)
    assert post(fresh, "/v1/auth/refresh",
                {"refresh_token": ended["refresh_token"]}).status == 401
    assert works(fresh, kept["access_token"]) == "tess"
    assert post(fresh, "/v1/auth/refresh", {"refresh_token": kept["refresh_token"]}).status == 200


def test_expiry(fresh):
    fresh.root.sql("ALTER SYSTEM SET auth.access_ttl = '1s'")
    session = login(fresh)
    assert session["expires_in"] == 1, session
    assert works(fresh, session["access_token"]) == "tess"
    wait_for(lambda: works(fresh, session["access_token"]) == 401, 5, "the end of the token")
    who = client.Client(fresh.address, session["access_token"])
    expect_error(who.error("SELECT 1"), "28000", status=401)
    renewed = post(fresh, "/v1/auth/refresh", {"refresh_token": session["refresh_token"]})
    assert renewed.status == 200, renewed.body


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_forgeries(shared):
    token = login(shared)["access_token"]
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    raised = encode(json.dumps({**claims, "role": "system"}).encode())
    none = encode(json.dumps({"alg": "none", "typ": "JWT"}).encode())
    guessed = hmac.new(b"secret", f"{head}.{raised}".encode(), hashlib.sha256).digest()
    for forged in (f"{head}.{raised}.{signature}", f"{none}.{raised}.", f"{none}.{body}.",
                   f"{head}.{raised}.{encode(guessed)}", token[:-1], token + "A", "x.y.z", ".",
                   "A" * 2000, f"{head}.{body}"):
        assert works(shared, forged) == 401, forged
    assert works(shared, token) == "tess"


def test_bad_authorization_headers(shared):
    for header in ("Bearer", "Bearer ", "Basic cm9vdDpyb290", "bearer", "Bearer a b"):
        who = shared.client()
        answer = who.request("POST", "/v1/sql", {"sql": "SELECT 1"}, {"Authorization": header})
        assert answer.status == 401, (header, answer.status, answer.body)
        who.close()


def test_bad_login_requests(shared):
    for body, status in ((b"{", 400), (b"[]", 400), (b'{"user":1,"password":"x"}', 400),
                         (b'{"user":"root"}', 400), (b"", 400)):
        who = shared.client()
        answer = who.request("POST", "/v1/auth/login", body, {"Content-Type": "application/json"})
        assert answer.status == status, (body, answer.status, answer.body)
        who.close()


def test_failed_logins_are_limited(fresh):
    """limits.failed_logins_per_minute: then 429 with Retry-After, also for the right password."""
    statuses = []
    for _ in range(15):
        answer = post(fresh, "/v1/auth/login", {"user": "root", "password": "wrong"})
        statuses.append(answer.status)
    assert statuses[0] == 401 and statuses[-1] == 429, statuses
    assert int(answer.headers["Retry-After"]) >= 1, dict(answer.headers)
    right = post(fresh, "/v1/auth/login", {"user": "root", "password": fresh.passwords["root"]})
    assert right.status == 429, right.body
