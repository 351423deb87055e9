package routing

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

// Parsers of the stored policies. They are used when a policy is entered and when it comes into force. A policy that says
// nothing (no text, null, {}) is nil. Codes: invalid_parameter with the path of the key, invalid_json.

type retryText struct {
	MaxAttempts        int   `json:"maxAttempts"`
	TimeoutMs          int64 `json:"timeoutMs"`
	FirstByteTimeoutMs int64 `json:"firstByteTimeoutMs"`
	IdleTimeoutMs      int64 `json:"idleTimeoutMs"`
	Backoff            struct {
		InitialMs  *int64   `json:"initialMs"`
		MaxMs      *int64   `json:"maxMs"`
		Multiplier *float64 `json:"multiplier"`
		Jitter     *float64 `json:"jitter"`
	} `json:"backoff"`
	On                []inference.Category `json:"on"`
	RespectRetryAfter *bool                `json:"respectRetryAfter"`
}

// ParseRetry reads a retryPolicy; what it leaves out is as in DefaultRetry.
func ParseRetry(path string, raw json.RawMessage) (*Retry, error) {
	var t retryText
	if ok, err := read(path, raw, retryShape, &t); !ok {
		return nil, err
	}
	d := DefaultRetry()
	r := Retry{
		MaxAttempts: cmp.Or(t.MaxAttempts, d.MaxAttempts), Total: millis(t.TimeoutMs), FirstByte: millis(t.FirstByteTimeoutMs),
		Idle: millis(t.IdleTimeoutMs), On: d.On, RespectRetryAfter: or(t.RespectRetryAfter, d.RespectRetryAfter),
		Backoff: Backoff{
			Initial:    orMillis(t.Backoff.InitialMs, d.Backoff.Initial),
			Max:        orMillis(t.Backoff.MaxMs, d.Backoff.Max),
			Multiplier: max(1, or(t.Backoff.Multiplier, d.Backoff.Multiplier)),
			Jitter:     min(1, or(t.Backoff.Jitter, d.Backoff.Jitter)),
		},
	}
	if t.On != nil {
		r.On = CategoriesOf(t.On...)
	}
	r.Backoff.Max = max(r.Backoff.Max, r.Backoff.Initial)
	return &r, nil
}

type ruleText struct {
	On                  []inference.Category `json:"on"`
	StatusCodes         []int                `json:"statusCodes"`
	ErrorCodes          []string             `json:"errorCodes"`
	Keywords            []string             `json:"keywords"`
	Threshold           int                  `json:"threshold"`
	WindowSeconds       int64                `json:"windowSeconds"`
	CooldownSeconds     int64                `json:"cooldownSeconds"`
	MaxCooldownSeconds  int64                `json:"maxCooldownSeconds"`
	RecoverAfterSeconds int64                `json:"recoverAfterSeconds"`
	Step                int64                `json:"step"`
	Target              string               `json:"target"`
}

// ParseDegrade reads a degradePolicy. Of a rule, threshold is 3 where it is left out, windowSeconds 60, cooldownSeconds 10,
// maxCooldownSeconds 600 and target platform_model.
func ParseDegrade(path string, raw json.RawMessage) ([]Rule, error) {
	var t struct {
		Rules []ruleText `json:"rules"`
	}
	if ok, err := read(path, raw, degradeShape, &t); !ok {
		return nil, err
	}
	out := make([]Rule, 0, len(t.Rules))
	for i := range t.Rules {
		r, err := t.Rules[i].rule(indexed(path+".rules", i), "cool", 3, 10)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// ParseDisable reads an autoDisablePolicy. Of a rule, threshold is 1 where it is left out, target that of the policy, or
// credential. The disabled comes back by itself: it is tried after recoverAfterSeconds (60), and twice as long after each
// failure, at most maxCooldownSeconds (3600).
func ParseDisable(path string, raw json.RawMessage) ([]Rule, error) {
	var t struct {
		Enabled             *bool      `json:"enabled"`
		Rules               []ruleText `json:"rules"`
		Target              string     `json:"target"`
		RecoverAfterSeconds int64      `json:"recoverAfterSeconds"`
	}
	if ok, err := read(path, raw, disableShape, &t); !ok {
		return nil, err
	}
	out := []Rule{}
	if !or(t.Enabled, true) {
		return out, nil
	}
	for i := range t.Rules {
		in := t.Rules[i]
		in.Target = first(in.Target, t.Target, UnitCredential.String())
		in.CooldownSeconds = cmp.Or(in.CooldownSeconds, t.RecoverAfterSeconds)
		in.MaxCooldownSeconds = cmp.Or(in.MaxCooldownSeconds, max(3600, in.CooldownSeconds))
		r, err := in.rule(indexed(path+".rules", i), "disable", 1, 60)
		if err != nil {
			return nil, err
		}
		r.Disables = true
		out = append(out, r)
	}
	return out, nil
}

// rule compiles what was entered. kind keeps equal texts of different policies apart.
func (t *ruleText) rule(path, kind string, threshold int, cooldown int64) (Rule, error) {
	if len(t.On)+len(t.StatusCodes)+len(t.ErrorCodes)+len(t.Keywords) == 0 {
		return Rule{}, invalid(path, "A rule needs at least one of on, statusCodes, errorCodes and keywords.")
	}
	text, err := json.Marshal(t)
	if err != nil {
		return Rule{}, fault.ErrBadJSON.At(path)
	}
	r := Rule{
		Key: kind + string(text), Threshold: cmp.Or(t.Threshold, threshold), Window: seconds(cmp.Or(t.WindowSeconds, 60)),
		Cooldown: seconds(cmp.Or(t.CooldownSeconds, cooldown)), MaxCooldown: seconds(cmp.Or(t.MaxCooldownSeconds, 600)), Step: t.Step,
		Match: Match{On: CategoriesOf(t.On...), Statuses: t.StatusCodes, Codes: t.ErrorCodes},
	}
	r.MaxCooldown = max(r.MaxCooldown, r.Cooldown)
	r.Target, _ = parseUnitKind(first(t.Target, UnitModel.String()))
	for _, k := range t.Keywords {
		r.Match.Keywords = append(r.Match.Keywords, strings.ToLower(k))
	}
	return r, nil
}

// ParseRunner compiles the runner policy; what it leaves out is as in DefaultRunner. Its faults name
// failoverPolicy.…, hardStopPolicy.… and priorityDemotePolicy.….
func ParseRunner(p RunnerPolicy) (*Runner, error) {
	out := DefaultRunner()
	failover, err := parseFailover("failoverPolicy", p.FailoverPolicy, out.Failover)
	if err != nil {
		return nil, err
	}
	out.Failover = failover
	var stop struct {
		On []inference.Category `json:"on"`
	}
	if ok, err := read("hardStopPolicy", p.HardStopPolicy, hardStopShape, &stop); err != nil {
		return nil, err
	} else if ok && stop.On != nil {
		out.HardStop = CategoriesOf(stop.On...)
	}
	out.Demote, err = parseDemote("priorityDemotePolicy", p.PriorityDemotePolicy)
	return out, err
}

func parseFailover(path string, raw json.RawMessage, d Failover) (Failover, error) {
	var t struct {
		Enabled      *bool                `json:"enabled"`
		MaxAttempts  int                  `json:"maxAttempts"`
		MaxElapsedMs int64                `json:"maxElapsedMs"`
		On           []inference.Category `json:"on"`
		Hedge        *hedgeText           `json:"hedge"`
	}
	if ok, err := read(path, raw, failoverShape, &t); !ok {
		return d, err
	}
	d.Enabled = or(t.Enabled, d.Enabled)
	d.MaxAttempts = cmp.Or(t.MaxAttempts, d.MaxAttempts)
	d.MaxElapsed = millis(t.MaxElapsedMs)
	if t.On != nil {
		d.On = CategoriesOf(t.On...)
	}
	var err error
	d.Hedge, err = t.Hedge.hedge(path + ".hedge")
	return d, err
}

// parseDemote reads a priorityDemotePolicy. Of a rule, threshold is 3 where it is left out, windowSeconds 60, step 10 and
// recoverAfterSeconds 300. A demotion moves the whole platform, which is what has a priority.
func parseDemote(path string, raw json.RawMessage) ([]Rule, error) {
	var t struct {
		Rules []ruleText `json:"rules"`
	}
	if ok, err := read(path, raw, demoteShape, &t); !ok {
		return nil, err
	}
	var out []Rule
	for i := range t.Rules {
		in := t.Rules[i]
		in.CooldownSeconds, in.Step = cmp.Or(in.RecoverAfterSeconds, 300), cmp.Or(in.Step, 10)
		r, err := in.rule(indexed(path+".rules", i), "demote", 3, 300)
		if err != nil {
			return nil, err
		}
		r.Target = UnitPlatform
		out = append(out, r)
	}
	return out, nil
}

// read checks raw against its shape and decodes it. ok is false when it says nothing.
func read(path string, raw json.RawMessage, s shape, into any) (ok bool, err error) {
	if saysNothing(raw) {
		return false, nil
	}
	if err := check(path, raw, s); err != nil {
		return false, err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return false, fault.ErrBadJSON.At(path)
	}
	return true, nil
}

// parsed is the shape of what a parser reads.
func parsed[T any](parse func(string, json.RawMessage) (T, error)) shape {
	return func(path string, v any) error {
		raw, err := json.Marshal(v)
		if err != nil {
			return fault.ErrBadJSON.At(path)
		}
		_, err = parse(path, raw)
		return err
	}
}

// atMost wants an integer between two bounds.
func atMost(least, most int64) shape {
	return func(path string, v any) error {
		if err := whole(least)(path, v); err != nil {
			return err
		}
		if n, err := v.(json.Number).Int64(); err != nil || n > most { //nolint:forcetypeassert // what whole found
			return invalid(path, fmt.Sprintf("This is to be at most %d.", most))
		}
		return nil
	}
}

func or[T any](v *T, otherwise T) T {
	if v == nil {
		return otherwise
	}
	return *v
}

func orMillis(v *int64, otherwise time.Duration) time.Duration {
	if v == nil {
		return otherwise
	}
	return millis(*v)
}

func millis(n int64) time.Duration  { return time.Duration(n) * time.Millisecond }
func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }
