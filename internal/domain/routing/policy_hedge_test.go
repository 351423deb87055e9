package routing_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/inference"
)

// TestHedge: nothing is hedged unless somebody says so, and what is made by the piece only where it is named.
func TestHedge(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]map[inference.Kind]time.Duration{
		`{}`:                        {inference.Chat: 0},
		`{"hedge":{}}`:              {inference.Chat: 0},
		`{"hedge":{"afterMs":800}}`: {inference.Chat: 0},
		`{"hedge":{"enabled":true,"afterMs":800}}`: {
			inference.Chat: 800 * time.Millisecond, inference.Embeddings: 800 * time.Millisecond, inference.ImageGenerations: 0,
			inference.VideoGenerations: 0, inference.Speech: 0,
		},
		`{"hedge":{"enabled":true,"afterMs":5,"kinds":["images.generations"]}}`: {
			inference.Chat: 0, inference.ImageGenerations: 5 * time.Millisecond,
		},
	} {
		got, err := routing.ParseRunner(routing.RunnerPolicy{FailoverPolicy: json.RawMessage(text)})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		for kind, after := range want {
			h := got.Failover.Hedge.Of(kind)
			if h == nil && after > 0 || h != nil && h.After != after {
				t.Errorf("%s: %s is hedged %+v, want after %v", text, kind, h, after)
			}
		}
	}
}
