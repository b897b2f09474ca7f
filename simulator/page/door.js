// Questions to the simulator, and changes. A refusal becomes an Error with the server's own sentence.

const PATIENCE = 8_000;
const LONG_PATIENCE = 600_000; // winding a clock on by hours takes its time

export class Refused extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

export const ask = (path) => call(path, { headers: { Accept: "application/json" } }, PATIENCE);

export const change = (method, path, body) =>
  call(path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }) }, LONG_PATIENCE);

async function call(path, options, patience) {
  const answer = await fetch(path, { ...options, cache: "no-store", signal: AbortSignal.timeout(patience) });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, told.error ?? `${answer.status} ${answer.statusText}`);
  return told;
}
