package pricing_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/inference"
)

// TestConfigIsWhatWasEntered compiles the starting prices, shows them and compiles what is shown: it prices alike.
func TestConfigIsWhatWasEntered(t *testing.T) {
	t.Parallel()
	_, models, err := catalog.Starting(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	for i := range models {
		first, text := scheduleOf(t, models[i].BaseBillingConfig)
		again, same := scheduleOf(t, text)
		if string(text) != string(same) {
			t.Errorf("%s: shown as %s, then as %s", models[i].CanonicalKey, text, same)
		}
		in := pricing.Inputs{}
		in.Usage.Quantities[inference.TextInput], in.Usage.Quantities[inference.TextOutput] = 300_001, 77
		want, err1 := first.Amount(&in)
		got, err2 := again.Amount(&in)
		if got != want || (err1 == nil) != (err2 == nil) {
			t.Errorf("%s: %d and %d, %v, %v", models[i].CanonicalKey, want, got, err1, err2)
		}
	}
}

func scheduleOf(t *testing.T, raw json.RawMessage) (*pricing.Schedule, json.RawMessage) {
	t.Helper()
	rules, err := pricing.ParseConfig(raw)
	if err != nil {
		t.Fatal(err)
	}
	s, err := pricing.Compile(rules)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(s.Config())
	if err != nil {
		t.Fatal(err)
	}
	return s, text
}
