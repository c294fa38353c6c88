// The shipped Worker with a binding to Workers Analytics Engine, which workerd on a machine of one's own does not have: a mock that keeps
// the data points, and gives them at /_points. One whose route is "broken" is refused.

import worker, { Ledger } from './index.js';

export { Ledger };

const points = [];
const ANALYTICS = {
  writeDataPoint(point) {
    if (point.indexes[0] === 'broken') throw new TypeError('no such data point');
    points.push(point);
  },
};

export default {
  fetch(request, env, context) {
    if (new URL(request.url).pathname === '/_points') return Response.json(points);
    return worker.fetch(request, { ...env, ANALYTICS }, context);
  },
};
