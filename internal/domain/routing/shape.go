package routing

import (
	"bytes"
	"encoding/json"
	"fmt"
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

// The open objects of the contracts. Source: DESIGN section 6.
var (
	categories = func() []string {
		out := make([]string, len(inference.Categories))
		for i, c := range inference.Categories {
			out[i] = string(c)
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
		"maxAttempts": whole(1), "timeoutMs": whole(1), "firstByteTimeoutMs": whole(1), "idleTimeoutMs": whole(1),
		"backoff": object(map[string]shape{
			"initialMs": whole(0), "maxMs": whole(0), "multiplier": decimal, "jitter": decimal,
		}),
		"on": list(oneOf(categories...)), "respectRetryAfter": boolean,
	})
	matchFields = map[string]shape{
		"on": list(oneOf(categories...)), "statusCodes": list(whole(100)), "errorCodes": list(text), "keywords": list(text),
		"threshold": whole(1), "windowSeconds": whole(1), "cooldownSeconds": whole(1), "maxCooldownSeconds": whole(1),
		"target": target,
	}
	target       = oneOf("platform_model", "platform", "credential")
	degradeShape = object(map[string]shape{"rules": list(object(matchFields))})
	disableShape = object(map[string]shape{
		"enabled": boolean, "rules": list(object(matchFields)), "target": target, "recoverAfterSeconds": whole(1),
	})
	overrideShape = object(map[string]shape{
		"rateLimitPolicy": rateLimitShape, "retryPolicy": retryShape, "degradePolicy": degradeShape,
		"autoDisablePolicy": disableShape,
	})
	capabilitiesShape = object(map[string]shape{
		"inputModalities": list(text), "outputModalities": list(text), "features": list(text), "contextWindow": whole(0),
		"maxOutputTokens": whole(0), "params": anyObject,
	})
)
