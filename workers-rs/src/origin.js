// The handler as the gate calls an origin: as a service binding, which is an object with a `fetch`.

/**
 * Such an object. `handle(request, isRead)` is the handler: `isRead` says whether its answer's body is read here, or else sent as it is.
 * `cf` is what the platform says of the client's connection.
 */
export function originOf(handle, cf) {
  return {
    async fetch(input, init) {
      const isRead = init?.encodeResponseBody === 'manual';
      const answer = handle(requestOf(input, init, cf), isRead);
      if (!isRead) return answer;
      const { signal } = init;
      return readable(await heeding(signal, answer), signal);
    },
  };
}

/** The request that the arguments of `fetch` stand for. */
function requestOf(input, init, cf) {
  if (init === undefined) return input;
  // One that is made of another has what that had.
  const isWhole = init instanceof Request || input instanceof Request;
  return new Request(input, isWhole ? init : { ...init, cf });
}

/** What a promise comes to, unless the signal is given before. A call over the network heeds that by itself. */
function heeding(signal, promise) {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
    promise.then(resolve, reject);
  });
}

/** An answer whose body is a stream of bytes, as that of an answer from a network is, and breaks off when the signal is given. */
function readable({ status, statusText, headers, body }, signal) {
  if (body === null) return new Response(null, { status, statusText, headers });
  const bytes = new IdentityTransformStream();
  pump(body.getReader(), bytes.writable.getWriter(), signal);
  return new Response(bytes.readable, { status, statusText, headers, encodeBody: 'manual' });
}

/** Moves a body on. `pipeTo` heeds a signal only when the next piece has come, which may be never. */
async function pump(reader, writer, signal) {
  const end = (reason) => Promise.allSettled([writer.abort(reason), reader.cancel(reason)]);
  signal?.addEventListener('abort', () => end(signal.reason));
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return await writer.close();
      await writer.write(value);
    }
  } catch (thrown) {
    // The one who reads on the other side sees it.
    await end(thrown);
  }
}
