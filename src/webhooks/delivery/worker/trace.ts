/** Names a span, also to another process. */
export interface DeliverySpanContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** 1 where it is sampled. */
  readonly traceFlags: number;
}

/** A span, as far as it is used. */
export interface DeliverySpan {
  /** Adds what is known of the attempt. */
  setAttribute(key: string, value: string | number | boolean): unknown;
  /** Tells that it failed. */
  setStatus(status: { readonly code: number; readonly message?: string }): unknown;
  /** Tells that it is over. */
  end(): void;
}

/** The part of a `Tracer` of `@opentelemetry/api` that is used. */
export interface DeliveryTracer {
  /** Begins the span of an attempt. */
  startSpan(
    name: string,
    options?: {
      kind?: number;
      attributes?: Record<string, string | number | boolean>;
      links?: { context: DeliverySpanContext }[];
    },
  ): DeliverySpan;
}

/** The span in which a caller is, as far as it is used. */
export interface DeliveryActiveSpan {
  /** Gives what names it. */
  spanContext(): DeliverySpanContext;
}

/** The part of the `trace` of `@opentelemetry/api` that is used. */
export interface DeliveryTrace {
  /** Gives the tracer of a library. */
  getTracer(name: string): DeliveryTracer;
  /** Gives the span in which the caller is; undefined where there is none. */
  getActiveSpan(): DeliveryActiveSpan | undefined;
}

/** `SpanKind.PRODUCER` and `SpanStatusCode.ERROR` of `@opentelemetry/api`, which need not be there. */
const producer = 3;
const error = 2;

/** Version, trace, span and flags (W3C Trace Context). What is all zeros names nothing. */
const traceParent = /^00-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})$/;

/** The span in which the caller is, as a text to be stored with a message; null where there is none. */
export function traceParentOf(trace: DeliveryTrace | undefined): string | null {
  const context = trace?.getActiveSpan()?.spanContext();
  if (context === undefined) return null;
  const flags = (context.traceFlags & 0xff).toString(16).padStart(2, '0');
  const text = `00-${context.traceId}-${context.spanId}-${flags}`;
  return traceParent.test(text) ? text : null;
}

/** The span that {@link traceParentOf} wrote down. */
function contextOf(text: string | null): (DeliverySpanContext & { readonly isRemote: true }) | null {
  const [, traceId = '', spanId = '', flags = ''] = traceParent.exec(text ?? '') ?? [];
  return traceId === '' ? null : { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}

/** What an attempt became, as its span tells it. */
export interface TracedEnd {
  readonly status: number | null;
  readonly reason: string | null;
}

/** What the span of an attempt tells from its beginning. */
export interface TracedBeginning {
  readonly attributes: Readonly<Record<string, string | number>>;
  /** The span in which the message was published. */
  readonly publishedIn: string | null;
}

/** Wraps an attempt in a span, named and described by the conventions for messaging. */
export async function traced<Result extends TracedEnd>(
  trace: DeliveryTrace | undefined,
  { attributes, publishedIn }: TracedBeginning,
  work: () => Promise<Result>,
): Promise<Result> {
  if (trace === undefined) return work();
  const context = contextOf(publishedIn);
  const span = trace.getTracer('tenantry').startSpan('webhook deliver', {
    kind: producer,
    attributes: { 'messaging.system': 'webhook', 'messaging.operation.type': 'send', ...attributes },
    ...(context !== null && { links: [{ context }] }),
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
