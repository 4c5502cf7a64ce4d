"""The corpus's web application: notes in SQLite behind Flask.  It goes into the AppDir ``flask-app`` and is not part of Inspector."""

# mypy: ignore-errors
from __future__ import annotations

import argparse
import sqlite3
import threading

import requests
from flask import Flask, jsonify, render_template_string, request
from werkzeug.serving import make_server

PAGE = "<!doctype html><title>Notes</title><ul>{% for note in notes %}<li>{{ note }}</li>{% endfor %}</ul>"


def create_application(database: str = ":memory:") -> Flask:
    """The application, with its table made."""
    application = Flask("notes")
    connection = sqlite3.connect(database, check_same_thread=False)
    connection.execute("create table if not exists note (text text not null)")

    @application.get("/")
    def page() -> str:
        rows = connection.execute("select text from note order by rowid").fetchall()
        return render_template_string(PAGE, notes=[text for (text,) in rows])

    @application.post("/notes")
    def add() -> object:
        with connection:
            connection.execute("insert into note values (?)", (request.get_json()["text"],))
        return jsonify(stored=True)

    return application


def serve_one_round(application: Flask) -> None:
    """Serve on a free port in this process, store one note through HTTP, print the page that shows it."""
    server = make_server("127.0.0.1", 0, application)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    session = requests.Session()
    session.trust_env = False
    address = f"http://127.0.0.1:{server.port}"
    session.post(f"{address}/notes", json={"text": "<bread & butter>"}, timeout=10).raise_for_status()
    print(session.get(address, timeout=10).text)
    server.shutdown()


def main() -> None:
    """Serve, or with --self-test serve one round to itself."""
    parser = argparse.ArgumentParser(prog="flask-app")
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    application = create_application()
    if options.self_test:
        serve_one_round(application)
    else:
        application.run(port=options.port)


if __name__ == "__main__":
    main()
