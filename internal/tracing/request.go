package tracing

import (
	"context"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/relay"
)

// request is one request that is followed.
type request struct {
	tracer   trace.Tracer
	ctx      context.Context //nolint:containedctx // OpenTelemetry keeps a span's place in its context
	span     trace.Span
	attempts []attempt
}

type attempt struct {
	ctx  context.Context //nolint:containedctx // as above
	span trace.Span
}

// ID implements relay.Trace.
func (r *request) ID() string { return r.span.SpanContext().TraceID().String() }

// Attempt implements relay.Trace.
func (r *request) Attempt(ctx context.Context, at time.Time) context.Context {
	ctx, span := r.tracer.Start( //nolint:spancheck // End ends it, for then it is known what became of it
		trace.ContextWithSpan(ctx, r.span), "attempt", trace.WithTimestamp(at), trace.WithSpanKind(trace.SpanKindClient),
	)
	r.attempts = append(r.attempts, attempt{trace.ContextWithSpan(r.ctx, span), span})
	return ctx //nolint:spancheck // as above
}

// End implements relay.Trace.
func (r *request) End(s *relay.Story) {
	for _, step := range s.Steps {
		_, span := r.tracer.Start(r.home(step.Name), step.Name, trace.WithTimestamp(step.From))
		span.End(trace.WithTimestamp(step.To))
	}
	for i := range r.attempts {
		if i < len(s.Attempts) {
			endAttempt(r.attempts[i].span, s, &s.Attempts[i])
		}
	}
	r.span.SetName(nameOf(s))
	r.span.SetAttributes(facts(s)...)
	r.span.SetAttributes(usage(s)...)
	if s.TTFT > 0 {
		r.span.AddEvent(firstByte, trace.WithTimestamp(s.Start.Add(s.TTFT)))
	}
	if f := s.Failure; f != nil {
		r.span.SetAttributes(attribute.String(errorType, f.Code))
		if f.Status >= http.StatusInternalServerError {
			r.span.SetStatus(codes.Error, f.Code)
		}
	}
	r.span.End(trace.WithTimestamp(s.End))
}

// home is where a step belongs: what is done for one attempt is within the last one.
func (r *request) home(step string) context.Context {
	if n := len(r.attempts); n > 0 && (step == "prepare" || step == "deliver") {
		return r.attempts[n-1].ctx
	}
	return r.ctx
}

// nameOf is the operation and the route's model: what the caller wrote is no part of it, for names are to be few.
func nameOf(s *relay.Story) string {
	if s.Model == "" {
		return operation(s.Kind)
	}
	return operation(s.Kind) + " " + s.Model
}

func endAttempt(span trace.Span, s *relay.Story, a *tasks.Attempt) {
	span.SetAttributes(
		attribute.String(genAIOperation, operation(s.Kind)), attribute.String(genAIProvider, a.Provider),
		attribute.String(genAISystem, a.Provider), attribute.String(genAIRequestModel, a.ProviderModelName),
		attribute.String(gantryPlatform, a.PlatformKey), attribute.Int(gantryAttempt, a.No),
		attribute.String(gantryCategory, string(a.Category)), attribute.String(gantryVerdict, a.Verdict),
	)
	if a.StatusCode > 0 {
		span.SetAttributes(attribute.Int(httpStatus, a.StatusCode))
	}
	if a.Category != inference.OK {
		span.SetAttributes(attribute.String(errorType, string(a.Category)))
		span.SetStatus(codes.Error, string(a.Category))
	}
	span.End(trace.WithTimestamp(a.StartedAt.Add(a.Duration)))
}

// facts are what is known of the request besides what it used.
func facts(s *relay.Story) []attribute.KeyValue {
	out := []attribute.KeyValue{
		attribute.String(gantryRequestID, s.RequestID), attribute.String(gantryTask, s.TaskID.String()),
		attribute.String(gantryKind, string(s.Kind)), attribute.String(genAIOperation, operation(s.Kind)),
		attribute.Bool(gantryStream, s.Stream), attribute.Bool(gantrySimulated, s.Simulated),
		attribute.Int(httpStatus, s.Status), attribute.Int(gantryAttempts, len(s.Attempts)),
	}
	texts := map[string]string{
		genAIRequestModel: s.Asked, genAIResponseModel: s.Upstream, genAIProvider: s.Provider, genAISystem: s.Provider,
		gantryPlatform: s.Platform, gantryRoute: s.Cause, gantryBill: s.Outcome,
	}
	if !s.UserID.IsZero() {
		texts[gantryUser], texts[gantryTenant] = s.UserID.String(), s.TenantID.String()
	}
	if !s.KeyID.IsZero() {
		texts[gantryKey] = s.KeyID.String()
	}
	for name, value := range texts {
		if value != "" {
			out = append(out, attribute.String(name, value))
		}
	}
	return out
}

// usage is what the request used and cost.
func usage(s *relay.Story) []attribute.KeyValue {
	var out []attribute.KeyValue
	u := &s.Usage
	for _, f := range [...]struct {
		name string
		n    int64
	}{
		{genAIMaxOutput, s.MaxOutput},
		{genAIInput, u.InputTokens()},
		{genAIOutput, u.OutputTokens()},
		{genAICacheRead, u.Quantities[inference.TextInputCached]},
		{genAICacheCreation, u.Quantities[inference.TextCacheWrite] + u.Quantities[inference.TextCacheWrite1h]},
	} {
		if f.n > 0 {
			out = append(out, attribute.Int64(f.name, f.n))
		}
	}
	for name, amount := range map[string]money.Amount{gantryHeld: s.Held, gantryCharged: s.Charged} {
		if amount > 0 {
			out = append(out, attribute.String(name, money.Money{Currency: s.Currency, Units: amount}.String()))
		}
	}
	return out
}
