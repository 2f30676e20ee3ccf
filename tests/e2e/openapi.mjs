// SPDX-License-Identifier: MIT
// Holds answers against the API's description.
import Ajv from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

export class Contract {
  constructor(doc) {
    this.doc = doc;
    this.checks = 0;
    this.seen = new Map(); // operationId -> statuses
    this.ajv = new Ajv({ strict: false, allErrors: true });
    formats(this.ajv);
    this.ajv.addSchema(doc, 'openapi');
    this.paths = Object.entries(doc.paths).map(([path, item]) => ({
      item, literal: !path.includes('{'),
      pattern: new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
    })).sort((a, b) => b.literal - a.literal);
    this.compiled = new Map();
  }

  // What is wrong with the answer, or undefined.
  check(method, url, status, headers, text) {
    const path = url.split('?')[0];
    const found = this.paths.find((p) => p.pattern.test(path));
    const operation = found?.item[(method === 'HEAD' ? 'GET' : method).toLowerCase()];
    if (!operation) return this.problem(status, headers, text, [404, 405, 400]);
    const seen = this.seen.get(operation.operationId) ?? new Set();
    this.seen.set(operation.operationId, seen.add(status));
    this.checks++;
    let response = operation.responses[status];
    if (!response) return `${method} ${path}: the status ${status} is not described`;
    if (response.$ref) response = this.doc.components.responses[response.$ref.split('/').pop()];
    for (const name of Object.keys(response.headers ?? {}))
      if (['X-Request-Id', 'Location'].includes(name) && !headers.get(name)) return `${method} ${path}: no ${name}`;
    if (method === 'HEAD') return undefined;
    return this.body(`${method} ${path} ${status}`, response.content, headers, text);
  }

  body(what, content, headers, text) {
    if (!content) return text ? `${what}: a body where none is described` : undefined;
    const type = (headers.get('content-type') ?? '').split(';')[0];
    if (type === 'application/x-ndjson') return undefined;
    const media = content[type];
    if (!media) return `${what}: ${type} is not described`;
    if (!/json$/.test(type) || media.schema.type === 'string') return undefined;
    const key = JSON.stringify(media.schema);
    if (!this.compiled.has(key)) this.compiled.set(key, this.ajv.compile(this.absolute(media.schema)));
    const validate = this.compiled.get(key);
    return validate(JSON.parse(text)) ? undefined
      : `${what}: ${this.ajv.errorsText(validate.errors)}: ${text.slice(0, 500)}`;
  }

  absolute(schema) {
    return JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"openapi#/'));
  }

  problem(status, headers, text, allowed) {
    this.checks++;
    if (!allowed.includes(status)) return `an address that is not described answers ${status}`;
    return this.body(`${status}`, this.doc.components.responses.Problem.content, headers, text);
  }
}
