/** A span, as far as it is used. */
export interface DeliverySpan {
  /** Adds what is known of the attempt. */
  setAttribute(key: string, value: string | number | boolean): unknown;
  /** Tells that it failed. */
  setStatus(status: { readonly code: number; readonly message?: string }): unknown;
  /** Tells that it is over. */
  end(): void;
}

/** The part of a `Tracer` of `@opentelemetry/api` that is used: hand in `trace.getTracer('tenantry')`. */
export interface DeliveryTracer {
  /** Begins the span of an attempt. */
  startSpan(
    name: string,
    options?: { kind?: number; attributes?: Record<string, string | number | boolean> },
  ): DeliverySpan;
}

/** `SpanKind.PRODUCER` and `SpanStatusCode.ERROR` of `@opentelemetry/api`, which need not be there. */
const producer = 3;
const error = 2;

/** What an attempt became, as its span tells it. */
export interface TracedEnd {
  readonly status: number | null;
  readonly reason: string | null;
}

/** Wraps an attempt in a span, named and described by the conventions for messaging. */
export async function traced<Result extends TracedEnd>(
  tracer: DeliveryTracer | undefined,
  attributes: Readonly<Record<string, string | number>>,
  work: () => Promise<Result>,
): Promise<Result> {
  if (tracer === undefined) return work();
  const span = tracer.startSpan('webhook deliver', {
    kind: producer,
    attributes: { 'messaging.system': 'webhook', 'messaging.operation.type': 'send', ...attributes },
  });
  try {
    const result = await work();
    if (result.status !== null) span.setAttribute('http.response.status_code', result.status);
    if (result.reason !== null) {
      span.setAttribute('error.type', result.reason);
      span.setStatus({ code: error, message: result.reason });
    }
    return result;
  } finally {
    span.end();
  }
}
