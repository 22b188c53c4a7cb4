/** A page that stays open for months must notice that the API has a newer one: its own files are gone then. */

/** The version in the address of a file of the page. */
export function versionOf(address) {
  return /\/page\/([^/]+)\//.exec(address)?.[1] ?? null;
}

/** Whether the API's document names another release than the one that runs. No answer says nothing. */
export async function isOutdated(fetcher, address) {
  try {
    const answer = await fetcher("/", { cache: "no-cache" });
    const current = versionOf(await answer.text());
    return answer.ok && current !== null && current !== versionOf(address);
  } catch {
    return false;
  }
}
