// What a browser has around the client: localStorage, window, and a fetch that holds to the rules for foreign origins.

const kept = new Map();
globalThis.localStorage = {
  getItem: (key) => kept.get(key) ?? null,
  setItem: (key, value) => void kept.set(key, String(value)),
  removeItem: (key) => void kept.delete(key),
};
globalThis.window = { location: { href: '/' } };

const ORIGIN = 'http://localhost:3000';
const SIMPLE = new Set(['GET', 'HEAD', 'POST']);
const bare = globalThis.fetch;

function words(text) {
  return new Set((text ?? '').split(',').map((word) => word.trim().toLowerCase()));
}

function mustAllow(answer, what) {
  const origin = answer.headers.get('access-control-allow-origin');
  if (origin !== ORIGIN && origin !== '*') throw new TypeError(`a browser would hide this answer: ${what}`);
}

async function preflight(url, method, names) {
  const headers = {
    Origin: ORIGIN,
    'Access-Control-Request-Method': method,
    'Access-Control-Request-Headers': names.join(','),
  };
  const answer = await bare(url, { method: 'OPTIONS', headers });
  mustAllow(answer, `OPTIONS ${url}`);
  const [methods, allowed] = ['methods', 'headers'].map((each) => words(answer.headers.get(`access-control-allow-${each}`)));
  if (!answer.ok) throw new TypeError(`OPTIONS ${url} says ${answer.status}`);
  if (!SIMPLE.has(method) && !methods.has(method.toLowerCase())) throw new TypeError(`no ${method} for browsers`);
  const refused = names.filter((name) => !allowed.has(name));
  if (refused.length) throw new TypeError(`no header ${refused} for browsers`);
}

globalThis.fetch = async (url, { method = 'GET', headers = {}, ...rest } = {}) => {
  // A JSON content type is enough to make a browser ask beforehand.
  await preflight(url, method, Object.keys(headers).map((name) => name.toLowerCase()).sort());
  const answer = await bare(url, { method, headers: { ...headers, Origin: ORIGIN }, ...rest });
  mustAllow(answer, `${method} ${url}`);
  return answer;
};
