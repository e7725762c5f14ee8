// Relying parties as the tests drive them: one JSON request a line on stdin, one JSON answer a line on stdout. Each
// request names its party, and each operation is given what that party keeps between two requests.

import { createInterface } from 'node:readline'

export async function answerLines(operations) {
  const parties = new Map()
  for await (const line of createInterface({ input: process.stdin })) {
    const { party, operation, ...given } = JSON.parse(line)
    if (!parties.has(party)) parties.set(party, {})
    let answer
    try {
      answer = { result: (await operations[operation](parties.get(party), given)) ?? null }
    } catch (error) {
      answer = { failure: described(error) }
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`)
  }
}

// What a library says of a failure: its own code, and the OAuth error if the provider named one.
function described(error) {
  const body = error.cause instanceof URLSearchParams ? Object.fromEntries(error.cause) : error.cause
  return {
    message: error.message,
    code: error.code ?? null,
    error: error.error ?? body?.error ?? null,
    description: error.error_description ?? body?.error_description ?? null,
    status: error.status ?? null,
  }
}
