"""A guestbook: entries in PostgreSQL, the list of the latest and a count of visits in Redis.

    GET  /              the page
    POST /              sign (form fields: name, message)
    GET  /entries.json  the latest entries
    GET  /health        200 when both servers behind answer
"""
import json
import logging
import os
import time
from contextlib import contextmanager

import psycopg2
import redis
from flask import Flask, jsonify, redirect, render_template, request
from psycopg2.pool import ThreadedConnectionPool

LATEST = 50
CACHE_KEY = "entries"
CACHE_SECONDS = 60
TABLE = """
    CREATE TABLE IF NOT EXISTS entry (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name text NOT NULL,
        message text NOT NULL,
        signed_at timestamptz NOT NULL DEFAULT now()
    )"""

logging.basicConfig(level=logging.INFO, format="%(message)s")
log = logging.getLogger("guestbook")


def until_it_answers(what, attempt, seconds=60):
    """The result of `attempt`, which is tried again while the server on the other side is still starting."""
    give_up = time.monotonic() + seconds
    pause = 0.05
    while True:
        try:
            return attempt()
        except (psycopg2.OperationalError, redis.exceptions.ConnectionError) as error:
            if time.monotonic() > give_up:
                raise
            log.info("waiting for %s: %s", what, str(error).splitlines()[0])
            time.sleep(pause)
            pause = min(2 * pause, 1.0)


database = until_it_answers(
    "the database",
    lambda: ThreadedConnectionPool(
        1,
        8,
        host=os.environ["DATABASE_HOST"],
        dbname="guestbook",
        user="guestbook",
        password=os.environ["DATABASE_PASSWORD"],
        connect_timeout=3,
    ),
)
cache = redis.Redis(host=os.environ["CACHE_HOST"], decode_responses=True, socket_connect_timeout=3)
until_it_answers("the cache", cache.ping)


@contextmanager
def transaction():
    """A cursor of a pooled connection: committed at the end, rolled back on an error."""
    connection = database.getconn()
    try:
        with connection, connection.cursor() as cursor:
            yield cursor
    finally:
        # A connection that the server has closed does not go back into the pool.
        database.putconn(connection, close=connection.closed != 0)


def latest_entries():
    cached = cache.get(CACHE_KEY)
    if cached:
        return json.loads(cached)
    with transaction() as cursor:
        cursor.execute(
            "SELECT name, message, to_char(signed_at, 'YYYY-MM-DD HH24:MI') FROM entry ORDER BY id DESC LIMIT %s", (LATEST,)
        )
        entries = [dict(zip(("name", "message", "signed_at"), row)) for row in cursor]
    cache.set(CACHE_KEY, json.dumps(entries), ex=CACHE_SECONDS)
    return entries


with transaction() as cursor:
    cursor.execute(TABLE)
log.info("ready")

app = Flask(__name__)


@app.get("/")
def page():
    return render_template("page.html", entries=latest_entries(), visits=cache.incr("visits"))


@app.post("/")
def sign():
    name = request.form.get("name", "").strip()[:100]
    message = request.form.get("message", "").strip()[:1000]
    if not name or not message:
        return "name and message are needed\n", 400
    with transaction() as cursor:
        cursor.execute("INSERT INTO entry (name, message) VALUES (%s, %s)", (name, message))
    cache.delete(CACHE_KEY)
    log.info("signed by %s", json.dumps(name))
    return redirect("/", code=303)


@app.get("/entries.json")
def entries():
    return jsonify(latest_entries())


@app.get("/health")
def health():
    with transaction() as cursor:
        cursor.execute("SELECT 1")
    cache.ping()
    return "ok\n"
