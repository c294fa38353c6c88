// What a Worker sends a ledger, for wrappers around the shipped one: it can be looked at, changed, and sent again and again.

const HEADER = 'oncegate-secret-command';

/** A frame: the head of a command, in a header or before the body of an answer (protocol/src/wire/command.rs). */
export class Sent {
  static async of(request) {
    const sent = new Sent();
    const header = request.headers.get(HEADER);
    sent.url = request.url;
    sent.isInHeader = header !== null;
    sent.head = sent.isInHeader
      ? Uint8Array.from(atob(header), (byte) => byte.charCodeAt(0))
      : new Uint8Array(await request.arrayBuffer());
    return sent;
  }

  /** What is asked: 1 is whether an attempt may begin. */
  get command() {
    return this.head[1];
  }

  /** The bytes of the head's part at this place. */
  part(at, length) {
    return this.head.subarray(at, at + length);
  }

  /** The id of the record. */
  get id() {
    return this.part(6, 32);
  }

  /** As a request. */
  request() {
    const method = 'POST';
    if (!this.isInHeader) return new Request(this.url, { method, body: this.head.slice() });
    return new Request(this.url, { method, headers: { [HEADER]: btoa(String.fromCharCode(...this.head)) } });
  }
}
