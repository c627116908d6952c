"""Each of the five roles tries each statement kind through the shell `firn`: roles.py's list."""
import websocket
from roles import ATTEMPTS, PREPARATION, ROLES, UNBUILT


def prepare(server):
    server.root.statements(PREPARATION)
    for role in ROLES[1:]:
        server.passwords[f"the_{role}"] = f"password of the_{role}"


def user_of(role):
    return role if role == "anonymous" else f"the_{role}"


def live_query(server, user):
    """A subscription of this user: (socket, live id)."""
    who = server.client() if user == "anonymous" else server.user(user)
    if user == "anonymous":
        return None, "LQ-none"
    socket = websocket.WebSocket(server.address, token=who.token)
    socket.subscribe("s", "SELECT * FROM app.public")
    live = server.root.rows("SELECT live_id FROM system.live_queries WHERE user_name = $1 "
                            "ORDER BY created_at DESC", [user])
    return socket, live[0][0]


def try_it(server, attempt, role):
    """None where it went as the table says, else what happened."""
    sockets, names = [], {"role": role}
    for placeholder, owner in (("live", user_of(role)), ("other", "root")):
        if "{" + placeholder + "}" in attempt.sql:
            socket, names[placeholder] = live_query(server, owner)
            sockets.append(socket)
    if attempt.before:
        server.root.statements(attempt.before.format(**names))
    sql = attempt.sql.format(**names)
    status, out, err = server.cli("-c", sql, user=user_of(role))
    for socket in sockets:
        if socket is not None:
            socket.close()
    if attempt.allows(role):
        return None if status == 0 else f"{role} may, but: {sql}: {status} {err.strip() or out}"
    refusals = ("42501", "0A000") if attempt.least == UNBUILT else (attempt.refusal, "42501")
    if status == 1 and any(code in err + out for code in refusals):
        return None
    return f"{role} may not, but: {sql}: {status} {(err.strip() or out)[:200]}"


def test_every_role_tries_everything(fresh):
    prepare(fresh)
    problems, tried = [], 0
    for attempt in ATTEMPTS:
        for role in ROLES:
            problem = try_it(fresh, attempt, role)
            tried += 1
            if problem:
                problems.append(problem)
    print(f"        {len(ATTEMPTS)} statement kinds, {len(ROLES)} roles, {tried} attempts")
    assert not problems, f"{len(problems)} of {tried}:\n" + "\n".join(problems)


test_every_role_tries_everything.deadline = 400


def test_refusals_change_nothing(fresh):
    """What a role was refused left no trace: the same tables, rows, users and settings."""
    prepare(fresh)

    def state():
        return [fresh.root.rows(text) for text in (
            "SELECT namespace, table_name, schema_version FROM system.tables ORDER BY 1, 2",
            "SELECT user_name, role FROM system.users ORDER BY 1",
            "SELECT namespace FROM system.namespaces ORDER BY 1",
            "SELECT name, value FROM system.settings ORDER BY 1",
            "SELECT * FROM app.public", "SELECT * FROM app.protected", "SELECT * FROM app.private",
            "SELECT * FROM app.own FOR ALL USERS")]

    before = state()
    names = {"live": "x", "other": "x"}
    for role in ("anonymous", "user"):
        who = fresh.anonymous if role == "anonymous" else fresh.client(user_of(role))
        for attempt in ATTEMPTS:
            if not attempt.allows(role):
                who.error(attempt.sql.format(role="public", **names))
    assert state() == before
