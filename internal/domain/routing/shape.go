package routing

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

// shape checks a decoded JSON value and names the path of what is wrong.
type shape func(path string, v any) error

func invalid(path, message string) error { return fault.ErrInvalid.Saying(message).At(path) }

// check reads raw and holds it against a shape; nothing and null are fine.
func check(path string, raw json.RawMessage, s shape) error {
	if len(raw) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return fault.ErrBadJSON.At(path)
	}
	if v == nil {
		return nil
	}
	return s(path, v)
}

// object allows the named keys only.
func object(fields map[string]shape) shape {
	return func(path string, v any) error {
		m, ok := v.(map[string]any)
		if !ok {
			return invalid(path, "This is to be an object.")
		}
		for key, value := range m {
			s, known := fields[key]
			if !known {
				return invalid(path+"."+key, "There is no such key.")
			}
			if err := s(path+"."+key, value); err != nil {
				return err
			}
		}
		return nil
	}
}

// anyObject allows every key.
func anyObject(path string, v any) error {
	if _, ok := v.(map[string]any); !ok {
		return invalid(path, "This is to be an object.")
	}
	return nil
}

func list(item shape) shape {
	return func(path string, v any) error {
		items, ok := v.([]any)
		if !ok {
			return invalid(path, "This is to be a list.")
		}
		for i, x := range items {
			if err := item(fmt.Sprintf("%s[%d]", path, i), x); err != nil {
				return err
			}
		}
		return nil
	}
}

// whole wants an integer of at least least.
func whole(least int64) shape {
	return func(path string, v any) error {
		n, ok := v.(json.Number)
		i, err := strconv.ParseInt(string(n), 10, 64)
		if !ok || err != nil || i < least {
			return invalid(path, fmt.Sprintf("This is to be an integer of at least %d.", least))
		}
		return nil
	}
}

// decimal wants a number that is not negative.
func decimal(path string, v any) error {
	n, ok := v.(json.Number)
	f, err := n.Float64()
	if !ok || err != nil || f < 0 {
		return invalid(path, "This is to be a number that is not negative.")
	}
	return nil
}

func boolean(path string, v any) error {
	if _, ok := v.(bool); !ok {
		return invalid(path, "This is to be true or false.")
	}
	return nil
}

func text(path string, v any) error {
	if _, ok := v.(string); !ok {
		return invalid(path, "This is to be a text.")
	}
	return nil
}

// readBy wants what a parser of JSON takes.
func readBy(parse func(path string, raw []byte) error) shape {
	return func(path string, v any) error {
		raw, err := json.Marshal(v)
		if err != nil {
			return fault.ErrBadJSON.At(path)
		}
		return parse(path, raw)
	}
}

func oneOf(words ...string) shape {
	return func(path string, v any) error {
		if s, ok := v.(string); !ok || !slices.Contains(words, s) {
			return invalid(path, fmt.Sprintf("This is to be one of %q.", words))
		}
		return nil
	}
}

const (
	// maxSeconds bounds every time in a policy: a year, so that no sum of them overflows.
	maxSeconds = 365 * 24 * 3600
	// maxTries bounds the attempts that a policy may ask for, maxThreshold the failures that are remembered.
	maxTries     = 100
	maxThreshold = 10_000
)

// ruleFields are what a failure is recognised by and counted with, and the fields of the rule's own kind.
func ruleFields(own map[string]shape) map[string]shape {
	out := map[string]shape{
		"on": list(oneOf(categories...)), "statusCodes": list(whole(100)), "errorCodes": list(text), "keywords": list(text),
		"threshold": atMost(1, maxThreshold), "windowSeconds": atMost(1, maxSeconds),
	}
	maps.Copy(out, own)
	return out
}

// The open objects of the contracts. Source: DESIGN section 6.
var (
	categories = func() []string {
		out := make([]string, len(inference.Categories))
		for i, c := range inference.Categories {
			out[i] = string(c)
		}
		return out
	}()

	kinds = func() []string {
		out := make([]string, len(inference.Kinds))
		for i, k := range inference.Kinds {
			out[i] = string(k)
		}
		return out
	}()

	// What is entered is read by the same parser as when it is in force.
	rateLimitShape = readBy(func(path string, raw []byte) error {
		_, err := limits.ParseRateLimit(path, raw)
		return err
	})
	platformRateLimitShape = readBy(func(path string, raw []byte) error {
		_, _, err := limits.ParsePlatformRateLimit(path, raw)
		return err
	})
	retryShape = object(map[string]shape{
		"maxAttempts": atMost(1, maxTries), "timeoutMs": atMost(1, maxSeconds*1000),
		"firstByteTimeoutMs": atMost(1, maxSeconds*1000), "idleTimeoutMs": atMost(1, maxSeconds*1000),
		"backoff": object(map[string]shape{
			"initialMs": atMost(0, maxSeconds*1000), "maxMs": atMost(0, maxSeconds*1000), "multiplier": decimal, "jitter": decimal,
		}),
		"on": list(oneOf(categories...)), "respectRetryAfter": boolean,
	})
	target       = oneOf("platform_model", "platform", "credential")
	degradeShape = object(map[string]shape{"rules": list(object(ruleFields(map[string]shape{
		"cooldownSeconds": atMost(1, maxSeconds), "maxCooldownSeconds": atMost(1, maxSeconds), "target": target,
	})))})
	disableShape = object(map[string]shape{
		"enabled": boolean, "target": target, "recoverAfterSeconds": atMost(1, maxSeconds),
		"rules": list(object(ruleFields(map[string]shape{
			"cooldownSeconds": atMost(1, maxSeconds), "maxCooldownSeconds": atMost(1, maxSeconds), "target": target,
		}))),
	})
	demoteShape = object(map[string]shape{"rules": list(object(ruleFields(map[string]shape{
		"step": atMost(1, 1_000_000), "recoverAfterSeconds": atMost(1, maxSeconds),
	})))})
	hedgeShape = object(map[string]shape{
		"enabled": boolean, "afterMs": atMost(1, maxSeconds*1000), "kinds": list(oneOf(kinds...)),
	})
	failoverShape = object(map[string]shape{
		"enabled": boolean, "maxAttempts": atMost(1, maxTries), "maxElapsedMs": atMost(1, maxSeconds*1000),
		"on": list(oneOf(categories...)), "hedge": hedgeShape,
	})
	hardStopShape = object(map[string]shape{"on": list(oneOf(categories...))})
	overrideShape = object(map[string]shape{
		"rateLimitPolicy": rateLimitShape, "retryPolicy": parsed(ParseRetry), "degradePolicy": parsed(ParseDegrade),
		"autoDisablePolicy": parsed(ParseDisable),
	})
)
