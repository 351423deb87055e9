package relay_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/relay"
)

// TestParametersPrice: what a call is charged goes by its parameters where a price does.
func TestParametersPrice(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		question: "0.00003", // 30 tokens at 1e-6
		strings.Replace(question, "{", `{"service_tier":"priority",`, 1): "0.00006",
	} {
		b := newBench(t, "1", relay.Limits{})
		set := id.New()
		v := version(set, 1, time.Time{}, 1e9)
		for i := range v.Rules {
			v.Rules[i].DimensionSchema = json.RawMessage(`{"service_tier":{"enum":["default","priority"],"default":"default"}}`)
			v.Rules[i].BaseWeight = json.RawMessage(`{"service_tier":{"default":1,"priority":2}}`)
		}
		b.relay.Use(b.pricedBy(set, v))
		b.first.answer = always(200, whole)
		b.ask(t.Context(), body)
		b.charged(t, want)
	}
}

// TestNobodyMakesACallCheaper: the service class is not the caller's to say.
func TestNobodyMakesACallCheaper(t *testing.T) {
	t.Parallel()
	for _, body := range []string{question, strings.Replace(question, "{", `{"service_class":"batch",`, 1)} {
		b := newBench(t, "1", relay.Limits{})
		set := id.New()
		v := version(set, 1, time.Time{}, 1e9)
		for i := range v.Rules {
			v.Rules[i].DimensionSchema = json.RawMessage(`{"service_class":{"enum":["standard","batch"],"default":"standard"}}`)
			v.Rules[i].BaseWeight = json.RawMessage(`{"service_class":{"standard":1,"batch":0.5}}`)
		}
		b.relay.Use(b.pricedBy(set, v))
		b.first.answer = always(200, whole)
		b.ask(t.Context(), body)
		b.charged(t, "0.00003")
	}
}
