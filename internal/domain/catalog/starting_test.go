package catalog_test

import (
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
)

func TestStartingCatalogue(t *testing.T) {
	t.Parallel()
	providers, models, err := catalog.Starting(time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, p := range providers {
		known[p.Key] = true
	}
	seen := map[string]bool{}
	for _, m := range models {
		if !known[m.ProviderKey] {
			t.Errorf("%s has the unknown provider %s", m.CanonicalKey, m.ProviderKey)
		}
		if seen[m.CanonicalKey] {
			t.Errorf("%s is there twice", m.CanonicalKey)
		}
		seen[m.CanonicalKey] = true
		for _, typ := range m.Types {
			if typ == "" {
				t.Errorf("%s has an empty type", m.CanonicalKey)
			}
		}
	}
	for _, name := range []string{"sim-chat", "sim-embed", "sim-image", "sim-video", "sim-tts", "sim-stt", "sim-rerank"} {
		if !seen["simulation/"+name] {
			t.Errorf("%s is missing", name)
		}
	}
}
