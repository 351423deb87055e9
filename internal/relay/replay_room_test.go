package relay

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// TestIDsOfEventsTakeRoom: what a tape holds is within what it was counted for, also where many events come at once.
func TestIDsOfEventsTakeRoom(t *testing.T) {
	t.Parallel()
	tp := &tape{
		book: newReplays(Replay{MemoryBytes: 1 << 20}, clock.System), taskID: id.New(),
		header: map[string][]string{"Content-Type": {"text/event-stream"}},
	}
	tp.WriteHeader(http.StatusOK)
	if _, err := tp.Write([]byte(strings.Repeat("data: x\n\n", 500))); err != nil {
		t.Fatal(err)
	}
	if held := int64(len(tp.bytes)); len(tp.ends) != 500 || tp.size < held {
		t.Errorf("%d events in %d bytes are counted as %d", len(tp.ends), held, tp.size)
	}
}
