package wire_test

import (
	"testing"

	"github.com/gantry-ai/gantry/internal/wire"
)

// TestEveryEffortIsNearSome: no effort and no budget is without an answer.
func TestEveryEffortIsNearSome(t *testing.T) {
	t.Parallel()
	for _, effort := range wire.Efforts {
		if !wire.KnownEffort(effort) || wire.NearestEffort(effort, []string{"medium"}) != "medium" {
			t.Error(effort)
		}
	}
	for budget, want := range map[int64]string{-1: "", 0: "none", 1: "low", 2048: "low", 2049: "medium", 8193: "high", 24577: "xhigh"} {
		if got := wire.EffortOf(budget); got != want {
			t.Errorf("%d: %s", budget, got)
		}
	}
	if wire.KnownEffort("") || wire.NearestEffort("odd", []string{"low"}) != "odd" {
		t.Error("what is no effort")
	}
}
