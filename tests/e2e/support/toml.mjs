/** Routes as `cargo xtask dev --routes` reads them: an array of tables named ROUTES. */
export function routesToml(routes) {
  return routes.map((route) => `[[ROUTES]]\n${lines(route)}`).join('\n');
}

function lines(table) {
  return Object.entries(table)
    .map(([name, value]) => `${name} = ${literal(value)}\n`)
    .join('');
}

function literal(value) {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value === 'object') {
    return `{ ${Object.entries(value)
      .map(([name, inner]) => `${name} = ${literal(inner)}`)
      .join(', ')} }`;
  }
  return JSON.stringify(value); // strings, numbers and booleans are written alike in JSON and TOML
}
