import assert from "node:assert/strict";
import { test } from "node:test";

import { isOutdated, versionOf } from "../../api/page/release.mjs";

const OWN = "http://host/page/aaaa/app.mjs";
const saying =
  (text, status = 200) =>
  async () =>
    new Response(text, { status });

test("another release is one that the document names", async () => {
  assert.equal(versionOf(OWN), "aaaa");
  assert.equal(versionOf("http://host/"), null);
  assert.equal(await isOutdated(saying('<script src="/page/bbbb/app.mjs">'), OWN), true);
  assert.equal(await isOutdated(saying('<script src="/page/aaaa/app.mjs">'), OWN), false);
});

test("no answer, and no document, say nothing", async () => {
  assert.equal(await isOutdated(saying("/page/bbbb/", 503), OWN), false);
  assert.equal(await isOutdated(saying("{}"), OWN), false);
  const away = async () => {
    throw new TypeError("offline");
  };
  assert.equal(await isOutdated(away, OWN), false);
});
