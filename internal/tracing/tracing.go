// Package tracing sends what becomes of requests to an OpenTelemetry collector, as one span for each request with a child
// for each of the relay's steps, in the words of the GenAI conventions. It is the only package that knows OpenTelemetry.
// docs/observability.md lists spans and attributes. Source: DESIGN section 15.
package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/gantry-ai/gantry/internal/relay"
)

// Options of a Tracer.
type Options struct {
	// Endpoint is the collector's URL without the path /v1/traces.
	Endpoint string
	// Headers go out with every batch; they usually hold a token.
	Headers map[string]string
	// SampleRatio is the share of requests, from 0 to 1, that are traced where the caller has not decided it.
	SampleRatio float64
	// Version and Node say which program on which machine; Node may be empty.
	Version, Node string
	// Log hears of batches that could not be sent.
	Log *slog.Logger
}

// Tracer implements relay.Tracer. Spans are sent in batches in the background; what a collector that is away does not
// take is dropped.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

var _ relay.Tracer = (*Tracer)(nil)

// w3c reads and writes traceparent and tracestate. Baggage is nobody's business.
var w3c = propagation.TraceContext{}

// Start returns a running tracer; Close ends it. No connection is made before the first batch.
func Start(ctx context.Context, o Options) (*Tracer, error) {
	exporter, err := otlptracehttp.New(
		ctx, otlptracehttp.WithEndpointURL(strings.TrimRight(o.Endpoint, "/")+"/v1/traces"), otlptracehttp.WithHeaders(o.Headers),
		otlptracehttp.WithCompression(otlptracehttp.GzipCompression),
	)
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { o.Log.Warn("traces not sent", "error", err) }))
	provider := sdk.NewTracerProvider(
		sdk.WithBatcher(exporter), sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(o.SampleRatio))),
		sdk.WithResource(describe(o)),
	)
	return &Tracer{provider: provider, tracer: provider.Tracer("github.com/gantry-ai/gantry")}, nil
}

func describe(o Options) *resource.Resource {
	attrs := []attribute.KeyValue{attribute.String(serviceName, "gantry"), attribute.String(serviceVersion, o.Version)}
	if o.Node != "" {
		attrs = append(attrs, attribute.String(serviceInstance, o.Node))
	}
	return resource.NewSchemaless(attrs...)
}

// Close sends what waits and stops.
func (t *Tracer) Close(ctx context.Context) error { return t.provider.Shutdown(ctx) }

// Begin implements relay.Tracer. The caller's traceparent decides whether and under which trace the request is followed.
func (t *Tracer) Begin(req *http.Request, at time.Time) relay.Trace {
	ctx := w3c.Extract(context.Background(), propagation.HeaderCarrier(req.Header))
	ctx, span := t.tracer.Start(ctx, "request", trace.WithTimestamp(at), trace.WithSpanKind(trace.SpanKindServer))
	if !span.IsRecording() {
		return nil
	}
	span.SetAttributes(attribute.String(httpMethod, req.Method), attribute.String(urlPath, req.URL.Path))
	return &request{tracer: t.tracer, ctx: ctx, span: span}
}

// Propagate returns a transport that sends traceparent with calls that belong to a trace.
func Propagate(next http.RoundTripper) http.RoundTripper { return propagator{next} }

type propagator struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper. Requests are not changed: adapters share their headers.
func (p propagator) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if trace.SpanContextFromContext(ctx).IsValid() {
		req = req.Clone(ctx)
		w3c.Inject(ctx, propagation.HeaderCarrier(req.Header))
	}
	return p.next.RoundTrip(req)
}
