package relay

import (
	"log/slog"
	"net/http"
	"strconv"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// level is that of the call's line: what is our fault, or the upstream's, is a warning.
func (c *call) level() slog.Level {
	if c.failure != nil && c.failure.Status >= http.StatusInternalServerError {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// logs reports whether the call's line is wanted.
func (c *call) logs() bool { return c.log.Enabled(c.ctx(), c.level()) }

// logStory writes the one line of the call. Its names are listed in docs/observability.md.
func (c *call) logStory(s *Story) {
	attrs := make([]slog.Attr, 0, 32)
	attrs = append(
		attrs, slog.String("request_id", s.RequestID), slog.String("task", s.TaskID.String()), slog.String("kind", string(s.Kind)),
		slog.String("model", shorten(s.Asked)), slog.Int("status", s.Status), slog.Bool("stream", s.Stream),
		slog.Duration("duration", s.End.Sub(s.Start)),
	)
	if c.trace != nil {
		attrs = append(attrs, slog.String("trace_id", c.trace.ID()))
	}
	attrs = s.appendCaller(attrs)
	attrs = s.appendRoute(attrs)
	attrs = s.appendUse(attrs)
	c.log.LogAttrs(c.ctx(), c.level(), "request", s.appendFailure(attrs)...)
}

func (s *Story) appendCaller(attrs []slog.Attr) []slog.Attr {
	if !s.UserID.IsZero() {
		attrs = append(attrs, slog.String("user", s.UserID.String()), slog.String("tenant", s.TenantID.String()))
	}
	if !s.KeyID.IsZero() {
		attrs = append(attrs, slog.String("key", s.KeyID.String()))
	}
	return attrs
}

// appendRoute tells where the call went, and how long each step took.
func (s *Story) appendRoute(attrs []slog.Attr) []slog.Attr {
	if s.Platform != "" {
		attrs = append(attrs, slog.String("platform", s.Platform), slog.String("provider", s.Provider),
			slog.String("upstream_model", s.Upstream), slog.String("route", s.Cause))
	}
	if s.Simulated {
		attrs = append(attrs, slog.Bool("simulated", true))
	}
	if s.TTFT > 0 {
		attrs = append(attrs, slog.Duration("ttft", s.TTFT))
	}
	if len(s.Steps) > 0 {
		attrs = append(attrs, slog.Any("steps", stepLog(s.Steps)))
	}
	if len(s.Attempts) > 0 {
		attrs = append(attrs, slog.Int("attempts", len(s.Attempts)), slog.Any("attempt", attemptLog(s.Attempts)))
	}
	if s.Full > 0 {
		attrs = append(attrs, slog.Int("at_limit", s.Full))
	}
	return attrs
}

// stepLog is the steps as a group of durations.
type stepLog []Step

// LogValue implements slog.LogValuer.
func (l stepLog) LogValue() slog.Value {
	attrs := make([]slog.Attr, len(l))
	for i, s := range l {
		attrs[i] = slog.Duration(s.Name, s.To.Sub(s.From))
	}
	return slog.GroupValue(attrs...)
}

// attemptLog is the attempts as groups, by their number.
type attemptLog []tasks.Attempt

// LogValue implements slog.LogValuer.
func (l attemptLog) LogValue() slog.Value {
	attrs := make([]slog.Attr, len(l))
	for i := range l {
		a := &l[i]
		attrs[i] = slog.Group(strconv.Itoa(a.No), slog.String("platform", a.PlatformKey), slog.String("category", string(a.Category)),
			slog.Int("status", a.StatusCode), slog.String("verdict", a.Verdict), slog.Duration("duration", a.Duration))
	}
	return slog.GroupValue(attrs...)
}

// appendUse tells what was used, held and charged.
func (s *Story) appendUse(attrs []slog.Attr) []slog.Attr {
	if !s.Usage.IsZero() {
		attrs = append(attrs, slog.Any("usage", usageLog(s.Usage)))
	}
	for _, m := range [...]struct {
		name   string
		amount money.Amount
	}{{"held", s.Held}, {"charged", s.Charged}, {"overrun", s.Overrun}} {
		if m.amount > 0 {
			attrs = append(attrs, slog.String(m.name, money.Money{Currency: s.Currency, Units: m.amount}.String()))
		}
	}
	if s.Outcome != "" {
		attrs = append(attrs, slog.String("bill", s.Outcome))
	}
	return attrs
}

// usageLog is what a call used as a group of counts.
type usageLog inference.Usage

// LogValue implements slog.LogValuer.
func (l usageLog) LogValue() slog.Value {
	var attrs []slog.Attr
	for r, n := range l.Quantities {
		if n != 0 {
			attrs = append(attrs, slog.Int64(inference.Resource(r).String(), n))
		}
	}
	if l.Estimated {
		attrs = append(attrs, slog.Bool("estimated", true))
	}
	return slog.GroupValue(attrs...)
}

// appendFailure tells why the call failed, and which limit it hit.
func (s *Story) appendFailure(attrs []slog.Attr) []slog.Attr {
	f := s.Failure
	if f == nil {
		return attrs
	}
	attrs = append(attrs, slog.String("code", f.Code))
	for _, name := range [...]string{"scope", "metric", "period"} {
		if v, ok := f.Details[name].(string); ok {
			attrs = append(attrs, slog.String("limit_"+name, v))
		}
	}
	if f.Cause != nil && !fault.From(f.Cause).Is(fault.ErrClientGone) {
		attrs = append(attrs, slog.String("cause", f.Cause.Error()))
	}
	return attrs
}
