"""Users, passwords, roles, impersonation: what the guard lets through beyond roles.py's table."""
from client import SqlError
from harness import expect_error, wait_for


def test_wrong_name_and_wrong_password_are_one_answer(shared):
    shared.user("known")
    answers = []
    for user, password in (("known", "wrong"), ("unknown", "wrong"), ("known", "")):
        try:
            shared.client(user, password or " ")
            raise AssertionError("logged in")
        except SqlError as error:
            answers.append((error.status, error.sqlstate, error.message, error.detail))
    assert answers[0] == (401, "28P01", "invalid user name or password", None), answers
    assert len(set(answers)) == 1, answers


def test_create_alter_drop(shared):
    run = shared.root.sql
    run("CREATE USER 'eve' WITH PASSWORD 'first password' ROLE user EMAIL 'eve@example.org'")
    expect_error(shared.root.error("CREATE USER 'eve' WITH PASSWORD 'x' ROLE user"), "42710")
    eve = shared.client("eve", "first password")
    assert eve.value("SELECT current_user") == "eve"
    eve.sql("ALTER USER 'eve' SET PASSWORD 'second password'")
    try:
        shared.client("eve", "first password")
        raise AssertionError("the old password still opens")
    except SqlError as error:
        assert error.status == 401
    assert shared.client("eve", "second password").value("SELECT 1") == 1
    error = eve.error("SELECT 1")  # a token of before the change
    expect_error(error, "28000", status=401)
    run("ALTER USER 'eve' SET ROLE service")
    assert shared.client("eve", "second password").session["role"] == "service"
    run("DROP USER 'eve'")
    try:
        shared.client("eve", "second password")
        raise AssertionError("a dropped user logs in")
    except SqlError as error:
        assert error.status == 401
    expect_error(shared.root.error("DROP USER 'eve'"), "42704")


def test_names(shared):
    for name in ("../../etc", "a b", "", ".hidden", "-dash", "x" * 129, "a/b", "a\\b"):
        error = shared.root.error("CREATE USER '" + name + "' WITH PASSWORD 'x' ROLE user")
        assert error.status == 400, (name, error)
    for name in ("o'brien", "é"):
        error = shared.root.error("CREATE USER '" + name.replace("'", "''")
                                  + "' WITH PASSWORD 'x' ROLE user")
        expect_error(error, "42602")
    shared.root.sql("CREATE USER 'a.b_c@d+e-f' WITH PASSWORD 'long enough' ROLE user")
    assert shared.client("a.b_c@d+e-f", "long enough").session["user"] == "a.b_c@d+e-f"


def made_again(server, name):
    """The name is free when the old user's files are gone: 55006 until then."""
    try:
        return server.user(name)
    except SqlError as error:
        assert error.sqlstate == "55006", error
        return None


def test_a_new_user_of_an_old_name_finds_nothing(shared):
    run = shared.root.sql
    run("CREATE NAMESPACE once")
    run("CREATE USER TABLE once.t (id INT PRIMARY KEY, body TEXT)")
    first = shared.user("phoenix")
    first.sql("INSERT INTO once.t VALUES (1, 'secret'), (2, 'cold')")
    run("STORAGE FLUSH TABLE once.t")
    first.sql("INSERT INTO once.t VALUES (3, 'hot')")
    run("DROP USER 'phoenix'")
    assert run("SELECT count(*) FROM once.t FOR ALL USERS").value == 0
    expect_error(first.error("SELECT 1"), "28000", status=401)
    shared.passwords.pop("phoenix")
    shared.clients.pop("phoenix")
    second = wait_for(lambda: made_again(shared, "phoenix"), what="the end of the cleanup")
    assert second.value("SELECT count(*) FROM once.t") == 0
    second.sql("INSERT INTO once.t VALUES (1, 'mine')")
    shared.restart(crash=True)
    assert shared.user("phoenix").rows("SELECT * FROM once.t") == [[1, "mine"]]


def test_nobody_makes_one_above_himself(shared):
    service = shared.user("maker", "service")
    service.sql("CREATE USER 'made' WITH PASSWORD 'long enough' ROLE user")
    for role in ("service", "dba", "system"):
        expect_error(service.error(f"CREATE USER 'no' WITH PASSWORD 'p' ROLE {role}"), "42501")
    dba = shared.user("admin", "dba")
    expect_error(dba.error("CREATE USER 'no' WITH PASSWORD 'p' ROLE system"), "42501")
    expect_error(dba.error("ALTER USER 'root' SET PASSWORD 'taken over'"), "42501")
    expect_error(dba.error("ALTER USER 'admin' SET ROLE system"), "42501")
    expect_error(dba.error("DROP USER 'root'"), "42501")
    expect_error(service.error("ALTER USER 'made' SET PASSWORD 'x'"), "42501")
    assert shared.client("root", shared.passwords["root"]).value("SELECT 1") == 1


def test_passwords_of_others_are_nobodys_business(shared):
    """A user's right to his own password is none to another's, also not in another's name."""
    plain, service = shared.user("plain"), shared.user("serving", "service")
    for who in (plain, service, shared.anonymous):
        for name in ("root", "serving", "plain", "nobody"):
            if name != who.user:
                expect_error(who.error(f"ALTER USER '{name}' SET PASSWORD 'taken over'"), "42501",
                             "permission denied", 403)
    expect_error(service.error("EXECUTE AS USER 'plain' (ALTER USER 'plain' SET PASSWORD 'mine')"),
                 "42501")
    for name in ("root", "serving", "plain"):
        shared.client(name)


def test_as_user(shared):
    run = shared.root.sql
    run("CREATE NAMESPACE acting")
    run("CREATE USER TABLE acting.t (id INT PRIMARY KEY, body TEXT)")
    service, alice = shared.user("helper", "service"), shared.user("alice")
    service.sql("INSERT INTO acting.t AS USER 'alice' VALUES (1, 'from the agent')")
    service.sql("INSERT INTO acting.t VALUES (1, 'my own')")
    assert alice.rows("SELECT * FROM acting.t") == [[1, "from the agent"]]
    service.sql("UPDATE acting.t AS USER 'alice' SET body = 'changed' WHERE id = 1")
    assert service.rows("SELECT * FROM acting.t") == [[1, "my own"]]
    assert service.sql("EXECUTE AS USER 'alice' (SELECT body FROM acting.t)").rows == [["changed"]]
    assert service.rows("SELECT _user, body FROM acting.t FOR ALL USERS ORDER BY 1") == [
        ["alice", "changed"], ["helper", "my own"]]
    service.sql("DELETE FROM acting.t AS USER 'alice'")
    assert alice.value("SELECT count(*) FROM acting.t") == 0
    for who in (alice, shared.anonymous):
        expect_error(who.error("INSERT INTO acting.t AS USER 'helper' VALUES (9, 'x')"), "42501")
        expect_error(who.error("INSERT INTO acting.t AS USER 'nobody' VALUES (9, 'x')"), "42501")
        expect_error(who.error("EXECUTE AS USER 'helper' (SELECT 1)"), "42501")
    expect_error(service.error("INSERT INTO acting.t AS USER 'root' VALUES (9, 'x')"), "42501")
    expect_error(service.error("EXECUTE AS USER 'alice' (DROP TABLE acting.t)"), "42501")
    expect_error(shared.root.error("INSERT INTO acting.t AS USER 'nobody' VALUES (9, 'x')"),
                 "42704")


def test_access_of_shared_tables(shared):
    run = shared.root.sql
    run("CREATE NAMESPACE access")
    for access in ("private", "protected", "public"):
        run(f"CREATE TABLE access.{access} (id INT PRIMARY KEY) WITH (access='{access}')")
        run(f"INSERT INTO access.{access} VALUES (1)")
    alice, service, nobody = shared.user("alice"), shared.user("helper", "service"), \
        shared.anonymous
    for who, reads in ((nobody, ("public",)), (alice, ("protected", "public")),
                       (service, ("private", "protected", "public"))):
        for access in ("private", "protected", "public"):
            if access in reads:
                assert who.rows(f"SELECT * FROM access.{access}") == [[1]]
            else:
                expect_error(who.error(f"SELECT * FROM access.{access}"), "42501",
                             "permission denied", 403)
            if who is not service:
                for write in ("INSERT INTO access.{} VALUES (2)", "DELETE FROM access.{}",
                              "UPDATE access.{} SET id = 3"):
                    expect_error(who.error(write.format(access)), "42501")
    run("ALTER TABLE access.public SET (access='private')")
    expect_error(nobody.error("SELECT * FROM access.public"), "42501")


def test_who_may_not_does_not_learn_what_exists(shared):
    run = shared.root.sql
    run("CREATE NAMESPACE quiet")
    run("CREATE TABLE quiet.there (id INT PRIMARY KEY)")
    nobody, alice = shared.anonymous, shared.user("alice")
    for who in (nobody, alice):
        answers = set()
        for text in ("DROP TABLE quiet.there", "DROP TABLE quiet.missing",
                     "DROP TABLE missing.there", "DROP NAMESPACE quiet", "DROP NAMESPACE missing",
                     "CREATE TABLE quiet.there (id INT)", "CREATE TABLE missing.t (id INT)",
                     "TRUNCATE quiet.there", "TRUNCATE quiet.missing"):
            error = who.error(text)
            answers.add((error.status, error.sqlstate, error.message, error.detail, error.hint))
        assert answers == {(403, "42501", "permission denied", None, None)}, answers


def test_anonymous_can_be_turned_off(fresh):
    expect_error(fresh.anonymous.error("SELECT * FROM system.users"), "42501")
    assert fresh.anonymous.value("SELECT 1") == 1
    fresh.root.sql("ALTER SYSTEM SET auth.anonymous = off")
    expect_error(fresh.anonymous.error("SELECT 1"), "28000", status=401)


def test_generated_root_password(directory):
    """Without FIRN_ROOT_PASSWORD one is made, printed once, and kept in a file of mode 0600."""
    import os
    import harness
    server = harness.Server(directory, environment={"FIRN_ROOT_PASSWORD": ""})
    try:
        server.start()
        path = os.path.join(server.data, "root-password")
        with open(path, encoding="ascii") as file:
            password = file.read().strip()
        assert os.stat(path).st_mode & 0o777 == 0o600
        assert len(password) >= 20 and server.log().count(password) == 1, server.log()
        root = server.client("root", password)
        root.sql("ALTER USER 'root' SET PASSWORD 'chosen by myself'")
        assert not os.path.exists(path), "the old password still lies there"
        server.restart()
        assert password not in server.log()
        assert server.client("root", "chosen by myself").value("SELECT 1") == 1
    finally:
        server.end()
