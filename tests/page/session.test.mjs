import assert from "node:assert/strict";
import { test } from "node:test";

import { Client, nextOf, pathOf } from "../../api/page/client.mjs";
import { ApiError, Session, UnreachableError } from "../../api/page/session.mjs";

class Storage {
  kept = new Map();
  getItem = (key) => this.kept.get(key) ?? null;
  setItem = (key, value) => this.kept.set(key, value);
  removeItem = (key) => this.kept.delete(key);
}

const answer = (status, body, headers = {}) => new Response(JSON.stringify(body), { status, headers });

/** A server that takes the token "good", and gives it for the refresh token "r1", once. */
function server() {
  const asked = [];
  const left = new Set(["r1"]);
  const fetcher = async (path, init) => {
    asked.push([init.method ?? "GET", path]);
    if (path === "/auth/refresh") {
      const fresh = left.delete(JSON.parse(init.body).refresh_token);
      return fresh ? answer(200, { access_token: "good", refresh_token: "r2" }) : answer(401, { detail: "No." });
    }
    return init.headers.Authorization === "Bearer good" ? answer(200, { ok: true }) : answer(401, { detail: "No." });
  };
  return { asked, fetcher };
}

function session(fetcher, tokens) {
  const storage = new Storage();
  const one = new Session(fetcher, storage, null);
  if (tokens) one.keep(tokens);
  one.said = [];
  one.onended = (note) => one.said.push(note);
  return one;
}

test("a token that has run out is renewed once for all that wait, and they are answered", async () => {
  const { asked, fetcher } = server();
  const one = session(fetcher, { access_token: "old", refresh_token: "r1" });
  const answers = await Promise.all([one.fetch("/a"), one.fetch("/b"), one.fetch("/c")]);
  assert.deepEqual(
    answers.map((each) => each.status),
    [200, 200, 200],
  );
  assert.equal(asked.filter(([, path]) => path === "/auth/refresh").length, 1);
  assert.equal(one.tokens.refresh_token, "r2");
});

test("what another tab has renewed is taken, not renewed again", async () => {
  const { asked, fetcher } = server();
  const one = session(fetcher, { access_token: "good", refresh_token: "gone" });
  assert.equal(await one.renewed("old"), true);
  assert.deepEqual(asked, []);
});

test("a refused renewal ends the session and says so", async () => {
  const { fetcher } = server();
  const one = session(fetcher, { access_token: "old", refresh_token: "used" });
  assert.equal((await one.fetch("/a")).status, 401);
  assert.equal(one.signedIn, false);
  assert.match(one.said[0], /ended/);
});

test("no network is no refusal: the session stays", async () => {
  const one = session(
    async () => {
      throw new TypeError("offline");
    },
    { access_token: "old", refresh_token: "r1" },
  );
  await assert.rejects(one.fetch("/a"), UnreachableError);
  assert.equal(one.signedIn, true);
  let calls = 0;
  const half = session(
    async () => {
      calls += 1;
      if (calls > 1) throw new TypeError("offline");
      return answer(401, {});
    },
    { access_token: "old", refresh_token: "r1" },
  );
  await assert.rejects(half.fetch("/a"), UnreachableError);
  assert.equal(half.signedIn, true);
  assert.deepEqual(half.said, []);
});

test("signing out forgets, whatever the network does", async () => {
  const one = session(
    async () => {
      throw new TypeError("offline");
    },
    { access_token: "good", refresh_token: "r1" },
  );
  await one.logout();
  assert.equal(one.signedIn, false);
});

test("what is stored by somebody else is no session", () => {
  const one = session(async () => answer(200, {}), null);
  one.storage.setItem("frostguard.session", "{nonsense");
  assert.equal(one.tokens, null);
});

test("an error says what the API said, and of which members", async () => {
  const said = { detail: "tempMin: no.", errors: [{ field: "tempMin", message: "no." }], requestId: "r" };
  const client = new Client(session(async () => answer(422, said), { access_token: "good" }));
  const error = await client.get("/x").catch((problem) => problem);
  assert.ok(error instanceof ApiError);
  assert.deepEqual([error.status, error.message, error.fields[0].field], [422, "tempMin: no.", "tempMin"]);
});

test("lists are read to their end, page by page", async () => {
  const pages = { "/x?limit=1000": [[1, 2], '<http://host/x?cursor=b>; rel="next"'], "/x?cursor=b": [[3], ""] };
  const client = new Client(
    session(async (path) => answer(200, pages[path][0], { Link: pages[path][1] }), { access_token: "good" }),
  );
  assert.deepEqual(await client.all("/x"), [1, 2, 3]);
});

test("paths and next pages", () => {
  assert.equal(pathOf("/a", { x: "", y: null, z: "1 2" }), "/a?z=1+2");
  assert.equal(pathOf("/a"), "/a");
  assert.equal(nextOf('<https://h/x?a=1&cursor=c>; rel="next"'), "/x?a=1&cursor=c");
  assert.equal(nextOf(null), null);
  assert.equal(nextOf('<https://h/x>; rel="prev"'), null);
});
