package gateway

import (
	"encoding/json"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// TestPlatformOfATask: it is that of the attempt that counted, which of two at once may be the first; and what the other
// one used is shown with it.
func TestPlatformOfATask(t *testing.T) {
	t.Parallel()
	one, two := id.New(), id.New()
	attempts := []tasks.Attempt{
		{No: 1, PlatformName: "One", PlatformModelID: one, Verdict: "served"},
		{No: 2, PlatformName: "Two", PlatformModelID: two, Verdict: "hedged_lost", Usage: json.RawMessage(`{"text_input":7}`)},
	}
	for model, want := range map[id.ID]string{one: "One", two: "Two", id.New(): "Two"} {
		got, err := showTask(&tasks.Task{ID: id.New(), PlatformModelID: model, Attempts: tasks.AppendAttempts(nil, attempts)}, &identity.Principal{})
		if err != nil || got.PlatformName != want || string(got.Attempts[1].Usage) != `{"text_input":7}` || got.Attempts[0].Usage != nil {
			t.Errorf("platform %q, want %q; %+v, %v", got.PlatformName, want, got.Attempts, err)
		}
	}
}
