// A Worker by which a test tells a ledger behind `faulty-ledger.js` what to do: POST /LEDGER with the orders as JSON.

export default {
  async fetch(request, env) {
    const ledger = decodeURIComponent(new URL(request.url).pathname.slice(1));
    const init = { method: 'POST', body: await request.text() };
    try {
      return await env.LEDGER.getByName(ledger).fetch('https://test/', init);
    } catch (error) {
      return Response.json({ failed: error.message });
    }
  },
};
