package pricing_test

import (
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/inference"
)

// TestStartingCatalogueHasPrices: every model that an installation begins with can be priced.
func TestStartingCatalogueHasPrices(t *testing.T) {
	t.Parallel()
	_, models, err := catalog.Starting(time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	for i := range models {
		m := &models[i]
		rules, err := pricing.ParseConfig(m.BaseBillingConfig)
		if err != nil {
			t.Errorf("%s: %v", m.CanonicalKey, err)
			continue
		}
		if _, err := pricing.Compile(rules); err != nil {
			t.Errorf("%s: %v", m.CanonicalKey, err)
		}
	}
}

func TestStartingTiers(t *testing.T) {
	t.Parallel()
	_, models, err := catalog.Starting(time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	for i := range models {
		if models[i].CanonicalKey != "xai/grok-4" {
			continue
		}
		s := schedule(t, string(models[i].BaseBillingConfig))
		for input, want := range map[int64]string{128_000: "0.384015", 128_001: "0.768036"} { // × 3 and + 15, or × 6 and + 30
			in := pricing.Inputs{}
			in.Usage.Quantities[inference.TextInput], in.Usage.Quantities[inference.TextOutput] = input, 1
			if sum, err := s.Amount(&in); err != nil || sum.Text("USD") != want {
				t.Errorf("%d tokens cost %s, %v; want %s", input, sum.Text("USD"), err, want)
			}
		}
		return
	}
	t.Error("xai/grok-4 is missing")
}
