// What must hold of every request, and of every key: see GUARANTEES.md.
//
// `asked` is a request as its client saw it: its `tenant`, `key`, payload digest `p`, when it was sent and ended (`sentAt`,
// `endedAt`), and how: `end` is "answered" (with `status`, `mark`, the digests of the headers as compared `h` and as they came
// `o`, and of the body `b`), "hung-up" (`cut` where its body was never sent whole) or "lost" (`wasUp`: though nobody killed the
// gate).
//
// `known` is what is known of its key: the origin's `calls` and `executions`, and what clients have been `told`.

const ANSWERS = ['created', 'replayed'];

/** By these the gate says that the origin was not called for this request. */
const NOT_CALLED = ['in-progress', 'mismatch', 'unavailable', 'missing', 'malformed', 'unscoped', 'too-large', 'limited'];

/** What may become of a request. */
export const MARKS = [...ANSWERS, ...NOT_CALLED, 'released', 'unknown', 'not-stored'];

/** How a key may stand when all is over. */
const SETTLED = [...ANSWERS, 'unknown', 'mismatch', 'not-stored'];

export const isAnswer = ({ mark }) => ANSWERS.includes(mark);

/** Whether it has the bytes of what was executed: also where the gate could not keep them, which it says to the first client. */
const hasBytes = (asked) => isAnswer(asked) || (asked.mark === 'not-stored' && !asked.isProblem);

const callsBy = ({ r }, { calls }) => calls.filter((call) => call.r === r);
const executionsBy = ({ r }, { executions }) => executions.filter((execution) => execution.r === r);

/** Each says of which requests it says anything, and what is wrong with one: undefined where nothing is. */
export const REQUEST_RULES = {
  'every request is answered': {
    holdsFor: ({ end }) => end !== 'hung-up',
    wrong({ end, why, mark, status, wasUp }) {
      if (end === 'lost') return wasUp ? `it was not answered, though nobody killed the gate: ${why}` : undefined;
      return MARKS.includes(mark) ? undefined : `the answer ${status} does not say what became of it (${mark})`;
    },
  },
  'no answer without an execution': {
    holdsFor: (asked) => isAnswer(asked) || asked.mark === 'not-stored',
    wrong({ endedAt, mark }, { executions }) {
      return executions.some(({ t }) => t < endedAt) ? undefined : `it is ${mark}, and nothing had been executed`;
    },
  },
  'an answer is that of the execution': {
    holdsFor: (asked, { executions }) => hasBytes(asked) && executions.length > 0,
    wrong(asked, { executions }) {
      const { status, h, b, mark, r } = asked;
      const same = executions.filter((each) => each.status === status && each.h === h && each.b === b);
      if (same.length === 0) return `it got ${differences(asked, executions[0])}`;
      const isOthers = mark === 'created' && !same.some((each) => each.r === r);
      return isOthers ? `it is created, by what ${same[0].r} has executed` : undefined;
    },
  },
  'what was answered stays so': {
    holdsFor: (asked, { told }) => Boolean(told) && (isAnswer(asked) || isRetryOf(asked, told)),
    wrong(asked, { told }) {
      if (asked.mark === 'unavailable') return undefined;
      if (!isAnswer(asked)) return `it is ${asked.mark}, after ${told.r} had got its answer`;
      const isSame = asked.status === told.status && asked.o === told.o && asked.b === told.b;
      return isSame ? undefined : `it got ${differences(asked, told)}`;
    },
  },
  'a refusal has executed nothing': {
    holdsFor: ({ mark, cut }) => cut || mark === 'released' || (NOT_CALLED.includes(mark) && mark !== 'mismatch'),
    wrong(asked, known) {
      if (asked.mark === 'released' && executionsBy(asked, known).length === 0) return undefined;
      return callsBy(asked, known).length === 0 ? undefined : `it is ${asked.mark ?? 'cut off'}, and the origin was called`;
    },
  },
  'another payload executes nothing and gets no answer': {
    holdsFor: (asked, { executions }) => asked.mark === 'mismatch' || (isAnswer(asked) && executions.length > 0),
    wrong(asked, known) {
      const wasCalled = callsBy(asked, known).length > 0;
      if (asked.mark === 'mismatch') return wasCalled ? 'it is mismatch, and the origin was called' : undefined;
      return known.executions.some(({ p }) => p === asked.p) ? undefined : 'it got the answer to another payload';
    },
  },
  'the origin gets what was sent': {
    holdsFor: (asked, known) => callsBy(asked, known).length > 0,
    wrong(asked, known) {
      const isSame = callsBy(asked, known).every(({ p }) => p === asked.p);
      return isSame ? undefined : 'the origin got another payload';
    },
  },
  'in the end every key is settled': {
    holdsFor: ({ calm }) => calm,
    wrong: ({ mark, end }) => (SETTLED.includes(mark) ? undefined : `its key is ${mark ?? end} when all is over`),
  },
};

/** The same of keys, once all is known. */
export const KEY_RULES = {
  'at most one execution': {
    holdsFor: ({ executions }) => executions.length > 0,
    wrong: ({ executions }) => (executions.length === 1 ? undefined : `it was executed ${executions.length} times`),
  },
  'no call while another one may have executed': {
    holdsFor: ({ calls }) => calls.length > 1,
    wrong({ calls }) {
      const at = calls.findIndex((call, index) => index > 0 && !(calls[index - 1].refusedAt < call.t));
      return at < 0 ? undefined : `the origin was called by ${calls[at].r}, and had not refused ${calls[at - 1].r} before`;
    },
  },
  'no call that nobody has asked for': {
    holdsFor: ({ calls }) => calls.length > 0,
    wrong({ calls }) {
      const call = calls.find(({ isAskedFor }) => !isAskedFor);
      return call && `the origin was called by ${call.r}, which no client has sent`;
    },
  },
};

/** Whether it must get the same answer: it was sent when that had come. */
function isRetryOf({ end, sentAt, p }, told) {
  return end === 'answered' && sentAt > told.endedAt && p === told.p;
}

function differences(asked, due) {
  const what = [
    asked.status !== due.status && `status ${asked.status} for ${due.status}`,
    (due.o ? asked.o !== due.o : asked.h !== due.h) && 'other headers',
    asked.b !== due.b && 'another body',
  ];
  return what.filter(Boolean).join(', ');
}
